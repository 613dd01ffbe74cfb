// Reading the log as people ask for it: filtered, decrypted, newest first or as it grows. Never
// verifies (verify.ts does) and never reads without a bound.

import type { AuditKind } from '../core/audit.js'
import { WarderError } from '../core/errors.js'
import type { AuditRecord, RecordFilter, RecordPosition, RecordStore } from '../core/record.js'
import type { Sealer } from '../core/record.js'
import { type Fields, keyText, openSealed, readBody, SEALED_FIELD } from './body.js'

const PAGE_COUNT = 500
/** Most records in one answer. */
export const QUERY_COUNT_MAX = 10_000
/** Most records that are decrypted in search of a text. */
export const QUERY_SCAN_MAX = 100_000

/** A record as people read it: public and decrypted fields together. */
export interface RecordView extends Pick<
  AuditRecord,
  'chain' | 'seq' | 'at' | 'monotonicMs' | 'kind' | 'hash'
> {
  readonly fields: Fields
  /** Why some fields are not shown: the key is gone, or the record was altered. */
  readonly unreadable?: string | undefined
}

/** What is asked. */
export interface AuditQuery extends RecordFilter {
  /** Only what comes before this record in the order of reading: where the last page ended. */
  readonly before?: RecordPosition | undefined
  /** Occurs, in any letter case, in some field; decrypted ones included. */
  readonly text?: string | undefined
  readonly limitCount: number
}

/** What was found, newest first. */
export interface QueryResult {
  readonly records: readonly RecordView[]
  /** Why there is no more: nothing is left, the limit is reached, or the search came to its bound. */
  readonly stopped: 'all' | 'limit' | 'bound'
  readonly scannedCount: number
}

/**
 * The newest matching records.
 *
 * @throws WarderError `RECORD_UNAVAILABLE` when the store fails.
 */
export async function queryLog(
  store: RecordStore,
  opener: Sealer,
  query: AuditQuery,
): Promise<QueryResult> {
  const limitCount = Math.min(query.limitCount, QUERY_COUNT_MAX)
  const filter = filterOf(query)
  const wanted = matcher(query.text)
  const records: RecordView[] = []
  let scannedCount = 0
  for (let before = query.before; ;) {
    const page = await store.newest(filter, before, PAGE_COUNT)
    for (const record of page) {
      if (records.length === limitCount) return { records, stopped: 'limit', scannedCount }
      scannedCount += 1
      const view = viewOf(record, opener)
      if (wanted(view)) records.push(view)
    }
    const last = page.at(-1)
    if (last === undefined) return { records, stopped: 'all', scannedCount }
    if (scannedCount >= QUERY_SCAN_MAX) return { records, stopped: 'bound', scannedCount }
    before = { at: last.at, chain: last.chain, seq: last.seq }
  }
}

/** What led to a session and what became of its grant, besides the session's own records. */
const AROUND_KINDS = [
  'request.opened',
  'request.judged',
  'request.decided',
  'request.ended',
  'grant.opened',
  'grant.extended',
  'grant.ended',
] as const satisfies readonly AuditKind[]

/** The records of a session and of its request, oldest first: what replay is made of. */
export async function storyOf(
  store: RecordStore,
  opener: Sealer,
  sessionId: string,
): Promise<QueryResult> {
  const limitCount = QUERY_COUNT_MAX
  const session = await queryLog(store, opener, { sessionId, limitCount })
  const requestId = session.records[0]?.fields['requestId']
  if (typeof requestId !== 'string') return { ...session, records: inOrder(session.records) }
  const around = await queryLog(store, opener, { requestId, kinds: AROUND_KINDS, limitCount })
  return { ...session, records: inOrder([...around.records, ...session.records]) }
}

/** What following needs besides the query. */
export interface FollowOptions {
  /** Waits between two looks; returns early when `aborted` becomes true. */
  readonly pause: () => Promise<void>
  readonly signal: { readonly aborted: boolean }
}

/**
 * Matching records from `query.from` on, and then each new one, until the signal is aborted.
 * Within a chain none is missed or shown twice.
 */
export async function* followLog(
  store: RecordStore,
  opener: Sealer,
  query: Omit<AuditQuery, 'limitCount' | 'to'> & { readonly from: number },
  { pause, signal }: FollowOptions,
): AsyncGenerator<RecordView, void, undefined> {
  const filter = filterOf(query)
  const wanted = matcher(query.text)
  const seen = new Map<string, number>()
  while (!signal.aborted) {
    const page = await store.following(filter, seen, PAGE_COUNT)
    const views = page.map((record) => viewOf(record, opener))
    for (const { chain, seq } of page) seen.set(chain, seq)
    for (const view of inOrder(views)) if (wanted(view)) yield view
    if (page.length < PAGE_COUNT) await pause()
  }
}

/**
 * Records oldest first: within a chain by number, whatever its clock did, between chains by the
 * latest time that each chain had shown.
 */
export function inOrder(views: readonly RecordView[]): readonly RecordView[] {
  const latest = new Map<string, number>()
  return views
    .toSorted((a, b) => a.seq - b.seq)
    .map((view) => {
      const at = Math.max(view.at, latest.get(view.chain) ?? view.at)
      latest.set(view.chain, at)
      return { view, at }
    })
    .sort((a, b) => a.at - b.at)
    .map(({ view }) => view)
}

/** The record with its sensitive fields opened, or with the reason why they are not. */
export function viewOf(record: AuditRecord, opener: Sealer): RecordView {
  const { chain, seq, at, monotonicMs, kind, hash } = record
  const place = { chain, seq, at, monotonicMs, kind, hash }
  const fields = readBody(record.body)
  if (fields === undefined) return { ...place, fields: {}, unreadable: 'the record was altered' }
  const { [SEALED_FIELD]: sealed, ...open } = fields
  if (sealed === undefined) return { ...place, fields: open }
  try {
    return { ...place, fields: { ...open, ...openSealed(fields, opener, record) } }
  } catch (error) {
    if (!(error instanceof WarderError)) throw error
    return { ...place, fields: open, unreadable: error.details.why ?? error.message }
  }
}

/** Names in key columns are stored cut and cleaned; the question goes the same way. */
const filterOf = (query: Omit<AuditQuery, 'limitCount'>): RecordFilter => ({
  kinds: query.kinds,
  principal: keyText(query.principal) ?? undefined,
  resource: keyText(query.resource) ?? undefined,
  sessionId: keyText(query.sessionId) ?? undefined,
  requestId: keyText(query.requestId) ?? undefined,
  reviewId: keyText(query.reviewId) ?? undefined,
  from: query.from,
  to: query.to,
})

function matcher(text: string | undefined): (view: RecordView) => boolean {
  if (text === undefined) return () => true
  const wanted = text.toLowerCase()
  const holds = (value: unknown): boolean =>
    Array.isArray(value) ? value.some(holds) : String(value).toLowerCase().includes(wanted)
  return (view) => Object.values(view.fields).some(holds)
}
