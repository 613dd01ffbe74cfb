// `warder check` with a token: what it says, what it ends with, and what it never does.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FakeIssuer, type Claims } from '../../fakes/issuer.js'
import { SAMPLE } from '../policy/sample.js'
import { Terminal, type Ran } from './run.js'

let terminal: Terminal
let issuer: FakeIssuer
let folder: string

beforeEach(async () => {
  terminal = new Terminal()
  await terminal.start()
  issuer = await FakeIssuer.start(() => terminal.warder.clock.now())
  folder = mkdtempSync(join(tmpdir(), 'warder-token-'))
  const policy = SAMPLE.replace('https://token.actions.githubusercontent.com', issuer.url)
  writeFileSync(join(folder, 'policy.yaml'), policy)
})
afterEach(async () => {
  await terminal.stop()
  await issuer.stop()
  rmSync(folder, { recursive: true })
})

const JOB: Claims = {
  aud: 'https://warder.acme.example',
  repository_owner_id: '991',
  runner_environment: 'self-hosted',
  repository_id: '5512',
  environment: 'production',
  actor: 'maria',
  actor_id: '12',
}
const mint = (changes: Claims = {}): string => issuer.mint({ ...JOB, ...changes })

function check(token: string, ...more: readonly string[]): Promise<Ran> {
  const file = join(folder, 'job.jwt')
  writeFileSync(file, `${token}\n`)
  const argv = ['check', join(folder, 'policy.yaml'), '--token-file', file, ...more]
  return terminal.run(argv, { env: { WARDER_SERVER: undefined, WARDER_TOKEN: undefined } })
}

test('a good token is explained claim by claim, down to who must agree', async () => {
  const { code, out } = await check(mint())
  expect(out).toMatch(/yes +signature +made with a key of github/)
  expect(out).toMatch(/yes +required repository_owner_id +991/)
  expect(out).toMatch(/repository_id +5512 +attribute/)
  expect(out).toMatch(/actor_id +12 +people behind it, attribute/)
  expect(out).toMatch(/actor +maria +name at okta, attribute/)
  expect(out).toMatch(/fits +access rule 1 +orders-migrator on orders-db .* when db-owners/)
  expect(out).toMatch(/no +access rule 2 +reader: it is for callers of okta/)
  expect(out).toContain('asks db-owners within 10m about ddl')
  expect(out).toMatch(/Accepted: 1 access rule fits. It was not used./)
  expect(code).toBe(0)
})

test('the token itself is never printed', async () => {
  const token = mint()
  const { out, err } = await check(token)
  for (const part of token.split('.')) expect(out + err).not.toContain(part)
})

test('a rule that nearly fits says what is missing, and nothing is promised', async () => {
  const { code, out } = await check(mint({ environment: 'staging' }))
  expect(out).toContain('orders-migrator: environment is staging, must be production')
  expect(out).toContain('no access rule fits')
  expect(code).toBe(77)
})

test('every check that fails is named, not only the first', async () => {
  const nowS = Math.floor(terminal.warder.clock.now() / 1000)
  const { code, out } = await check(
    mint({ aud: 'https://other', exp: nowS - 100, iat: nowS - 200, repository_owner_id: '5' }),
  )
  expect(out).toMatch(/no +audience +made out to another audience: https:\/\/other/)
  expect(out).toMatch(/no +times +expired 100 s ago/)
  expect(out).toMatch(/no +required repository_owner_id +5, must be 991/)
  expect(out).toMatch(/yes +signature/)
  expect(out).toContain('Refused: audience, times, required repository_owner_id.')
  expect(code).toBe(77)
})

test('a signature that is wrong is a no, whatever the claims say', async () => {
  const [header, , signature] = mint().split('.')
  const claims = Buffer.from(JSON.stringify(issuer.claims(JOB))).toString('base64url')
  const { code, out } = await check([header, claims, signature].join('.'))
  expect(out).toMatch(/no +signature +its signature is wrong/)
  expect(out).toContain('It would speak for')
  expect(code).toBe(77)
})

test('when the keys can’t be had it says so, and proves nothing', async () => {
  issuer.misbehaviour.outage = true
  const { code, out } = await check(mint())
  expect(out).toMatch(/unknown +signature +not checked, the keys could not be had/)
  expect(out).toContain('anybody may have made it')
  expect(code).toBe(69)
})

test('an issuer that differs by a slash is pointed out, and never asked', async () => {
  const { code, out } = await check(mint({ iss: `${issuer.url}/` }))
  expect(out).toContain('the two must be the same to the letter')
  expect(issuer.asked.size).toBe(0)
  expect(code).toBe(77)
})

test('what is no token is said to be none', async () => {
  const { code, out } = await check('not-a-token')
  expect(out).toMatch(/no +form +it is not a signed JWT/)
  expect(code).toBe(77)
})

test('a token is not used up by being explained', async () => {
  const token = mint()
  expect((await check(token)).code).toBe(0)
  expect((await check(token)).code).toBe(0)
  expect(terminal.warder.calls).toEqual([])
})

test('what stands in a claim can’t steer the terminal', async () => {
  const { out } = await check(mint({ note: '\u001b]0;evil\u0007\u202e' }))
  expect(out).not.toMatch(/[\u0007\u001b\u202e]/)
  expect(out).toContain('\\u{1b}]0;evil')
})

test('as JSON it is whole, and holds no token', async () => {
  const token = mint()
  const { out } = await check(token, '--json')
  const answer = JSON.parse(out) as { verdict: string; rules: { misses: string[] }[] }
  expect(answer.verdict).toBe('accepted')
  expect(answer.rules[0]?.misses).toEqual([])
  expect(out).not.toContain(token.split('.')[2])
})

test('a token is read from standard input', async () => {
  const policy = join(folder, 'policy.yaml')
  const { code } = await terminal.run(['check', '--policy', policy, '--token', '-'], {
    stdin: mint(),
  })
  expect(code).toBe(0)
})

test('a token as an argument is refused, and not repeated', async () => {
  const token = mint()
  const { code, out, err } = await terminal.run([
    ...['check', join(folder, 'policy.yaml'), '--token', token],
  ])
  expect(code).toBe(64)
  expect(err).toContain('given as an argument')
  expect(out + err).not.toContain(token)
})

test.each([
  ['no policy', ['check', '--token', '-']],
  ['two policies', ['check', 'a.yaml', '--policy', 'b.yaml']],
  ['two tokens', ['check', 'a.yaml', '--token', '-', '--token-file', 'b']],
])('%s is a usage error', async (_, argv) => {
  expect((await terminal.run(argv)).code).toBe(64)
})

test('an empty token is a usage error', async () => {
  const argv = ['check', join(folder, 'policy.yaml'), '--token', '-']
  expect((await terminal.run(argv, { stdin: ' \n' })).code).toBe(64)
})
