// Reading the log as people ask for it: filtered, decrypted, newest first or as it grows. Never
// verifies (verify.ts does) and never reads without a bound.

import type { AuditKind } from '../core/audit.js'
import type { RecordFilter, RecordPosition, RecordStore, Sealer } from '../core/record.js'
import { keyText } from './body.js'
import { ageMsOf, COMMAND_FINISHED, COMMANDS_FINISHED, type RecordView, viewsOf } from './view.js'

/** Records of one read: one may hold hundreds of commands. */
const PAGE_COUNT = 100
/** Most entries in one answer. */
export const QUERY_COUNT_MAX = 10_000
/** Most entries that are looked at in search of a text. */
export const QUERY_SCAN_MAX = 100_000

/** Where a page ended: of a record with many commands, at which of them. */
export interface EntryPosition extends RecordPosition {
  /** Number of the last command that was shown; absent when the record was shown to its end. */
  readonly command?: number | undefined
}

/** What is asked. */
export interface AuditQuery extends RecordFilter {
  /** Only what comes after this in the order of reading, which is older: where the last page ended. */
  readonly before?: EntryPosition | undefined
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
  /** Where to go on; absent when nothing was found or nothing is left. */
  readonly next?: EntryPosition | undefined
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
  let next = query.before
  for (let before = startOf(query.before); ;) {
    const page = await store.newest(filter, before, PAGE_COUNT)
    for (const record of page) {
      for (const view of newestFirst(viewsOf(record, opener), query.before)) {
        if (records.length === limitCount) return { records, stopped: 'limit', scannedCount, next }
        scannedCount += 1
        next = positionOf(view)
        if (wanted(view)) records.push(view)
      }
    }
    const last = page.at(-1)
    if (last === undefined) return { records, stopped: 'all', scannedCount }
    if (scannedCount >= QUERY_SCAN_MAX) return { records, stopped: 'bound', scannedCount, next }
    before = { at: last.at, chain: last.chain, seq: last.seq }
  }
}

/** Of a record that was shown in part the rest is still to come: so it is read again. */
const startOf = (before: EntryPosition | undefined): RecordPosition | undefined =>
  before?.command === undefined ? before : { ...before, seq: before.seq + 1 }

function newestFirst(
  views: readonly RecordView[],
  before: EntryPosition | undefined,
): readonly RecordView[] {
  const reversed = views.toReversed()
  const { chain, seq, command } = before ?? {}
  if (command === undefined || reversed[0]?.chain !== chain || reversed[0]?.seq !== seq) {
    return reversed
  }
  const shown = reversed.findIndex(({ fields }) => fields['command'] === command)
  return reversed.slice(shown + 1)
}

function positionOf({ at, chain, seq, kind, fields }: RecordView): EntryPosition {
  const { command } = fields
  return kind === COMMAND_FINISHED && typeof command === 'number'
    ? { at, chain, seq, command }
    : { at, chain, seq }
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

/**
 * The records of a session, of these kinds where some are given, and of its request, oldest first:
 * what replay is made of.
 */
export async function storyOf(
  store: RecordStore,
  opener: Sealer,
  sessionId: string,
  kinds?: readonly AuditKind[],
): Promise<QueryResult> {
  const limitCount = QUERY_COUNT_MAX
  const session = await queryLog(store, opener, { sessionId, kinds, limitCount })
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
    const views = page.flatMap((record) => viewsOf(record, opener))
    for (const { chain, seq } of page) seen.set(chain, seq)
    for (const view of inOrder(views)) if (wanted(view)) yield view
    if (page.length < PAGE_COUNT) await pause()
  }
}

/**
 * Entries oldest first: within a chain by the monotonic time at which they happened, whatever its
 * wall clock did, between chains by the latest time that each chain had shown.
 */
export function inOrder(views: readonly RecordView[]): readonly RecordView[] {
  const latest = new Map<string, number>()
  return views
    .map((view) => ({ view, ageMs: ageMsOf(view) }))
    .sort(byMoment)
    .map(({ view, ageMs }) => {
      const own = view.at - ageMs
      const at = Math.max(own, latest.get(view.chain) ?? own)
      latest.set(view.chain, at)
      return { view, at }
    })
    .sort((a, b) => a.at - b.at)
    .map(({ view }) => view)
}

interface Aged {
  readonly view: RecordView
  readonly ageMs: number
}

function byMoment(a: Aged, b: Aged): number {
  const apartMs = a.view.monotonicMs - a.ageMs - (b.view.monotonicMs - b.ageMs)
  const numberOf = ({ view }: Aged) => Number(view.fields['command'] ?? 0)
  return apartMs || a.view.seq - b.view.seq || numberOf(a) - numberOf(b)
}

/** Names in key columns are stored cut and cleaned; the question goes the same way. */
const filterOf = (query: Omit<AuditQuery, 'limitCount'>): RecordFilter => ({
  kinds: query.kinds?.includes(COMMAND_FINISHED)
    ? [...query.kinds, COMMANDS_FINISHED]
    : query.kinds,
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
