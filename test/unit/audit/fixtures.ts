// What the audit tests are made of: a store in memory that can be told to fail, and a way to write
// a log of several chains. Loopback not even needed.

import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { AuditEvent } from '../../../core/audit.js'
import { WarderError } from '../../../core/errors.js'
import { CommandPack, type PackedMeaning } from '../../../core/finished-commands.js'
import type { Clock } from '../../../core/ports.js'
import type {
  ChainPosition,
  Checkpoint,
  RecordFilter,
  RecordPosition,
  RecordStore,
  StoredRecord,
} from '../../../core/record.js'
import { CheckpointSigner, verifyingKeys } from '../../../audit/checkpoint.js'
import { ChainedAuditLog } from '../../../audit/log.js'
import { KeyRing } from '../../../store/encryption.js'

/** A fresh Ed25519 private key, PEM. */
export const newSigningKey = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** The signer and sealer that a test file's logs share. */
export const signer = new CheckpointSigner(newSigningKey())
export const keys = verifyingKeys([signer.publicKey])
export const sealer = new KeyRing(randomBytes(32))

/** A clock that ticks one ms each time somebody looks. */
export class TickingClock implements Clock {
  static #clocks = 0
  #ticks: number

  constructor() {
    TickingClock.#clocks += 1
    this.#ticks = TickingClock.#clocks
  }

  now(): number {
    this.#ticks += 1
    return 1_800_000_000_000 + this.#ticks
  }

  monotonicMs(): number {
    return this.#ticks
  }
}

/** RecordStore in memory. `failNext` lets calls of append fail, before or after they took effect. */
export class MemoryRecordStore implements RecordStore {
  records: StoredRecord[] = []
  signed: Checkpoint[] = []
  appendCount = 0
  failNext: ('before' | 'after')[] = []
  /** While set, append waits for it. */
  gate: Promise<void> | undefined

  async append(records: readonly StoredRecord[]): Promise<'written' | 'conflict'> {
    this.appendCount += 1
    await this.gate
    const failure = this.failNext.shift()
    if (failure === 'before') throw new WarderError('RECORD_UNAVAILABLE')
    let outcome: 'written' | 'conflict' = 'written'
    for (const record of records) {
      const there = this.#at(record)
      if (there === undefined) this.records.push(record)
      else if (there.hash !== record.hash) outcome = 'conflict'
    }
    if (failure === 'after') throw new WarderError('RECORD_UNAVAILABLE')
    return outcome
  }

  unsignedTips(): Promise<readonly StoredRecord[]> {
    const tips = new Map<string, StoredRecord>()
    for (const record of this.records) tips.set(record.chain, record)
    const heads = this.signed.flatMap((checkpoint) => checkpoint.heads)
    return Promise.resolve(
      [...tips.values()].filter(
        (tip) => !heads.some((head) => head.chain === tip.chain && head.seq >= tip.seq),
      ),
    )
  }

  page(after: ChainPosition | undefined, limitCount: number): Promise<readonly StoredRecord[]> {
    const sorted = this.records.toSorted((a, b) =>
      a.chain === b.chain ? a.seq - b.seq : a.chain < b.chain ? -1 : 1,
    )
    const rest = sorted.filter(
      (record) =>
        after === undefined ||
        record.chain > after.chain ||
        (record.chain === after.chain && record.seq > after.seq),
    )
    return Promise.resolve(rest.slice(0, limitCount))
  }

  newest(
    _filter: RecordFilter,
    before: RecordPosition | undefined,
    limitCount: number,
  ): Promise<readonly StoredRecord[]> {
    const order = (a: RecordPosition, b: RecordPosition): number =>
      a.at - b.at || (a.chain === b.chain ? a.seq - b.seq : a.chain < b.chain ? -1 : 1)
    const sorted = this.records
      .filter((record) => before === undefined || order(record, before) < 0)
      .toSorted((a, b) => order(b, a))
    return Promise.resolve(sorted.slice(0, limitCount))
  }

  following(): Promise<readonly StoredRecord[]> {
    return Promise.resolve([])
  }

  addCheckpoint(checkpoint: Checkpoint): Promise<boolean> {
    if (this.signed.some(({ number }) => number === checkpoint.number)) {
      return Promise.resolve(false)
    }
    this.signed.push(checkpoint)
    return Promise.resolve(true)
  }

  checkpoint(number: number): Promise<Checkpoint | undefined> {
    return Promise.resolve(this.signed.find((checkpoint) => checkpoint.number === number))
  }

  latestCheckpoint(): Promise<Checkpoint | undefined> {
    return Promise.resolve(this.signed.at(-1))
  }

  checkpoints(afterNumber: number, limitCount: number): Promise<readonly Checkpoint[]> {
    return Promise.resolve(
      this.signed.filter(({ number }) => number > afterNumber).slice(0, limitCount),
    )
  }

  #at(place: ChainPosition): StoredRecord | undefined {
    return this.records.find((r) => r.chain === place.chain && r.seq === place.seq)
  }
}

/** Opens a log on the store with this file's keys. */
export const openLog = (
  store: RecordStore,
  chain: string,
  more: { pendingBytesMax?: number } = {},
): Promise<ChainedAuditLog> =>
  ChainedAuditLog.open({
    ...{ store, sealer, signer, chain, clock: new TickingClock(), version: '0.0.0' },
    retryAfterMs: [10, 20],
    ...more,
  })

/** A session's commands, finished one ms after the other from `startedAt` on, in one event. */
export const finishedMany = (
  numbers: readonly number[],
  textOf: (number: number) => string = () => 'select 1',
): AuditEvent<'commands.finished'> => {
  const session = { sessionId: 'ses_1', requestId: 'req_1', grantId: 'grt_1' }
  const meaning: PackedMeaning = {
    ...{ command: { effect: 'read' }, kinds: ['select'], relations: ['read public.t'] },
  }
  const commands = numbers.map((number) => ({
    ...{ number, meaning, statement: { text: textOf(number) }, reviewId: undefined },
    ...{ parameters: { shown: ['§1', '4111111111111111'] }, outcome: 'done' as const },
    ...{ tag: 'SELECT 1', sqlstate: '', rows: 1, startedAt: number, durationMs: 3 },
  }))
  const pack = new CommandPack(session)
  for (const command of commands) pack.add(command)
  const event = pack.take()
  if (event === undefined) throw new Error('some commands are packed')
  return event
}

/** A read that a session finished, in a record of its own. */
export const finished = (command: number, text = 'select 1'): AuditEvent<'commands.finished'> =>
  finishedMany([command], () => text)

/** Two chains with records, signed while they grew and at their end. */
export async function writtenLog(store = new MemoryRecordStore()): Promise<MemoryRecordStore> {
  for (const chain of ['gwy_a', 'gwy_b']) {
    const log = await openLog(store, chain)
    for (let command = 1; command <= 5; command += 1) log.append(finished(command))
    await log.close()
  }
  return store
}

/** mulberry32: seeded, so that a failure can be run again. */
export function random(seed: number): (max: number) => number {
  let state = seed >>> 0
  return (max) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % max
  }
}
