// Messages that no conforming peer sends end the session, and only that session.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { startPostgresWorld, type PostgresWorld } from '../../postgres-world.js'
import {
  b,
  cancel,
  e,
  frame,
  p,
  pbe,
  q,
  s,
  shape,
  sqlstateOf,
  valuesOf,
  WireClient,
} from './wire-client.js'

let world: PostgresWorld
let witness: WireClient

beforeAll(async () => {
  world = await startPostgresWorld({ schema: 'create table t (a int)' })
  witness = await WireClient.login({ port: world.port })
})

afterEach(async () => {
  expect(valuesOf(await witness.query('select 1'))).toEqual(['1'])
  expect(await world.admin('select a from t')).toEqual([])
})

afterAll(async () => {
  await witness.close()
  await world.stop()
})

const head = (type: string, length: number) => {
  const bytes = Buffer.alloc(5)
  bytes.write(type, 'latin1')
  bytes.writeUInt32BE(length, 1)
  return bytes
}

const WRITE = q('insert into t values (1)')

test.each([
  ['PG-73 FunctionCall', frame('F', Buffer.alloc(10))],
  ['an unknown type', frame('~')],
  ['a password in the middle', frame('p', 'x\0')],
  ['a byte zero', Buffer.alloc(5)],
  ['a length of 0', head('Q', 0)],
  ['a length of 3', head('Q', 3)],
  ['PG-16 a NUL in a Query', q('select 1\0; drop table t')],
  ['PG-16 no NUL after a Query', frame('Q', 'select 1')],
  ['an empty Query message', frame('Q')],
  ['a NUL in a Parse', frame('P', 'n\0select 1\0x\0\0\0')],
  ['a Parse that is too short', frame('P', 'n\0select 1\0\0')],
  ['a Parse that announces types it has not', frame('P', 'n\0select 1\0\xff\xff')],
  ['a Bind without names', frame('B', 'x')],
  ['a Describe of nothing', frame('D', 'X\0')],
  ['a Close without a name', frame('C', 'S')],
  ['an Execute without a limit', frame('E', '\0')],
  ['a Query within a pipeline', Buffer.concat([p('select 1'), q('select 1')])],
])('%s ends the session with 08P01, and what follows is not run', async (_, bytes) => {
  const client = await WireClient.login({ port: world.port, role: 'writer-strict' })
  client.send(bytes, WRITE)
  expect(sqlstateOf(await client.rest())).toBe('08P01')
})

test.each([0x0400_0005, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff])(
  'PG-78 a length of %d ends the session with 54000',
  async (length) => {
    for (const type of ['Q', 'P', 'B', 'd', 'X']) {
      const client = await WireClient.login({ port: world.port, role: 'writer-strict' })
      client.send(head(type, length), WRITE)
      expect(sqlstateOf(await client.rest())).toBe('54000')
    }
  },
)

test.each([
  ['a format that is neither', frame('B', '\0x\0\0\x01\0\x07\0\x01\0\0\0\x011\0\0')],
  ['more formats than values', frame('B', '\0x\0\0\x02\0\0\0\0\0\x01\0\0\0\x011\0\0')],
  ['a value longer than the message', frame('B', '\0x\0\0\0\0\x01\0\0\0\x091\0\0')],
])('a Bind with %s ends the session', async (_, bytes) => {
  const client = await WireClient.login({ port: world.port, role: 'writer-strict' })
  client.send(p('insert into t values ($1)', 'x'), bytes, e(), s)
  expect(sqlstateOf(await client.rest())).toBe('08P01')
})

test('PG-79 more prepared statements than the limit are refused, and the session goes on', async () => {
  const client = await WireClient.login({ port: world.port })
  const parses = Array.from({ length: 5_001 }, (_, at) => p('select 1', `n${String(at)}`))
  client.send(Buffer.concat(parses), s)
  const answer = await client.ready()
  expect(sqlstateOf(answer)).toBe('54000')
  expect(valuesOf(await client.query('select 1'))).toEqual(['1'])
  await client.close()
})

test('PG-79 more portals than the limit are refused, and the session goes on', async () => {
  const client = await WireClient.login({ port: world.port })
  const binds = Array.from({ length: 5_001 }, (_, at) => b('', `n${String(at)}`))
  client.send(p('select 1'), Buffer.concat(binds), s)
  expect(sqlstateOf(await client.ready())).toBe('54000')
  expect(valuesOf(await client.query('select 1'))).toEqual(['1'])
  await client.close()
})

test('PG-79 a flood of Sync is answered one by one', async () => {
  const client = await WireClient.login({ port: world.port })
  client.send(Buffer.concat(Array.from({ length: 50_000 }, () => s)))
  expect(await client.ready(50_000)).toHaveLength(50_000)
  await client.close()
})

test('PG-20 texts that overrun the parser do not hold up other sessions', async () => {
  const client = await WireClient.login({ port: world.port })
  for (let round = 0; round < 10; round += 1) {
    client.send(q(`select ${'1+'.repeat(9_000 + round)}1`))
    expect(valuesOf(await witness.query('select 2'))).toEqual(['2'])
    expect(sqlstateOf(await client.ready())).toBe('42501')
  }
  await client.close()
})

test('every message may come byte by byte', async () => {
  const client = await WireClient.login({ port: world.port })
  const bytes = Buffer.concat([q('select 1'), pbe('select 2'), s, q('select 3')])
  for (const byte of bytes) client.send(Buffer.from([byte]))
  const answer = await client.ready(3)
  expect(shape(answer)).toBe('TDCZ12DCZTDCZ')
  await client.close()
})

test('PG-74 a key that nobody gave out cancels nothing, and gets no answer', async () => {
  const client = await WireClient.login({ port: world.port, role: 'asker' })
  world.reviews.hold()
  client.send(q('insert into t values (2)'))
  const held = await world.reviews.next()
  const { processId, secret } = client.key
  await cancel(world.port, { processId, secret: (secret ^ 1) >>> 0 })
  await cancel(world.port, { processId: (processId ^ 1) >>> 0, secret })
  await cancel(world.port, witness.key)
  expect(world.reviews.withdrawn).toEqual([])
  held.deny()
  expect(sqlstateOf(await client.ready())).toBe('42501')
  world.reviews.reset()
  await client.close()
})

test('PG-74 the key that was given out cancels what runs at the target', async () => {
  const client = await WireClient.login({ port: world.port })
  client.send(q('select count(*) from generate_series(1, 1000000000)'))
  for (;;) {
    const [row] = await world.admin(
      "select count(*) as n from pg_stat_activity where state = 'active' and query like '%1000000000%' and pid <> pg_backend_pid()",
    )
    if (row?.['n'] === '1') break
  }
  await cancel(world.port, client.key)
  expect(sqlstateOf(await client.ready())).toBe('57014')
  expect(valuesOf(await client.query('select 1'))).toEqual(['1'])
  await client.close()
})

test('a setting that judging depends on, once changed, ends the session', async () => {
  world.reviews.hold()
  const client = await WireClient.login({ port: world.port, role: 'writer-standard' })
  client.send(q('set standard_conforming_strings = off'), WRITE)
  ;(await world.reviews.next()).approve()
  expect(sqlstateOf(await client.rest())).toBe('08P01')
  world.reviews.reset()
})
