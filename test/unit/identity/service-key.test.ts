// Service keys as a method of authentication: accepted only while they are in force, and said aloud.

import { expect, test } from 'vitest'
import { granted, refused } from '../../../core/errors.js'
import type { ServiceKey } from '../../../core/service-key.js'
import {
  newServiceKey,
  ServiceKeyIdentity,
  serviceKeyDigest,
} from '../../../identity/service-key.js'
import { StandingClock } from '../store/fixtures.js'

const clock = new StandingClock()
const entry: ServiceKey = {
  ...{ name: 'nightly', resource: 'orders-db', role: 'reader', by: 'okta/ana' },
  ...{ addedAt: clock.nowMs - 1_000, expiresAt: clock.nowMs + 1_000 },
}

function identityWith(changes: Partial<ServiceKey> = {}, isAccepted = true) {
  const key = newServiceKey()
  const uses: unknown[] = []
  const asked: string[] = []
  const identity = new ServiceKeyIdentity({
    keys: {
      find: (digest) => {
        asked.push(digest)
        return Promise.resolve(
          digest === serviceKeyDigest(key) ? { ...entry, ...changes } : undefined,
        )
      },
      used: (name, at) => Promise.resolve(void uses.push(['used', name, at])),
    },
    tokens: { authenticate: () => Promise.resolve(refused('UNAUTHENTICATED', { why: 'a token' })) },
    accepts: () => isAccepted,
    clock,
    onUse: ({ name }, peer) => uses.push(['warned', name, peer]),
  })
  return { key, uses, asked, identity }
}

test.each([
  ['expired', { expiresAt: clock.nowMs }],
  ['revoked', { revokedAt: clock.nowMs - 1 }],
] as const)('an %s key is refused in the words of an unknown one', async (_what, changes) => {
  const { key, identity, uses } = identityWith(changes)
  const unknown = await identity.authenticate(newServiceKey())
  expect(await identity.authenticate(key)).toEqual(unknown)
  expect(unknown).toMatchObject({ ok: false, refusal: { code: 'UNAUTHENTICATED' } })
  expect(uses).toEqual([])
})

test('without the policy’s word no key is accepted, or even looked up', async () => {
  const { key, identity, asked } = identityWith({}, false)
  expect((await identity.authenticate(key)).ok).toBe(false)
  expect(asked).toEqual([])
})

test.each(['wk_', 'wk_short', `wk_${'a'.repeat(44)}`, `wk_${'a'.repeat(42)}=`])(
  '%s has not the form of a key and is not looked up',
  async (text) => {
    const { identity, asked } = identityWith()
    expect((await identity.authenticate(text)).ok).toBe(false)
    expect(asked).toEqual([])
  },
)

test('what is no service key is left to the tokens', async () => {
  const { identity, uses } = identityWith()
  expect(await identity.authenticate('eyJ…')).toMatchObject({
    refusal: { details: { why: 'a token' } },
  })
  expect(uses).toEqual([])
})

test('a key in force is its principal, and each use is a warning', async () => {
  const { key, identity, uses } = identityWith()
  const outcome = await identity.authenticate(key, '192.0.2.1:5')
  expect(outcome).toEqual(
    granted({
      principal: expect.objectContaining({
        issuer: 'service-key',
        subject: 'nightly',
        attributes: { role: 'reader', resource: 'orders-db' },
        aliases: ['service-key/nightly'],
        tokenExpiresAt: entry.expiresAt,
      }) as unknown,
      principalKey: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
      tokenDigest: serviceKeyDigest(key),
    }),
  )
  expect(uses).toEqual([
    ['warned', 'nightly', '192.0.2.1:5'],
    ['used', 'nightly', clock.nowMs],
  ])
})

test('no two keys are alike, and a digest does not show its key', () => {
  const keys = new Set(Array.from({ length: 100 }, newServiceKey))
  expect(keys.size).toBe(100)
  for (const key of keys) expect(serviceKeyDigest(key)).not.toContain(key.slice(3))
})
