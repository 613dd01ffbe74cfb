import { afterEach, beforeEach, expect, test } from 'vitest'
import { granted } from '../../../core/errors.js'
import { Terminal } from './run.js'

let terminal: Terminal

beforeEach(async () => {
  terminal = new Terminal()
  await terminal.start()
})
afterEach(() => terminal.stop())

test('pending lists what concerns the caller, and says so when nothing does', async () => {
  const { id } = terminal.warder.review('job', 'DROP TABLE orders')
  const { out } = await terminal.run(['pending'], { as: 'dana' })
  expect(out).toMatch(/^ID +LEFT/)
  expect(out).toContain(`${id}  15m   db-owners  ci/repo:acme/orders  orders-db`)
  expect(out).toContain('ddl: DROP TABLE orders')
  expect((await terminal.run(['pending'], { as: 'stranger' })).out).toBe('nothing is pending\n')
})

test('show prints everything that a decision needs', async () => {
  const { id } = terminal.warder.review('job', 'DROP TABLE\n  orders')
  const { out } = await terminal.run(['show', id], { as: 'dana' })
  for (const text of [
    'ci/repo:acme/orders',
    'okta/pat',
    'orders-db',
    'migrator',
    'drop-table (ddl): write public.orders [it drops a table]',
    'role migrator, ask line 1',
    '(15m left)',
    '  | DROP TABLE\n  |   orders\n',
    '$1 = 1',
    'd'.repeat(64),
    'p'.repeat(64),
  ])
    expect(out).toContain(text)
})

test('nothing in a statement, a parameter or a name can steer the terminal', async () => {
  const { id } = terminal.warder.review('job', 'SELECT 1 \x1b[2J\r\u202e-- \u200b')
  for (const argv of [['show', id], ['pending'], ['show', id, '--json'], ['pending', '--json']]) {
    const { out } = await terminal.run(argv, { as: 'dana' })
    expect(out).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u200b]/)
  }
  const { out } = await terminal.run(['show', id], { as: 'dana' })
  expect(out).toContain('SELECT 1 \\u{1b}[2J\\u{d}\\u{202e}-- \\u{200b}')
  expect(out).toContain('! it holds invisible')
  expect(out).toContain('$2 = x\\u{202e}y')
})

test('a statement that is not shown whole says how much is missing', async () => {
  const item = terminal.warder.review('job', 'SELECT 1')
  const question = { ...item.question, textBytes: 5_000 }
  terminal.warder.items.set(item.id, { ...item, question })
  const { out } = await terminal.run(['show', item.id], { as: 'dana' })
  expect(out).toContain('4992 bytes at its end are NOT shown')
})

test('show prints who answered what', async () => {
  const { id } = terminal.warder.request('job', {
    decisions: [{ answer: 'deny', by: 'okta/dana', reason: 'not now', channel: 'cli', at: 0 }],
  })
  const { out } = await terminal.run(['show', id])
  expect(out).toContain('deny    okta/dana  cli  1970-01-01 00:00:00Z  not now')
})

test('show of somebody else’s request is refused like that of an unknown one', async () => {
  const { id } = terminal.warder.request('job')
  const forbidden = await terminal.run(['show', id], { as: 'stranger' })
  expect(forbidden.code).toBe(77)
  expect(forbidden.err).toContain(`There is no request or review ${id}`)
})

test('an id that is a path is not one', async () => {
  expect((await terminal.run(['show', '../audit'], { as: 'ada' })).code).toBe(64)
})

test('approve and deny hand on the answer with its reason', async () => {
  const { id } = terminal.warder.request('job')
  const approved = await terminal.run(['approve', id, '--reason', 'ok'], { as: 'dana' })
  expect(approved.out).toBe(`${id}: approved\n`)
  terminal.warder.decideAnswer = granted('denied')
  const denied = await terminal.run(['deny', id], { as: 'dana' })
  expect(denied.out).toBe(`${id}: denied\n`)
  expect(terminal.warder.calls.map(([, , decision]) => decision)).toMatchObject([
    { answer: 'approve', reason: 'ok', channel: 'cli' },
    { answer: 'deny', reason: '', channel: 'cli' },
  ])
})

test('of a quorum, an approval says that others are still needed', async () => {
  const { id } = terminal.warder.request('job')
  terminal.warder.decideAnswer = granted('pending')
  expect((await terminal.run(['approve', id], { as: 'dana' })).out).toContain('still needs others')
})

test('extend says until when', async () => {
  const { id } = terminal.warder.request('job', { state: 'active' })
  const { out } = await terminal.run(['extend', id, '--by', '30m'], { as: 'dana' })
  expect(out).toBe(`${id} now ends 2026-11-22 12:30:00Z\n`)
})

test('revoke prints what was cut, and how fast', async () => {
  const argv = ['revoke', '--resource', 'orders-db', '--reason', 'incident 7']
  const { code, out } = await terminal.run(argv, { as: 'otto' })
  expect(code).toBe(0)
  expect(out).toContain('grt_fake0001')
  expect(out).toContain('2 sessions cut in 7 ms')
  expect((await terminal.run(argv, { as: 'dana' })).code).toBe(77)
})

test('audit verify is 0 when the log holds and 65 when it does not', async () => {
  expect((await terminal.run(['audit', 'verify'], { as: 'ada' })).code).toBe(0)
  const problems = ['record 2 of gwy_a does not follow from record 1']
  terminal.warder.report = { ...terminal.warder.report, intact: false, problems }
  const { code, out } = await terminal.run(['audit', 'verify'], { as: 'ada' })
  expect(code).toBe(65)
  expect(out).toContain('BROKEN')
  expect(out).toContain('record 2')
})

test('audit query shows events, with their statements made visible', async () => {
  const fields = { text: 'DROP\x1b', principal: 'ci/x', relations: ['a', 'b'] }
  terminal.warder.entries = [{ chain: 'gwy_a', seq: 1, at: 0, kind: 'command.refused', fields }]
  const { out } = await terminal.run(['audit', 'query', '--request', 'req_fake0001'], { as: 'ada' })
  expect(out).toBe(
    '1970-01-01 00:00:00Z  command.refused  principal=ci/x  relations=a,b\n  | DROP\\u{1b}\n',
  )
  expect(terminal.warder.calls[0]?.[1]).toMatchObject({ requestId: 'req_fake0001' })
})

test('audit export is the log as it is, and nothing else', async () => {
  const { out } = await terminal.run(['audit', 'export'], { as: 'ada' })
  expect(out).toBe('{"seq":1}\n{"seq":2}\n')
  expect((await terminal.run(['audit', 'export'], { as: 'job' })).code).toBe(77)
})

test('audit anchor without a checkpoint is refused', async () => {
  expect((await terminal.run(['audit', 'anchor'], { as: 'ada' })).code).toBe(77)
})
