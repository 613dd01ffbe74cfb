// What a policy file has to be, mostly by what it must not be.

import { expect, test } from 'vitest'
import { EMPTY_POLICY } from '../../../policy/load.js'
import { policyOf, problemsOf, SAMPLE, sampleWith, sha256Hex } from './sample.js'

test('the sample is valid', () => {
  expect(problemsOf(SAMPLE)).toEqual([])
})

test('all mistakes are shown at once, in the order of the file', () => {
  const text = SAMPLE.replace('replay: once', 'replays: once')
    .replace('role: reader', 'role: readr')
    .replace('effects: [ddl]', 'effects: [dll]')
    .replace('apply: [db-owners]', 'apply: [admins]')
  const problems = problemsOf(text)
  expect(problems.map((problem) => problem.replace(/^line \d+: ([^:]*):.*/s, '$1'))).toEqual([
    'issuers[0].replays',
    'roles[0].ask[0].effects[0]',
    'access[1].role',
    'duties.apply[0]',
  ])
})

test('a broken item is not missed by those that refer to it', () => {
  const text = sampleWith('protocol: postgres', 'protocol: ssh')
  expect(problemsOf(text)).toHaveLength(1)
})

test('no more than a hundred mistakes are shown', () => {
  const text = Array.from({ length: 5_000 }, (_, at) => `key${at}: 1`).join('\n')
  const problems = problemsOf(text)
  expect(problems).toHaveLength(101)
  expect(problems.at(-1)).toBe('the policy: has more problems, which are not shown')
})

test('what looks like a number is compared as it was written', () => {
  const text = sampleWith(
    'repository_id: 5512',
    'repository_id: [007, 1.10, 0x1F, 90071992547409930, true]',
  )
  const [rule] = policyOf(text).access
  expect([...(rule?.who.claims[0]?.[1] ?? [])]).toEqual([
    '007',
    '1.10',
    '0x1F',
    '90071992547409930',
    'true',
  ])
})

test('a policy carries its source, its digest and filled-in defaults', () => {
  const policy = policyOf(SAMPLE)
  expect(policy.source).toBe(SAMPLE)
  expect(policy.digest).toBe(sha256Hex(SAMPLE))
  expect(policy.issuers.get('okta')).toMatchObject({
    audience: 'https://warder.acme.example',
    algorithms: ['RS256', 'ES256', 'EdDSA', 'PS256'],
    clockToleranceS: 30,
    replay: 'none',
    parties: [],
  })
  expect(policy.issuers.get('github')).toMatchObject({
    require: { repository_owner_id: ['991'], runner_environment: ['self-hosted', 'github-hosted'] },
    aliases: { okta: ['actor'] },
  })
  expect(policy.resources.get('orders-db')).toEqual({
    name: 'orders-db',
    protocol: 'postgres',
    host: 'orders.internal',
    port: 5432,
    database: 'orders',
    labels: { env: 'prod', tier: '1' },
    owner: 'team-orders',
    credential: { user: 'warder', password: { env: 'ORDERS_DB_PASSWORD' } },
    tls: 'verify-full',
  })
  expect(policy.resources.get('local-db')).toMatchObject({ host: '::1', port: 5433 })
  expect(policy.access[1]).toMatchObject({
    on: ['orders-db'],
    durationMs: 3_600_000,
    durationMsMax: 3_600_000,
  })
})

test('a policy is frozen all the way down', () => {
  const policy = policyOf(SAMPLE)
  const seen: unknown[] = []
  const visit = (value: unknown) => {
    if (typeof value !== 'object' || value === null || seen.includes(value)) return
    seen.push(value)
    expect(Object.isFrozen(value)).toBe(true)
    const inside: Iterable<unknown> =
      value instanceof Map || value instanceof Set ? value.values() : Object.values(value)
    for (const part of inside) visit(part)
  }
  visit(policy)
  expect(seen.length).toBeGreaterThan(50)
})

test('{} is a valid policy, in which there is nothing', () => {
  const policy = policyOf('{}')
  expect(policy.resources.size + policy.roles.size + policy.access.length).toBe(0)
  expect(policy.document).toEqual(EMPTY_POLICY.document)
})

test('no policy has the digest of the empty text', () => {
  expect(EMPTY_POLICY.digest).toBe(sha256Hex(''))
  expect(EMPTY_POLICY.roles.size).toBe(0)
})

test('the text may be of Windows and start with a byte order mark', () => {
  expect(problemsOf(`\ufeff${SAMPLE.replaceAll('\n', '\r\n')}`)).toEqual([])
})
