// Records as people read them: each finished command on its own, whichever version wrote it.

import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'

import { canonicalJson, type Fields, keysOf } from '../../../audit/body.js'
import { GENESIS, recordHash } from '../../../audit/chain.js'
import { exportLog, verifyExport, verifyLog } from '../../../audit/export.js'
import { queryLog, type EntryPosition } from '../../../audit/query.js'
import { commandsOf, viewsOf } from '../../../audit/view.js'
import type { StoredRecord } from '../../../core/record.js'
import { KeyRing } from '../../../store/encryption.js'
import { finishedMany, keys, MemoryRecordStore, openLog, sealer } from './fixtures.js'

/** A record as any process could have written it, without sealed fields. */
function record(kind: string, fields: Fields): StoredRecord {
  const unhashed = {
    ...{ chain: 'gwy_old', seq: 1, at: 1_000, monotonicMs: 1, kind, body: canonicalJson(fields) },
    previous: GENESIS,
  }
  return { ...unhashed, hash: recordHash(unhashed), keys: keysOf(fields) }
}

/** A log with the commands in one record. */
async function logOf(numbers: readonly number[]): Promise<MemoryRecordStore> {
  const store = new MemoryRecordStore()
  const log = await openLog(store, 'gwy_a')
  log.append(finishedMany(numbers, (number) => `select ${String(number % 2)}`))
  await log.close()
  return store
}

const linesOf = async (store: MemoryRecordStore): Promise<string[]> => {
  const lines: string[] = []
  for await (const line of exportLog(store, sealer)) lines.push(line)
  return lines
}

test('a record of many commands that was changed is shown as it is, with the reason', () => {
  for (const fields of [{}, { runs: ['x'] }, { runs: [], count: 1 }]) {
    const [view, ...others] = viewsOf(record('commands.finished', fields), sealer)
    expect(view).toMatchObject({ kind: 'commands.finished', fields })
    expect(view?.unreadable).toContain('don’t fit together')
    expect(others).toEqual([])
  }
})

test('without the key each command is shown with what is public, and the reason', async () => {
  const store = await logOf([1, 2])
  const views = viewsOf(store.records[1] ?? record('', {}), new KeyRing(randomBytes(32)))
  expect(views.map(({ fields }) => fields['command'])).toEqual([1, 2])
  for (const view of views) {
    expect(view.unreadable).toContain('not on the key ring')
    for (const name of ['text', 'digest', 'textBytes', 'parameters']) {
      expect(view.fields).not.toHaveProperty(name)
    }
  }
})

test('each command of a record is shown with all that a record of its own would say', async () => {
  const store = await logOf([4, 5])
  const written = store.records[1] ?? record('', {})
  const views = viewsOf(written, sealer)
  const { chain, seq, at, monotonicMs, hash } = written
  const place = { chain, seq, at, monotonicMs, hash, kind: 'command.finished' }
  const shared = {
    ...{ grantId: 'grt_1', requestId: 'req_1', sessionId: 'ses_1', effect: 'read' },
    ...{ kinds: ['select'], relations: ['read public.t'], outcome: 'done', tag: 'SELECT 1' },
    ...{ sqlstate: '', rows: 1, durationMs: 3, parameters: ['§1', '4111111111111111'] },
    textBytes: 8,
  }
  // SHA-256 by `printf 'select 0' | sha256sum`, and of `select 1`.
  const digests = [
    '7cb54edf7dc2690944fb28f6fb799443d21b887ac0bba90aaa5fb9ce7d2e4404',
    '822ae07d4783158bc1912bb623e5107cc9002d519e1143a9c200ed6ee18b6d0f',
  ]
  expect(views).toEqual([
    {
      ...place,
      fields: { ...shared, command: 4, startedAt: 4, text: 'select 0', digest: digests[0] },
    },
    {
      ...place,
      fields: { ...shared, command: 5, startedAt: 5, text: 'select 1', digest: digests[1] },
    },
  ])
})

test('a record that an older version wrote for a single command verifies, and is found and shown', async () => {
  const store = new MemoryRecordStore()
  const fields = { sessionId: 'ses_1', command: 7, outcome: 'done', effect: 'read' }
  store.records.push(record('command.finished', fields))
  expect((await verifyLog(store, { keys })).findings).toEqual([])
  expect((await verifyExport(await linesOf(store), { keys }, sealer)).findings).toEqual([])
  const found = await queryLog(store, sealer, { kinds: ['command.finished'], limitCount: 9 })
  expect(found.records.map((view) => [view.kind, view.fields])).toEqual([
    ['command.finished', fields],
  ])
})

test('pages end and go on in the middle of a record; no command is left out or shown twice', async () => {
  const store = await logOf([1, 2, 3, 5, 8, 9, 10])
  for (const limitCount of [1, 2, 3, 7, 100]) {
    const seen: unknown[] = []
    let before: EntryPosition | undefined
    do {
      const page = await queryLog(store, sealer, { before, limitCount })
      seen.push(...page.records.map(({ kind, fields }) => fields['command'] ?? kind))
      before = page.next
    } while (before !== undefined)
    expect(seen, String(limitCount)).toEqual([10, 9, 8, 5, 3, 2, 1, 'log.opened'])
  }
})

test('a text finds the commands that have it, not their neighbours in the record', async () => {
  const store = await logOf([1, 2, 3, 4])
  const { records } = await queryLog(store, sealer, { text: 'SELECT 0', limitCount: 9 })
  expect(records.map(({ fields }) => fields['command'])).toEqual([4, 2])
})

test('an opened copy shows each command, and commands that were changed in it are found', async () => {
  const lines = await linesOf(await logOf([1, 2]))
  expect((await verifyExport(lines, { keys }, sealer)).findings).toEqual([])
  const at = lines.findIndex((line) => line.includes('"commands.finished"'))
  const line = JSON.parse(lines[at] ?? '') as {
    fields: Fields
    opened?: Fields
    commands: Fields[]
  }
  expect(line.commands).toEqual(commandsOf({ ...line.fields, ...line.opened }))
  expect(line.commands.map(({ command, text }) => [command, text])).toEqual([
    [1, 'select 1'],
    [2, 'select 0'],
  ])
  const forgeries = [
    { ...line, commands: line.commands.slice(1) },
    { ...line, commands: line.commands.map((fields) => ({ ...fields, text: 'select 2' })) },
    { ...line, opened: undefined },
  ]
  for (const forged of forgeries) {
    // Found without the key, too: the line contradicts itself.
    const report = await verifyExport(lines.with(at, JSON.stringify(forged)), { keys })
    expect(report.findings.map(({ code }) => code)).toEqual(['opened-altered'])
  }
  for (const commands of ['x', [1], [{ a: {} }]]) {
    const report = await verifyExport(lines.with(at, JSON.stringify({ ...line, commands })), {
      keys,
    })
    expect(report.findings.map(({ code }) => code)).toContain('line-unreadable')
  }
})
