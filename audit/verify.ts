// Checks a log: every record, every chain, every checkpoint, and the anchor if there is one. Pure;
// trusts nothing it reads, and says what it can't show. Needs no key that opens sensitive fields.

import type { AuditRecord, Checkpoint, RecordKeys } from '../core/record.js'
import { keysOf, readBody } from './body.js'
import { GENESIS, isChain, recordHolds } from './chain.js'
import {
  type Anchor,
  checkpointHash,
  isHead,
  signatureHolds,
  type VerifyingKeys,
} from './checkpoint.js'

/** Findings that are listed; further ones are only counted. */
const FINDINGS_MAX = 100
/** Chains that a caveat names. */
const NAMED_CHAINS_MAX = 5

/** What can be wrong with a log. */
export type FindingCode =
  /** A record does not match its hash, or a column does not match its body. */
  | 'record-altered'
  /** A record does not follow from the one before it. */
  | 'chain-broken'
  /** Numbers are missing within a chain. */
  | 'record-missing'
  /** A number comes twice, or out of order. */
  | 'record-repeated'
  /** A checkpoint signed records that are not there any more. */
  | 'tail-missing'
  /** A checkpoint signed another record in this place: rewritten, or forked. */
  | 'head-mismatch'
  | 'checkpoint-altered'
  | 'checkpoint-missing'
  | 'signature-invalid'
  | 'key-unknown'
  /** The log no longer reaches the anchor, or says something else there. */
  | 'anchor-missing'
  | 'anchor-mismatch'
  /** Decrypted values next to a record are not what was sealed. */
  | 'opened-altered'
  /** A line of an export can't be read. */
  | 'line-unreadable'

/** One thing that is wrong. */
export interface Finding {
  readonly code: FindingCode
  /** Where and what, in one sentence. */
  readonly text: string
}

/** What verifying found. */
export interface VerifyReport {
  /** True when nothing is wrong; the caveats say what that does not cover. */
  readonly ok: boolean
  readonly findings: readonly Finding[]
  readonly findingCount: number
  /** What could not be shown, in plain sentences. */
  readonly caveats: readonly string[]
  readonly recordCount: number
  readonly chainCount: number
  readonly checkpointCount: number
  /** The newest checkpoint: keep it elsewhere as the next anchor. */
  readonly anchor?: Anchor | undefined
}

interface ChainState {
  seq: number
  hash: string
  /** The highest number that its own writer signed, and that anybody signed. */
  signedSeq: number
  writerSignedSeq: number
}

interface Expected {
  readonly hash: string
  readonly number: number
}

/** Takes all checkpoints in their order, then each chain's records in their order. */
export class LogVerifier {
  readonly #keys: VerifyingKeys | undefined
  readonly #anchor: Anchor | undefined
  readonly #findings: Finding[] = []
  readonly #chains = new Map<string, ChainState>()
  readonly #expected = new Map<string, Map<number, Expected>>()
  #findingCount = 0
  #recordCount = 0
  #checkpointCount = 0
  #latest: Pick<Checkpoint, 'number' | 'hash'> = { number: 0, hash: GENESIS }
  #anchorSeen = false

  /** Without keys signatures are not checked, and the report says so. */
  constructor(trust: { keys?: VerifyingKeys | undefined; anchor?: Anchor | undefined }) {
    this.#keys = trust.keys
    this.#anchor = trust.anchor
  }

  /** Adds a finding from outside, such as a line that can't be read. */
  report(code: FindingCode, text: string): void {
    this.#findingCount += 1
    if (this.#findings.length < FINDINGS_MAX) this.#findings.push({ code, text })
  }

  /** The next checkpoint. */
  checkpoint(checkpoint: Checkpoint): void {
    const name = `checkpoint ${String(checkpoint.number)}`
    this.#checkpointCount += 1
    if (checkpoint.number !== this.#latest.number + 1) {
      this.report(
        'checkpoint-missing',
        `${name} comes after ${String(this.#latest.number)}: some between are missing or out of order`,
      )
    } else if (checkpoint.previous !== this.#latest.hash) {
      this.report('checkpoint-missing', `${name} does not follow from the one before it`)
    }
    if (checkpoint.hash !== checkpointHash(checkpoint)) {
      this.report('checkpoint-altered', `${name} does not match its hash`)
    }
    this.#checkSignature(checkpoint, name)
    this.#checkAnchor(checkpoint, name)
    for (const head of checkpoint.heads) {
      if (isHead(head)) this.#expect(checkpoint.number, head)
      else this.report('checkpoint-altered', `${name} lists something that is no head of a chain`)
    }
    this.#latest = { number: checkpoint.number, hash: checkpoint.hash }
  }

  /** The next record of its chain; `keys` when they come from the store. */
  record(record: AuditRecord, keys?: RecordKeys): void {
    const name = `record ${record.chain}/${String(record.seq)}`
    this.#recordCount += 1
    this.#checkContent(record, keys, name)
    if (!isChain(record.chain)) return
    const state = this.#state(record.chain)
    if (record.seq <= state.seq) {
      this.report('record-repeated', `${name} comes twice, or after ${String(state.seq)}`)
      return
    }
    if (record.seq !== state.seq + 1) {
      const missing = `${String(state.seq + 1)} to ${String(record.seq - 1)}`
      this.report('record-missing', `records ${missing} of ${record.chain} are missing`)
    } else if (record.previous !== state.hash) {
      this.report('chain-broken', `${name} does not follow from the one before it`)
    }
    state.seq = record.seq
    state.hash = record.hash
    this.#checkHead(record, name)
  }

  /** The report over everything that was taken in. */
  finish(): VerifyReport {
    for (const [chain, expected] of this.#expected) {
      const state = this.#state(chain)
      for (const [seq, { number }] of expected) {
        const where = `record ${chain}/${String(seq)}, which checkpoint ${String(number)} signed,`
        const code = seq > state.seq ? 'tail-missing' : 'record-missing'
        this.report(code, `${where} is not there`)
      }
    }
    if (this.#anchor !== undefined && !this.#anchorSeen) {
      this.report(
        'anchor-missing',
        `checkpoint ${String(this.#anchor.number)}, which was kept as anchor, is not there`,
      )
    }
    const { number, hash } = this.#latest
    return {
      ok: this.#findingCount === 0,
      findings: this.#findings,
      findingCount: this.#findingCount,
      caveats: this.#caveats(),
      recordCount: this.#recordCount,
      chainCount: [...this.#chains.values()].filter(({ seq }) => seq > 0).length,
      checkpointCount: this.#checkpointCount,
      ...(number > 0 ? { anchor: { number, hash } } : {}),
    }
  }

  #state(chain: string): ChainState {
    const known = this.#chains.get(chain)
    if (known !== undefined) return known
    const state = { seq: 0, hash: GENESIS, signedSeq: 0, writerSignedSeq: 0 }
    this.#chains.set(chain, state)
    return state
  }

  #checkSignature(checkpoint: Checkpoint, name: string): void {
    if (this.#keys === undefined) return
    const key = this.#keys.get(checkpoint.keyId)
    if (key === undefined) {
      this.report('key-unknown', `${name} is signed by ${checkpoint.keyId}, which is not trusted`)
    } else if (!signatureHolds(checkpoint, key)) {
      this.report('signature-invalid', `${name} has a signature that does not fit`)
    }
  }

  #checkAnchor(checkpoint: Checkpoint, name: string): void {
    if (this.#anchor?.number !== checkpoint.number) return
    this.#anchorSeen = true
    if (this.#anchor.hash !== checkpoint.hash) {
      this.report('anchor-mismatch', `${name} is not the one that was kept as anchor`)
    }
  }

  #expect(number: number, head: Checkpoint['heads'][number]): void {
    const state = this.#state(head.chain)
    state.signedSeq = Math.max(state.signedSeq, head.seq)
    if (head.by === 'writer') state.writerSignedSeq = Math.max(state.writerSignedSeq, head.seq)
    const expected = this.#expected.get(head.chain) ?? new Map<number, Expected>()
    this.#expected.set(head.chain, expected)
    const other = expected.get(head.seq)
    if (other !== undefined && other.hash !== head.hash) {
      this.report(
        'head-mismatch',
        `checkpoints ${String(other.number)} and ${String(number)} signed two different records ` +
          `${head.chain}/${String(head.seq)}: the chain was forked`,
      )
    }
    expected.set(head.seq, { hash: head.hash, number })
  }

  #checkContent(record: AuditRecord, keys: RecordKeys | undefined, name: string): void {
    const fields = readBody(record.body)
    if (!recordHolds(record) || fields === undefined) {
      this.report('record-altered', `${name} does not match its hash`)
    } else if (keys !== undefined && !sameKeys(keys, keysOf(fields))) {
      this.report('record-altered', `${name} is filed under something that it does not say`)
    }
  }

  #checkHead(record: AuditRecord, name: string): void {
    const expected = this.#expected.get(record.chain)
    const head = expected?.get(record.seq)
    if (head === undefined) return
    expected?.delete(record.seq)
    if (head.hash !== record.hash) {
      this.report('head-mismatch', `${name} is not what checkpoint ${String(head.number)} signed`)
    }
  }

  #caveats(): string[] {
    const caveats: string[] = []
    const chains = [...this.#chains].filter(([, { seq }]) => seq > 0)
    const unsigned = chains.filter(([, state]) => state.signedSeq === 0)
    const open = chains.filter(([, { seq, signedSeq }]) => signedSeq > 0 && seq > signedSeq)
    const found = chains.filter(([, state]) => state.signedSeq > state.writerSignedSeq)
    if (this.#keys === undefined) {
      caveats.push('No public key was given, so no signature was checked.')
    }
    if (unsigned.length > 0) {
      caveats.push(`Nobody signed ${named(unsigned)}: nothing shows who wrote it, or its end.`)
    }
    if (open.length > 0) {
      caveats.push(
        `Records at the end of ${named(open)} are not signed yet: that none is missing after ` +
          'the last signed one can’t be shown.',
      )
    }
    if (found.length > 0) {
      caveats.push(
        `The end of ${named(found)} was signed by a later process, as it found it: what was ` +
          'lost or added between the writer’s last checkpoint and then can’t be shown.',
      )
    }
    caveats.push(
      this.#anchor === undefined
        ? 'Without an anchor kept elsewhere it can’t be shown that the newest checkpoints were ' +
            'not dropped together with what they signed.'
        : `That nothing after the anchor (checkpoint ${String(this.#anchor.number)}) was dropped ` +
            'can’t be shown; a newer anchor moves that line.',
    )
    return caveats
  }
}

const sameKeys = (a: RecordKeys, b: RecordKeys): boolean =>
  a.principal === b.principal &&
  a.resource === b.resource &&
  a.sessionId === b.sessionId &&
  a.requestId === b.requestId &&
  a.reviewId === b.reviewId

function named(chains: readonly (readonly [string, ChainState])[]): string {
  const names = chains.slice(0, NAMED_CHAINS_MAX).map(([chain]) => chain)
  const more = chains.length - names.length
  return `chain ${names.join(', ')}${more > 0 ? ` and ${String(more)} more` : ''}`
}
