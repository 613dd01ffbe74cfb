// The audit log as the API reads it: the functions of audit/ on this process's store and keys.

import { granted, refused, type Outcome } from '../core/errors.js'
import type { RecordFilter, RecordStore, Sealer } from '../core/record.js'
import { verifyingKeys } from '../audit/checkpoint.js'
import { exportLog, verifyLog } from '../audit/export.js'
import { queryLog, type EntryPosition } from '../audit/query.js'
import type { RecordView } from '../audit/view.js'
import type { AuditEntry, AuditReader, AuditReport } from '../web/api/ports.js'

/** What the reader reads with. */
export interface AuditReaderParts {
  readonly store: RecordStore
  readonly sealer: Sealer
  /** SPKI PEM of every key that may have signed, oldest first. */
  readonly publicKeys: () => readonly string[]
}

/** AuditReader on the store. */
export class StoreAuditReader implements AuditReader {
  readonly #parts: AuditReaderParts

  constructor(parts: AuditReaderParts) {
    this.#parts = parts
  }

  /** Pages by the place of the last record, so that none is shown twice or left out. */
  async query(
    filter: RecordFilter,
    page: { limitCount: number; before?: string | undefined },
  ): Promise<Outcome<{ entries: readonly AuditEntry[]; next?: string | undefined }>> {
    const before = page.before === undefined ? undefined : positionOf(page.before)
    if (page.before !== undefined && before === undefined) {
      return refused('INVALID_ARGUMENT', {
        what: 'The place in the log',
        why: 'it is none of ours',
      })
    }
    const { store, sealer } = this.#parts
    const { limitCount } = page
    const found = await queryLog(store, sealer, { ...filter, before, limitCount })
    return granted({
      entries: found.records.map(entryOf),
      ...(found.next === undefined ? {} : { next: placeText(found.next) }),
    })
  }

  async *export(): AsyncIterable<string> {
    for await (const line of exportLog(this.#parts.store)) yield `${line}\n`
  }

  async verify(): Promise<AuditReport> {
    const keys = verifyingKeys(this.#parts.publicKeys())
    const report = await verifyLog(this.#parts.store, { keys })
    return {
      intact: report.ok,
      recordCount: report.recordCount,
      chainCount: report.chainCount,
      checkpointCount: report.checkpointCount,
      problems: report.findings.map((finding) => finding.text),
    }
  }

  keys(): readonly string[] {
    return this.#parts.publicKeys()
  }

  anchor() {
    return this.#parts.store.latestCheckpoint()
  }
}

/** `at.chain.seq`, or `at.chain.seq.command` in the middle of a record. */
const placeText = ({ at, chain, seq, command }: EntryPosition): string =>
  `${at}.${chain}.${seq}${command === undefined ? '' : `.${command}`}`

/** What `placeText` wrote. */
function positionOf(text: string): EntryPosition | undefined {
  const match = /^(\d{1,15})\.([A-Za-z0-9_-]{1,64})\.(\d{1,15})(?:\.(\d{1,15}))?$/.exec(text)
  const [, at, chain, seq, command] = match ?? []
  if (at === undefined || chain === undefined || seq === undefined) return undefined
  const place = { at: Number(at), chain, seq: Number(seq) }
  return command === undefined ? place : { ...place, command: Number(command) }
}

const entryOf = ({ chain, seq, at, kind, fields }: RecordView): AuditEntry => ({
  chain,
  seq,
  at,
  kind,
  fields,
})
