// Whatever is done to a stored log is found, or named as something that can't be shown.

import { expect, test } from 'vitest'
import type { Checkpoint, StoredRecord } from '../../../core/record.js'
import { recordHash } from '../../../audit/chain.js'
import { CheckpointSigner } from '../../../audit/checkpoint.js'
import { verifyLog } from '../../../audit/export.js'
import type { Anchor } from '../../../audit/checkpoint.js'
import type { FindingCode } from '../../../audit/verify.js'
import {
  finished,
  keys,
  type MemoryRecordStore,
  newSigningKey,
  openLog,
  random,
  signer,
  writtenLog,
} from './fixtures.js'

const codesOf = async (store: MemoryRecordStore, anchor?: Anchor): Promise<FindingCode[]> => {
  const report = await verifyLog(store, { keys, anchor })
  expect(report.ok).toBe(report.findingCount === 0)
  return report.findings.map(({ code }) => code)
}

const recordAt = (store: MemoryRecordStore, chain: string, seq: number): StoredRecord => {
  const found = store.records.find((r) => r.chain === chain && r.seq === seq)
  if (found === undefined) throw new Error('no such record')
  return found
}

const replace = (store: MemoryRecordStore, old: StoredRecord, changed: Partial<StoredRecord>) => {
  store.records[store.records.indexOf(old)] = { ...old, ...changed }
}

/** What an attacker with the database but without the signing key can do: rewrite and rehash. */
function rehash(store: MemoryRecordStore, chain: string, fromSeq: number): void {
  for (let seq = fromSeq; ; seq += 1) {
    const record = store.records.find((r) => r.chain === chain && r.seq === seq)
    if (record === undefined) return
    const before = store.records.find((r) => r.chain === chain && r.seq === seq - 1)
    const changed = { ...record, previous: before?.hash ?? record.previous }
    replace(store, record, { ...changed, hash: recordHash(changed) })
  }
}

test('a character changed anywhere in a record is found', async () => {
  const seed = 20_261_122
  const roll = random(seed)
  for (let round = 0; round < 400; round += 1) {
    const store = await frozen()
    const record = store.records[roll(store.records.length)] as StoredRecord
    const columns = [
      'chain',
      'seq',
      'at',
      'monotonicMs',
      'kind',
      'body',
      'previous',
      'hash',
    ] as const
    const column = columns[roll(columns.length)] ?? 'body'
    const value = record[column]
    const changed =
      typeof value === 'number' ? value + 1 + roll(5) : flipCharacter(value, roll(value.length))
    replace(store, record, { [column]: changed })
    expect(
      await codesOf(store),
      `seed ${String(seed)} round ${String(round)} ${column}`,
    ).not.toEqual([])
  }
})

test.each(['principal', 'resource', 'sessionId', 'requestId', 'reviewId'] as const)(
  'a record filed under another %s is found',
  async (key) => {
    const store = await writtenLog()
    const record = recordAt(store, 'gwy_a', 3)
    replace(store, record, { keys: { ...record.keys, [key]: 'another' } })
    expect(await codesOf(store)).toEqual(['record-altered'])
  },
)

test('a record dropped from the middle is found', async () => {
  const store = await writtenLog()
  store.records.splice(store.records.indexOf(recordAt(store, 'gwy_a', 3)), 1)
  expect(await codesOf(store)).toEqual(['record-missing'])
})

test('a record dropped from the middle with the rest renumbered and rehashed is found', async () => {
  const store = await writtenLog()
  store.records.splice(store.records.indexOf(recordAt(store, 'gwy_a', 3)), 1)
  for (const seq of [4, 5, 6]) replace(store, recordAt(store, 'gwy_a', seq), { seq: seq - 1 })
  rehash(store, 'gwy_a', 3)
  expect(await codesOf(store)).toContain('tail-missing')
})

test('two records that changed places are found', async () => {
  const store = await writtenLog()
  const [third, fourth] = [recordAt(store, 'gwy_a', 3), recordAt(store, 'gwy_a', 4)]
  replace(store, third, { seq: 4 })
  replace(store, fourth, { seq: 3 })
  expect(await codesOf(store)).toContain('chain-broken')
})

test('a tail that a checkpoint signed can’t be dropped', async () => {
  const store = await writtenLog()
  store.records = store.records.filter((r) => r.chain !== 'gwy_a' || r.seq < 5)
  expect(await codesOf(store)).toEqual(['tail-missing'])
})

test('a whole chain that a checkpoint signed can’t be dropped', async () => {
  const store = await writtenLog()
  store.records = store.records.filter((r) => r.chain !== 'gwy_a')
  expect(await codesOf(store)).toContain('tail-missing')
})

test('a record rewritten with all hashes after it made to fit is found', async () => {
  const store = await writtenLog()
  replace(store, recordAt(store, 'gwy_a', 3), { at: 1 })
  rehash(store, 'gwy_a', 3)
  expect(await codesOf(store)).toContain('head-mismatch')
})

test('a chain forked behind a signed head is found', async () => {
  const store = await writtenLog()
  store.records = store.records.filter((r) => r.chain !== 'gwy_a' || r.seq < 6)
  const fifth = recordAt(store, 'gwy_a', 5)
  const forged = { ...fifth, seq: 6, previous: fifth.hash, at: 1 }
  store.records.push({ ...forged, hash: recordHash(forged) })
  expect(await codesOf(store)).toEqual(['head-mismatch'])
})

test('a checkpoint taken out of the middle is found', async () => {
  const store = await writtenLog()
  store.signed.splice(1, 1)
  expect(await codesOf(store)).toContain('checkpoint-missing')
})

test('a checkpoint taken out of the middle with the rest renumbered is found', async () => {
  const store = await writtenLog()
  store.signed.splice(1, 1)
  store.signed = store.signed.map((checkpoint, at) => ({ ...checkpoint, number: at + 1 }))
  expect(await codesOf(store)).toContain('signature-invalid')
})

test('a checkpoint changed in any field is found', async () => {
  const count = (await writtenLog()).signed.length
  for (let at = 0; at < count; at += 1) {
    for (const field of ['at', 'previous', 'keyId', 'hash', 'signature', 'heads'] as const) {
      const store = await writtenLog()
      const checkpoint = store.signed[at] as Checkpoint
      const changed = {
        at: checkpoint.at + 1,
        previous: 'f'.repeat(64),
        keyId: '0'.repeat(16),
        hash: flipCharacter(checkpoint.hash, 5),
        signature: flipCharacter(checkpoint.signature, 5),
        heads: checkpoint.heads.slice(1),
      }
      store.signed[at] = { ...checkpoint, [field]: changed[field] }
      expect(await codesOf(store), field).not.toEqual([])
    }
  }
})

test('checkpoints signed anew by another key are found', async () => {
  const store = await writtenLog()
  const other = new CheckpointSigner(newSigningKey())
  let previous = '0'.repeat(64)
  store.signed = store.signed.map((checkpoint) => {
    const resigned = other.sign({ ...checkpoint, previous })
    previous = resigned.hash
    return resigned
  })
  expect(new Set(await codesOf(store))).toEqual(new Set(['key-unknown']))
})

test('checkpoints that signed two records in one place show the fork', async () => {
  const store = await writtenLog()
  const latest = store.signed.at(-1) as Checkpoint
  const heads = [{ chain: 'gwy_a', seq: 6, hash: 'e'.repeat(64), by: 'writer' }] as const
  store.signed.push(signer.sign({ number: latest.number + 1, at: 1, previous: latest.hash, heads }))
  expect(await codesOf(store)).toContain('head-mismatch')
})

test('a tail dropped together with its checkpoints is found only by an anchor, and the report says so', async () => {
  const store = await writtenLog()
  const { anchor } = await verifyLog(store, { keys })
  const last = store.signed.pop() as Checkpoint
  const signedBefore = new Set(
    store.signed.flatMap(({ heads }) => heads.map(({ chain, seq }) => `${chain}/${String(seq)}`)),
  )
  const highest = (chain: string) =>
    Math.max(
      0,
      ...[...signedBefore].filter((h) => h.startsWith(chain)).map((h) => Number(h.split('/')[1])),
    )
  store.records = store.records.filter((r) => r.seq <= highest(r.chain))
  expect(last.number).toBe(anchor?.number)
  const blind = await verifyLog(store, { keys })
  expect(blind.ok).toBe(true)
  expect(blind.caveats.join(' ')).toContain('Without an anchor')
  expect(await codesOf(store, anchor)).toEqual(['anchor-missing'])
})

test('a whole log rewritten under a stolen signing key does not fit the anchor', async () => {
  const { anchor } = await verifyLog(await writtenLog(), { keys })
  expect(await codesOf(await writtenLog(), anchor)).toEqual(['anchor-mismatch'])
})

test('a chain that nobody signed is named as such', async () => {
  const store = await writtenLog()
  for (const record of store.records.filter((r) => r.chain === 'gwy_a')) {
    store.records.push({ ...record, chain: 'gwy_forged' })
  }
  rehash(store, 'gwy_forged', 1)
  const report = await verifyLog(store, { keys })
  expect(report.caveats.join(' ')).toContain('Nobody signed chain gwy_forged')
})

test('findings are bounded, their number is not', async () => {
  const store = await writtenLog()
  const record = recordAt(store, 'gwy_a', 2)
  for (let copy = 0; copy < 300; copy += 1) store.records.push({ ...record })
  const report = await verifyLog(store, { keys })
  expect(report.findings).toHaveLength(100)
  expect(report.findingCount).toBe(300)
})

test('without public keys nothing is said to be signed', async () => {
  const report = await verifyLog(await writtenLog(), {})
  expect(report.ok).toBe(true)
  expect(report.caveats[0]).toContain('No public key was given')
})

test('an untouched log of two chains verifies against its own anchor', async () => {
  const store = await writtenLog()
  const first = await verifyLog(store, { keys })
  expect(first).toMatchObject({ ok: true, recordCount: 12, chainCount: 2 })
  expect(await codesOf(store, first.anchor)).toEqual([])
})

test('what a killed process left is signed by the next one, and the report says who signed', async () => {
  const store = await writtenLog()
  const killed = await openLog(store, 'gwy_c')
  await killed.durable(killed.append(finished(1)))
  const next = await openLog(store, 'gwy_d')
  await next.close()
  store.records = store.records.filter((r) => r.chain !== 'gwy_c' || r.seq < 2)
  const report = await verifyLog(store, { keys })
  expect(report.findings.map(({ code }) => code)).toEqual(['tail-missing'])
  expect(report.caveats.join(' ')).toContain('signed by a later process')
})

const flipCharacter = (text: string, at: number): string => {
  const flipped = String.fromCharCode(text.charCodeAt(at) ^ 1)
  return text.slice(0, at) + flipped + text.slice(at + 1)
}

let master: MemoryRecordStore | undefined

/** A copy of one log: writing it anew for every round would only cost time. */
async function frozen(): Promise<MemoryRecordStore> {
  master ??= await writtenLog()
  return Object.assign(
    Object.create(Object.getPrototypeOf(master) as object) as MemoryRecordStore,
    {
      ...{ records: [...master.records], signed: [...master.signed] },
    },
  )
}
