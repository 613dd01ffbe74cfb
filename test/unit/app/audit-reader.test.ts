// The audit log as the API pages through it.

import { expect, test } from 'vitest'

import { StoreAuditReader } from '../../../app/audit-reader.js'
import type { RecordStore, StoredRecord } from '../../../core/record.js'
import { finishedMany, MemoryRecordStore, openLog, sealer as keyRing } from '../audit/fixtures.js'

const KEYS = { principal: null, resource: null, sessionId: null, requestId: null, reviewId: null }

const record = (at: number, seq: number): StoredRecord => ({
  ...{ chain: 'gwy_1', seq, at, monotonicMs: at, kind: 'log.opened', body: '{}' },
  ...{ previous: '', hash: '', keys: KEYS },
})

/** Newest first, as the port says; only what paging asks for is there. */
const storeOf = (records: readonly StoredRecord[]): RecordStore => ({
  newest: (_filter, before, limitCount) =>
    Promise.resolve(
      records
        .toSorted((a, b) => b.at - a.at || b.seq - a.seq)
        .filter(
          ({ at, seq }) =>
            before === undefined || at < before.at || (at === before.at && seq < before.seq),
        )
        .slice(0, limitCount),
    ),
  append: () => Promise.resolve('written'),
  unsignedTips: () => Promise.resolve([]),
  page: () => Promise.resolve([]),
  following: () => Promise.resolve([]),
  addCheckpoint: () => Promise.resolve(true),
  checkpoint: () => Promise.resolve(undefined),
  latestCheckpoint: () => Promise.resolve(undefined),
  checkpoints: () => Promise.resolve([]),
})

const sealer = { seal: (plain: Uint8Array) => plain, open: (sealed: Uint8Array) => sealed }
const readerOf = (records: readonly StoredRecord[]) =>
  new StoreAuditReader({ store: storeOf(records), sealer, publicKeys: () => [] })

test('records of one millisecond are neither left out nor shown twice between pages', async () => {
  const reader = readerOf([1, 2, 3, 4, 5].map((seq) => record(1_000, seq)))
  const seen: number[] = []
  let before: string | undefined
  do {
    const page = await reader.query({}, { limitCount: 2, before })
    if (!page.ok) throw new Error(page.refusal.code)
    seen.push(...page.value.entries.map(({ seq }) => seq))
    before = page.value.next
  } while (before !== undefined)
  expect(seen).toEqual([5, 4, 3, 2, 1])
})

test('commands of one record are neither left out nor shown twice between pages', async () => {
  const store = new MemoryRecordStore()
  const log = await openLog(store, 'gwy_a')
  log.append(finishedMany([1, 2, 3, 4, 5]))
  log.append(finishedMany([6, 7]))
  await log.close()
  const reader = new StoreAuditReader({ store, sealer: keyRing, publicKeys: () => [] })
  const seen: unknown[] = []
  let before: string | undefined
  do {
    const page = await reader.query({}, { limitCount: 2, before })
    if (!page.ok) throw new Error(page.refusal.code)
    seen.push(...page.value.entries.map(({ kind, fields }) => fields['command'] ?? kind))
    before = page.value.next
  } while (before !== undefined)
  expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1, 'log.opened'])
})

test.each([
  '',
  'x',
  '1',
  '1.gwy_1',
  '1.gwy_1.x',
  '-1.gwy_1.1',
  '1.gwy 1.1',
  '1.gwy_1.1.',
  '1.gwy_1.1.x',
  '1.gwy_1.1.1.1',
])('the place %j is refused', async (before) => {
  const page = await readerOf([record(1, 1)]).query({}, { limitCount: 2, before })
  expect(page).toMatchObject({ ok: false, refusal: { code: 'INVALID_ARGUMENT' } })
})
