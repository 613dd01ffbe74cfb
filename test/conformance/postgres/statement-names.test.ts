// What a name stands for at the target is what was judged: no error, no order of messages and no
// redefinition makes one statement run under another one's verdict.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

import { startPostgresWorld, type PostgresWorld } from '../../postgres-world.js'
import {
  b,
  closeStatement,
  e,
  p,
  pbe,
  q,
  s,
  shape,
  sqlstateOf,
  tagsOf,
  valuesOf,
  WireClient,
} from './wire-client.js'

let world: PostgresWorld
let client: WireClient

beforeAll(async () => {
  world = await startPostgresWorld({ schema: 'create table t (a int)' })
})

beforeEach(async () => {
  await world.admin('truncate t; insert into t values (1)')
  world.reviews.reset()
})

afterEach(() => client.close())
afterAll(() => world.stop())

const login = async (role: string) => {
  client = await WireClient.login({ port: world.port, role })
}
const values = async () => (await world.admin('select a from t')).map((row) => row['a'])

/** `s3` is an UPDATE that waits for people at Bind; its Parse is forwarded. */
async function prepareUpdate(): Promise<void> {
  await login('asker')
  // The verdicts are known, so nothing of what follows waits for a look-up.
  await client.query('select a from t')
  await client.query('select 1/0')
  client.send(p('update t set a = 2 where a = 1', 's3'), s)
  expect(shape(await client.ready())).toBe('1Z')
}

test('PG-67 a redefinition that an error skips does not count, when its reply is awaited', async () => {
  await prepareUpdate()
  client.send(pbe('select 1/0'), closeStatement('s3'), p('select a from t', 's3'), s)
  expect(sqlstateOf(await client.ready())).toBe('22012')
  client.send(b('s3'), e(), s)
  await client.ready()
  expect(world.reviews.questions.map(({ text }) => text)).toEqual([
    'update t set a = 2 where a = 1',
  ])
  expect(await values()).toEqual([1])
})

test('PG-67 nor when everything is sent at once', async () => {
  await prepareUpdate()
  const redefine = [closeStatement('s3'), p('select a from t', 's3')]
  client.send(pbe('select 1/0'), ...redefine, s, b('s3'), e(), s)
  const answer = await client.ready(2)
  expect(sqlstateOf(answer)).toBe('22012')
  expect(tagsOf(answer)).not.toContain('UPDATE 1')
  expect(await values()).toEqual([1])
})

test('PG-67 nor for the unnamed statement', async () => {
  await login('asker')
  await client.query('select a from t')
  await client.query('select 1/0')
  client.send(p('update t set a = 2 where a = 1'), s)
  await client.ready()
  client.send(p('select 1/0', 'x'), b('x'), e(), p('select a from t'), s, b(), e(), s)
  expect(tagsOf(await client.ready(2))).not.toContain('UPDATE 1')
  expect(await values()).toEqual([1])
})

test('a Parse onto a name that is taken changes nothing', async () => {
  await prepareUpdate()
  client.send(p('select a from t', 's3'), s, b('s3'), e(), s)
  const answer = await client.ready(2)
  expect(sqlstateOf(answer)).toBe('42P05')
  expect(tagsOf(answer)).not.toContain('UPDATE 1')
  expect(await values()).toEqual([1])
})

test('a redefinition that went well counts, sent at once', async () => {
  await prepareUpdate()
  client.send(closeStatement('s3'), p('select a from t', 's3'), s, b('s3'), e(), s)
  const answer = await client.ready(2)
  expect([shape(answer), valuesOf(answer)]).toEqual(['31Z2DCZ', ['1']])
})

test('PG-66 SQL can’t redefine a statement of the protocol', async () => {
  await login('writer-strict')
  client.send(p('select a from t', 's1'), s)
  await client.ready()
  const redefined = await client.query('deallocate s1; prepare s1 as update t set a = 3')
  expect(sqlstateOf(redefined)).toBe('42501')
  client.send(b('s1'), e(), s)
  expect(valuesOf(await client.ready())).toEqual(['1'])
})

test('PG-66 and when people let it, the name is forgotten', async () => {
  world.reviews.hold()
  await login('writer-standard')
  client.send(p('select a from t', 's1'), s)
  await client.ready()
  client.send(q('deallocate s1; prepare s1 as update t set a = 3'))
  ;(await world.reviews.next()).approve()
  await client.ready()
  client.send(b('s1'), e(), s)
  expect(sqlstateOf(await client.ready())).toBe('26000')
  expect(await values()).toEqual([1])
})

test('PG-69 a portal that SQL declared is not run by its name', async () => {
  await login('reader')
  await client.query('begin')
  await client.query('declare c cursor for select a from t')
  client.send(e('c'), s)
  expect(sqlstateOf(await client.ready())).toBe('26000')
})

test('PG-69 FETCH from a portal that was bound reads what was judged at Bind', async () => {
  await login('reader')
  await client.query('begin')
  client.send(p('select a from t'), b('', 'c'), s)
  await client.ready()
  expect(valuesOf(await client.query('fetch all from c'))).toEqual(['1'])
})

test('PG-70 two statements in one Parse run neither', async () => {
  await login('writer-strict')
  const answer = await client.extended('insert into t values (5); insert into t values (6)')
  expect(sqlstateOf(answer)).toBe('42601')
  expect(await values()).toEqual([1])
})

test('PG-72 a parameter does not make an SQL-taking function better', async () => {
  await login('writer-strict')
  const answer = await client.extended("select query_to_xml($1, true, true, '')", ['select 1'])
  expect(sqlstateOf(answer)).toBe('42501')
})

test('a parameter of a type that is not built in is not even parsed', async () => {
  const oid = Number((await world.admin("select 't'::regtype::oid as oid"))[0]?.['oid'])
  await login('writer-strict')
  const body = Buffer.alloc(8)
  body.writeUInt16BE(1, 1)
  body.writeUInt32BE(oid, 3)
  const parse = Buffer.concat([Buffer.from('P'), Buffer.alloc(4), Buffer.from('\0select $1')])
  const message = Buffer.concat([parse, body.subarray(0, 7)])
  message.writeUInt32BE(message.length - 1, 1)
  client.send(message, s)
  expect(sqlstateOf(await client.ready())).toBe('42501')
})

test('names of the gateway’s own can’t be used', async () => {
  await login('reader')
  client.send(p('select 1', 'warder_lookup'), s)
  expect(sqlstateOf(await client.rest())).toBe('08P01')
})

test.each([
  ['Bind', b('missing'), '26000'],
  ['Execute', e('missing'), '26000'],
])(
  '%s of a name that is not there is an error, and the session goes on',
  async (_, bytes, code) => {
    await login('reader')
    client.send(bytes, s)
    const answer = await client.ready()
    expect([shape(answer), sqlstateOf(answer)]).toEqual(['EZ', code])
    expect(valuesOf(await client.query('select 2'))).toEqual(['2'])
  },
)

/** Finds a command by its number within its session. */
const isNumber = (number: number) => (fields: { command?: unknown }) => fields.command === number

test('a temporary table that a rollback took back is not judged by its name any more', async () => {
  await login('definer')
  await client.query('begin; create temp table shadow (a int)')
  await client.query('select a from shadow')
  await client.query('rollback')
  const from = world.audit.events.length
  await client.query('select a from shadow')
  const { fields } = await world.audit.until('command.finished', from, isNumber(4))
  expect(fields).toMatchObject({ relations: ['read shadow'], sqlstate: '42P01' })
})

test('a definition under way makes what is sent behind it wait for a new judgement', async () => {
  await login('definer')
  await client.query('select a from t')
  const from = world.audit.events.length
  client.send(q('create temp table t (a int)'), q('select a from t'))
  await client.ready(2)
  const { fields } = await world.audit.until('command.finished', from, isNumber(3))
  expect(String((fields as { relations?: unknown }).relations)).toMatch(/^read pg_temp/)
})

test('a definition of one session is seen by the judgements of another at once', async () => {
  await login('definer')
  const other = await WireClient.login({ port: world.port, role: 'definer' })
  await other.query('create table moved (a int)')
  await client.query('select a from moved')
  await other.query('alter table moved rename to away')
  const from = world.audit.events.length
  await client.query('select a from moved')
  const { fields } = await world.audit.until(
    'command.finished',
    from,
    (found: { command?: unknown; relations?: unknown }) =>
      isNumber(2)(found) && String(found.relations) === 'read moved',
  )
  expect(fields).toMatchObject({ relations: ['read moved'] })
  await other.query('drop table away')
  await other.close()
})
