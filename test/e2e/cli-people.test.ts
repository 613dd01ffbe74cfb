// The command line of people and of long-running jobs: checking a policy, asking, extending,
// revoking, reading the log; and how each of them says no.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { CommandLine } from './command-line.js'
import { Stage } from './stage.js'

let stage: Stage
let cli: CommandLine

beforeAll(async () => {
  stage = await Stage.open()
  await stage.start()
  cli = new CommandLine(stage)
})
afterAll(async () => {
  cli.close()
  await stage.close()
})

const WISH = ['request', '--resource', 'orders-db', '--role', 'migrator', '--reason', 'release 42']

async function openRequest(): Promise<string> {
  const { code, out, err } = await cli.run('migrate-job', WISH)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const id = /^(req_\w+) is open until /.exec(out)?.[1]
  if (id === undefined) throw new Error(`no request in: ${out}`)
  return id
}

/** Every refusal: what and why, what to do now, and the id to quote. */
const REFUSAL = /^warder: .+\n {2}do: .+\n {2}id: \S+\n$/

test('check names the nearest key and the line of a policy with a typo', async () => {
  const broken = stage.policy().replace('    allow:', '    alow:')
  const { code, err } = await cli.run('ana', ['check', cli.file('typo.yaml', broken)])
  expect(code).toBe(65)
  expect(err).toMatch(/alow.*allow/)
  expect(err).toMatch(/typo\.yaml: .*\d/)
})

test('check says of a good policy that it is valid', async () => {
  const { code, out } = await cli.run('ana', ['check', cli.file('good.yaml', stage.policy())])
  expect(code).toBe(0)
  expect(out).toContain('is valid')
})

test('check says of a file that is not there what is missing', async () => {
  const { code, err } = await cli.run('ana', ['check', '/no/such/policy.yaml'])
  expect(code).toBe(64)
  expect(err).toContain('do: Check the path')
})

test('a command that does not exist names the nearest', async () => {
  const { code, err } = await cli.run('ana', ['aprove', 'req_0000000000'])
  expect(code).toBe(64)
  expect(err).toContain('approve')
})

test('apply is refused to whoever has no such duty, and nothing changes', async () => {
  const wider = cli.file('wider.yaml', stage.policy().replace('max: 2h', 'max: 9h'))
  const { code, err } = await cli.run('migrate-job', ['apply', wider])
  expect(code).toBe(77)
  expect(err).toContain('warder: You may not apply a policy')
  const shown = await cli.run('ana', ['apply', wider, '--dry-run'])
  expect(shown.code).toBe(0)
  expect(shown.out).toContain('not applied')
  expect(shown.out).not.toContain('nothing changes')
})

test('a review that is not there is not found, whoever asks', async () => {
  for (const args of [
    ['show', 'cmd_0000000000'],
    ['approve', 'cmd_0000000000'],
  ]) {
    const { code, err } = await cli.run('ana', args)
    expect(code).toBe(77)
    expect(err).toMatch(REFUSAL)
  }
})

test('somebody else’s request can neither be seen nor extended', async () => {
  const id = await openRequest()
  for (const args of [
    ['show', id],
    ['extend', id, '--by', '5m'],
  ]) {
    const { code, err } = await cli.run('guest-job', args)
    expect(code).toBe(77)
    expect(err).toMatch(REFUSAL)
  }
})

test('the people behind a job can’t decide about what it asks', async () => {
  const { client, notices } = await stage.connect()
  const held = client.query('CREATE TABLE held (id bigint)').catch((error: unknown) => error)
  const { id } = await stage.pendingReview('CREATE TABLE held')
  const own = await cli.run('maria', ['approve', id])
  expect(own.code).toBe(77)
  expect(own.err).toContain('Nobody decides about his own request')
  expect(own.err).toMatch(REFUSAL)
  const denied = await cli.run('ana', ['deny', id, '--reason', 'not now'])
  expect(denied).toMatchObject({ code: 0, out: `${id}: denied\n` })
  expect(await held).toMatchObject({ code: '42501' })
  expect(notices.join('\n')).toContain(id)
  const late = await cli.run('ana', ['approve', id])
  expect(late.code).toBe(77)
  expect(late.err).toContain('already decided')
  await client.end()
})

test('a grant is extended up to the rule’s maximum, and no further', async () => {
  const id = await openRequest()
  const longer = await cli.run('migrate-job', ['extend', id, '--by', '30m'])
  expect(longer).toMatchObject({ code: 0, err: '' })
  expect(longer.out).toContain(`${id} now ends `)
  const asked = [...['extend', id, '--by', '5h'], '--json']
  const most = await cli.run('migrate-job', asked)
  expect(most.code).toBe(0)
  const again = await cli.run('migrate-job', asked)
  expect(again.code).toBe(75)
  expect(again.err).toMatch(REFUSAL)
  expect(again.err).toContain('A limit was reached')
  const { expiresAt } = JSON.parse(most.out) as { expiresAt: number }
  const { openedAt } = (await stage.item(id)) as unknown as { openedAt: number }
  expect(expiresAt - openedAt).toBeLessThan(2 * 3_600_000 + 10_000)
})

test('revoke is refused to whoever has no such duty', async () => {
  const { code, err } = await cli.run('migrate-job', [
    ...['revoke', '--resource', 'orders-db', '--reason', 'mischief'],
  ])
  expect(code).toBe(77)
  expect(err).toMatch(REFUSAL)
})

test('revoke wants to know exactly what', async () => {
  const { code, err } = await cli.run('ana', ['revoke', '--reason', 'why not'])
  expect(code).toBe(64)
  expect(err).toContain('exactly one of an id, --principal and --resource')
})

test('revoke ends the grant, cuts its session and gives a receipt; a second one finds nothing', async () => {
  const id = await openRequest()
  const grantId = `grt_${id.slice('req_'.length)}`
  const { client, ended } = await stage.connect('migrate-job', { role: `migrator/${id}` })
  await client.query('SELECT count(*) FROM orders')
  const { code, out } = await cli.run('ana', ['revoke', id, '--reason', 'incident 7'])
  await ended
  expect(code).toBe(0)
  expect(out).toContain(grantId)
  expect(out).toMatch(/^1 session cut in \d+ ms$/m)
  const again = await cli.run('ana', ['revoke', id, '--reason', 'incident 7'])
  expect(again.code).toBe(77)
  expect(again.err).toMatch(REFUSAL)
  const shown = await cli.run('migrate-job', ['show', id])
  expect(shown.out).toMatch(/^ended +revoked by test\/ana$/m)
})

test('the log verifies, and reading it takes a duty', async () => {
  const verified = await cli.run('ana', ['audit', 'verify'])
  expect(verified.code).toBe(0)
  expect(verified.out).toMatch(/^intact: \d+ records/)
  const refused = await cli.run('migrate-job', ['audit', 'query'])
  expect(refused.code).toBe(77)
  expect(refused.err).toMatch(REFUSAL)
  const odd = await cli.run('ana', ['audit', 'query', '--kind', 'decision'])
  expect(odd.code).toBe(64)
  expect(odd.err).toMatch(REFUSAL)
})

test('version and whoami tell who is talking to whom', async () => {
  expect((await cli.run('ana', ['version'])).out).toMatch(/^warder \d+\.\d+\.\d+\n$/)
  const { code, out } = await cli.run('maria', ['whoami'])
  expect(code).toBe(0)
  expect(out).toMatch(/^principal +test\/maria$/m)
  expect(out).toMatch(/^decides for +db-owners$/m)
})
