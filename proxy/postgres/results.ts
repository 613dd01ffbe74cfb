// What comes back of a session's commands on its way to the caller: described, planned, masked, and
// kept for the recording up to a cap. Decides nothing about commands. No I/O.

import { WarderError } from '../../core/errors.js'
import type { RecordedColumn } from '../../core/recording.js'
import type { Policy } from '../../policy/policy.js'
import { LIMITS } from '../limits.js'
import { HEADER_BYTES, type Outbox } from './codec.js'
import { CopyMasker } from './masking/copy.js'
import type { ResourceMasks } from './masking/masks.js'
import { redactError, redactNotification } from './masking/messages.js'
import { copyNames, planCopy, planResult, readCopyOut, readRowDescription } from './masking/plan.js'
import { RowMasker } from './masking/rows.js'
import type { JudgedStatement, StatementOccurrence } from './occurrence.js'
import type { Lineage, StatementLineage } from './sql/lineage.js'

/** A result that the target has described. */
export interface View {
  readonly columns: readonly RecordedColumn[]
  /** Undefined when rows pass as they are. */
  readonly masker: RowMasker | undefined
}

/** What a recording keeps of what came back. */
export class Captured {
  readonly columns: readonly RecordedColumn[]
  /** Whole DataRow messages, or what is in CopyData messages. */
  readonly pieces: Buffer[] = []
  sizeBytes = 0
  rows = 0
  /** Bytes of COPY data beyond the cap. */
  omittedBytes = 0

  /** @param view Undefined when nobody described what comes. */
  constructor(view: View | undefined) {
    this.columns = view?.columns ?? NO_COLUMNS
  }
}

const NO_COLUMNS: readonly RecordedColumn[] = []

interface Known {
  readonly description: Buffer
  readonly view: View
}

/** Where the rows of a cursor come from, as its DECLARE was judged. */
interface Cursor {
  /** Undefined when nobody can tell. */
  readonly lineage: Pick<StatementLineage, 'outputs'> | undefined
  readonly origins: Lineage['origins'] | undefined
  readonly isApproved: boolean
}

/** Cursors that one session may have declared, by name; with more, none of them is known any more. */
const CURSOR_COUNT_MAX = 1_000

/** Takes care of the results of one session. */
export class Results {
  readonly #masksOf: (policy: Policy) => ResourceMasks | undefined
  readonly #currentPolicy: () => Policy
  readonly #known = new WeakMap<JudgedStatement, Known>()
  readonly #touches = new WeakMap<JudgedStatement, boolean>()
  readonly #cursors = new Map<string, Cursor>()
  /** Something that touches masked columns was run: what a COMMIT checks late may quote it. */
  #hasTouched = false

  /** @param masksOf What is masked for the session's role on its resource under a policy. */
  constructor(masksOf: (policy: Policy) => ResourceMasks | undefined, currentPolicy: () => Policy) {
    this.#masksOf = masksOf
    this.#currentPolicy = currentPolicy
  }

  /** True when rows may only pass once their description was seen. */
  needsDescription({ judged }: StatementOccurrence): boolean {
    return this.#masksOf(judged.policy) !== undefined
  }

  /**
   * Takes a RowDescription for the given statement of a command's text, numbered from 0.
   *
   * @throws WarderError `RESULT_WITHHELD` when its columns can't be shown
   */
  describe(
    occurrence: StatementOccurrence,
    statement: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): View {
    const { judged, reviewId } = occurrence
    const known = this.#known.get(judged)
    // The same text gives the same description nearly always: then nothing is planned anew.
    if (known?.description.compare(bytes, start, end) === 0 && statement === 0) return known.view
    const view = this.#plan(occurrence, statement, bytes, start, end)
    const isFetch = judged.lineage?.statements[statement]?.fetches !== undefined
    if (statement === 0 && reviewId === undefined && !isFetch) {
      this.#known.set(judged, { description: Buffer.from(bytes.subarray(start, end)), view })
    }
    return view
  }

  #plan(
    { judged, reviewId }: StatementOccurrence,
    statement: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): View {
    const fields = readRowDescription(bytes, start, end)
    const columns = fields.map(({ name, typeOid, format }): RecordedColumn => {
      return { name, typeOid, format: format === 1 ? 1 : 0 }
    })
    const masks = this.#masksOf(judged.policy)
    if (masks === undefined) return { columns, masker: undefined }
    const { masking, search, replacements, rewritten } = masks
    const own = judged.lineage?.statements[statement]
    const source: Cursor | undefined =
      own?.fetches === undefined
        ? { lineage: own, origins: judged.lineage?.origins, isApproved: reviewId !== undefined }
        : this.#cursors.get(own.fetches)
    const { lineage, origins, isApproved = false } = source ?? {}
    const plan = planResult(fields, lineage, origins, masking, isApproved)
    if (plan.kind === 'withheld') throw new WarderError('RESULT_WITHHELD', { why: plan.why })
    const masked = plan.kind === 'masked' ? plan.columns : undefined
    if (masked === undefined && search === undefined) return { columns, masker: undefined }
    const parts = { fields, columns: masked, search, replacements, rewritten }
    return { columns, masker: new RowMasker(parts) }
  }

  /** Passes a run of whole rows on, masked. */
  rows(view: View | undefined, bytes: Buffer, start: number, end: number, out: Outbox): void {
    if (view === undefined) {
      if (this.#masksOf(this.#currentPolicy()) !== undefined) {
        throw new WarderError('RESULT_WITHHELD', { why: 'its columns were never described' })
      }
      out.slice(bytes, start, end)
    } else if (view.masker === undefined) out.slice(bytes, start, end)
    else view.masker.rows(bytes, start, end, out)
  }

  /** Keeps the rows added to `out` since `fromBytes`, whole ones only, up to the cap. */
  captureRows(captured: Captured, out: Outbox, fromBytes: number, rowCount: number): void {
    const roomBytes = LIMITS.recordedResultBytesMax - captured.sizeBytes
    const addedBytes = out.sizeBytes - fromBytes
    if (roomBytes <= 0 || addedBytes === 0) return
    const piece = out.copyFrom(fromBytes, Math.min(addedBytes, roomBytes))
    if (addedBytes <= roomBytes) {
      captured.rows += rowCount
      captured.pieces.push(piece)
      captured.sizeBytes += piece.length
      return
    }
    let at = 0
    while (at + HEADER_BYTES <= piece.length) {
      const next = at + 1 + piece.readUInt32BE(at + 1)
      if (next > piece.length) break
      at = next
      captured.rows += 1
    }
    captured.pieces.push(piece.subarray(0, at))
    // Nothing more is kept: a later row that happened to fit would hide that others are missing.
    captured.sizeBytes = LIMITS.recordedResultBytesMax
  }

  /** Keeps the COPY data added to `out` since `fromBytes`, up to the cap. */
  captureCopy(captured: Captured, out: Outbox, fromBytes: number): void {
    const roomBytes = LIMITS.recordedResultBytesMax - captured.sizeBytes
    const addedBytes = out.sizeBytes - fromBytes
    const keptBytes = Math.max(0, Math.min(roomBytes, addedBytes))
    captured.omittedBytes += addedBytes - keptBytes
    if (keptBytes === 0) return
    captured.sizeBytes += keptBytes
    const kept = out.copyFrom(fromBytes, keptBytes)
    for (let at = 0; at + HEADER_BYTES <= kept.length;) {
      const next = at + 1 + kept.readUInt32BE(at + 1)
      captured.pieces.push(kept.subarray(at + HEADER_BYTES, next))
      at = next
    }
  }

  /**
   * Takes a CopyOutResponse; undefined when the data passes as it is.
   *
   * @throws WarderError `RESULT_WITHHELD`
   */
  copyOut(
    occurrence: StatementOccurrence | undefined,
    statement: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): CopyMasker | undefined {
    const policy = occurrence?.judged.policy ?? this.#currentPolicy()
    const masks = this.#masksOf(policy)
    if (masks === undefined) return undefined
    const { masking, search } = masks
    const lineage = occurrence?.judged.lineage?.statements[statement]
    const isApproved = occurrence?.reviewId !== undefined
    const head = readCopyOut(bytes, start, end)
    const plan = planCopy(head, lineage, masking, search !== undefined, isApproved)
    if (plan.kind === 'withheld') throw new WarderError('RESULT_WITHHELD', { why: plan.why })
    const columns = plan.kind === 'masked' ? plan.columns : undefined
    if (columns === undefined && search === undefined) return undefined
    const names = lineage && copyNames(lineage)
    return new CopyMasker({ ...masks, head, form: lineage?.copyForm ?? 'other', columns, names })
  }

  /** What the caller gets instead of an error or a notice; undefined when it may be seen as it is. */
  report(
    occurrence: StatementOccurrence | undefined,
    bytes: Buffer,
    start: number,
    end: number,
  ): Buffer | undefined {
    const masks = this.#masksOf(occurrence?.judged.policy ?? this.#currentPolicy())
    if (masks === undefined) return undefined
    const touches = occurrence === undefined ? this.#hasTouched : this.#mayQuote(occurrence.judged)
    return redactError(bytes, start, end, touches, masks.search)
  }

  /** What the caller gets instead of a notification; undefined when it may be seen as it is. */
  notification(bytes: Buffer, start: number, end: number): Buffer | undefined {
    const masks = this.#masksOf(this.#currentPolicy())
    return masks && redactNotification(bytes, start, end, masks.search)
  }

  /** A command is forwarded. */
  note({ judged, reviewId }: StatementOccurrence): void {
    if (!this.#hasTouched && this.#touchesMasked(judged)) this.#hasTouched = true
    const { lineage } = judged
    if (!judged.kinds.includes('declare-cursor')) return
    const declared = new Set<string>()
    for (const { declares, outputs } of lineage?.statements ?? []) {
      if (declares === undefined) continue
      // Of two cursors of one name in one text nobody can tell which one a FETCH meets.
      const isOnly = !declared.has(declares)
      declared.add(declares)
      if (this.#cursors.size >= CURSOR_COUNT_MAX) this.#cursors.clear()
      this.#cursors.set(declares, {
        lineage: isOnly ? { outputs } : undefined,
        origins: lineage?.origins,
        isApproved: reviewId !== undefined,
      })
    }
  }

  /** What ends a transaction, or checks constraints late, may quote what came before it. */
  #mayQuote(judged: JudgedStatement): boolean {
    if (this.#touchesMasked(judged)) return true
    return this.#hasTouched && judged.command.parts.some(({ effect }) => effect !== 'read')
  }

  #touchesMasked(judged: JudgedStatement): boolean {
    const known = this.#touches.get(judged)
    if (known !== undefined) return known
    const masking = this.#masksOf(judged.policy)?.masking
    const relations = [
      ...judged.command.parts.flatMap((part) => part.relations.map((use) => use.relation)),
      ...(judged.command.columns ?? []).map((use) => use.relation),
      ...[...(judged.lineage?.origins.values() ?? [])].map((origin) => origin.relation),
    ]
    const touches =
      masking?.hasColumns === true &&
      (judged.command.effect === 'unknown' ||
        relations.some((relation) => masking.columnMask(relation, '*') !== undefined))
    this.#touches.set(judged, touches)
    return touches
  }
}
