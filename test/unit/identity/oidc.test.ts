import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Authenticated } from '../../../core/ports.js'
import { OidcIdentity } from '../../../identity/oidc.js'
import type { Issuer } from '../../../policy/policy.js'
import { profileOf } from '../../conformance/identity/refuses.js'
import { FakeIssuer } from '../../fakes/issuer.js'
import { ManualClock } from '../../fakes/manual-clock.js'

let clock: ManualClock
let issuer: FakeIssuer
let troubles: string[]

beforeEach(async () => {
  clock = new ManualClock()
  issuer = await FakeIssuer.start(() => clock.now())
  troubles = []
})
afterEach(() => issuer.stop())

const identityOf = (...profiles: Issuer[]): OidcIdentity =>
  new OidcIdentity(profiles, { clock, onKeyTrouble: (name) => troubles.push(name) })

async function accepted(identity: OidcIdentity, token: string): Promise<Authenticated> {
  const outcome = await identity.authenticate(token)
  if (!outcome.ok) throw new Error(`refused: ${String(outcome.refusal.details.why)}`)
  return outcome.value
}

async function whyRefused(identity: OidcIdentity, token: string): Promise<string> {
  const outcome = await identity.authenticate(token)
  if (outcome.ok) throw new Error('the token was accepted')
  return outcome.refusal.details.why ?? ''
}

const jwksCount = (): number => issuer.asked.get('/jwks') ?? 0

test('without issuers everybody is refused', async () => {
  expect(await whyRefused(identityOf(), issuer.mint())).toBe('its issuer is not configured')
})

test('a good token becomes a principal with its subject, attributes and expiry', async () => {
  const token = issuer.mint({ environment: 'production', run: 7, protected: true, list: [1] })
  const { principal, tokenId, tokenDigest } = await accepted(identityOf(profileOf(issuer)), token)
  expect(principal).toMatchObject({ issuer: 'ci', subject: 'repo:acme/orders', groups: [] })
  expect(principal.attributes).toEqual({
    iss: issuer.url,
    aud: 'https://warder.test',
    sub: 'repo:acme/orders',
    environment: 'production',
    run: '7',
    protected: 'true',
  })
  expect(principal.tokenExpiresAt).toBe(clock.now() + 600_000)
  expect(principal.aliases).toEqual(['ci/repo:acme/orders'])
  expect(tokenId).toMatch(/^jti-/)
  expect(tokenDigest).toMatch(/^[0-9a-f]{64}$/)
})

test('an audience in a list of one is ours', async () => {
  const token = issuer.mint({ aud: ['https://warder.test'] })
  expect((await accepted(identityOf(profileOf(issuer)), token)).principal.issuer).toBe('ci')
})

test('groups, parties and aliases come from the configured claims only', async () => {
  const profile = {
    ...profileOf(issuer),
    groups: 'teams',
    parties: ['actor_id', 'reviewers', 'absent'],
    aliases: { okta: ['email'], github: ['actor_id'] },
  }
  const claims = { teams: ['a', 'b', 'a'], actor_id: 17, reviewers: ['x', 'y'], email: 'j@acme.io' }
  const { principal } = await accepted(identityOf(profile), issuer.mint(claims))
  expect(principal.groups).toEqual(['a', 'b'])
  expect(principal.parties).toEqual(['ci/17', 'ci/x', 'ci/y'])
  expect(principal.aliases).toEqual(['ci/repo:acme/orders', 'okta/j@acme.io', 'github/17'])
})

test('an act chain becomes actors, outermost first, under configured issuer names', async () => {
  const other = { ...profileOf(issuer), name: 'agents', issuer: 'https://agents.test' }
  const act = { sub: 'inner', act: { iss: 'https://agents.test', sub: 'outer' } }
  const { principal } = await accepted(identityOf(profileOf(issuer), other), issuer.mint({ act }))
  expect(principal.actors).toEqual([
    { issuer: 'ci', subject: 'inner' },
    { issuer: 'agents', subject: 'outer' },
  ])
})

test('a token for repeated use gives no id to be spent', async () => {
  const identity = identityOf({ ...profileOf(issuer), replay: 'none' })
  expect((await accepted(identity, issuer.mint())).tokenId).toBeUndefined()
})

test('two tokens of one job have one principal key, another job has another', async () => {
  const identity = identityOf(profileOf(issuer))
  const first = await accepted(identity, issuer.mint({ run_id: '1' }))
  clock.advance(5_000)
  const second = await accepted(identity, issuer.mint({ run_id: '1' }))
  const other = await accepted(identity, issuer.mint({ run_id: '2' }))
  expect(second.principalKey).toBe(first.principalKey)
  expect(other.principalKey).not.toBe(first.principalKey)
  expect(second.tokenDigest).not.toBe(first.tokenDigest)
})

test('keys are never shared between issuers', async () => {
  const second = await FakeIssuer.start(() => clock.now())
  const identity = identityOf(profileOf(issuer), { ...profileOf(second), name: 'second' })
  await accepted(identity, second.mint())
  await accepted(identity, issuer.mint())
  expect(await whyRefused(identity, second.mint({ iss: issuer.url }))).toBe(
    'its signature is wrong',
  )
  await second.stop()
})

test('keys are fetched once for many tokens', async () => {
  const identity = identityOf(profileOf(issuer))
  await Promise.all(Array.from({ length: 20 }, () => accepted(identity, issuer.mint())))
  expect(jwksCount()).toBe(1)
})

test('a rotated key is found at its first token', async () => {
  const identity = identityOf(profileOf(issuer))
  await accepted(identity, issuer.mint())
  await issuer.rotate()
  await accepted(identity, issuer.mint())
  expect(jwksCount()).toBe(2)
})

test('a flood of invented key ids costs one fetch per half minute', async () => {
  const identity = identityOf(profileOf(issuer))
  await accepted(identity, issuer.mint())
  for (let index = 0; index < 50; index += 1)
    expect(await whyRefused(identity, issuer.mint({}, { kid: `no-${String(index)}` }))).toBe(
      'ci has no such key',
    )
  expect(jwksCount()).toBe(2)
  clock.advance(31_000)
  await whyRefused(identity, issuer.mint({}, { kid: 'again' }))
  expect(jwksCount()).toBe(3)
})

test('a withdrawn key is refused once the keys were renewed', async () => {
  const identity = identityOf(profileOf(issuer))
  const old = issuer.mint({ exp: clock.now() / 1000 + 7200 })
  await accepted(identity, old)
  await issuer.rotate({ drop: true })
  clock.advance(16 * 60_000)
  expect(await whyRefused(identity, old)).toBe('ci has no such key')
})

test('an outage is survived with the keys at hand, for a day and no longer', async () => {
  const identity = identityOf(profileOf(issuer))
  await accepted(identity, issuer.mint())
  issuer.misbehaviour.outage = true
  clock.advance(23 * 3_600_000)
  await accepted(identity, issuer.mint())
  expect(troubles).toContain('ci')
  clock.advance(2 * 3_600_000)
  expect(await whyRefused(identity, issuer.mint())).toBe("the keys of ci can't be read now")
  issuer.misbehaviour.outage = false
  clock.advance(3_001)
  await accepted(identity, issuer.mint())
})

test('an issuer that does not answer is not asked for every token', async () => {
  const identity = identityOf(profileOf(issuer))
  issuer.misbehaviour.outage = true
  for (let index = 0; index < 10; index += 1) await whyRefused(identity, issuer.mint())
  expect(issuer.asked.get('/.well-known/openid-configuration')).toBe(1)
})

test('a configured key set needs no discovery', async () => {
  const identity = identityOf({ ...profileOf(issuer), jwksUri: `${issuer.url}/jwks` })
  await accepted(identity, issuer.mint())
  expect([...issuer.asked.keys()]).toEqual(['/jwks'])
})

test('a new policy keeps the keys of an issuer it did not change', async () => {
  const identity = identityOf(profileOf(issuer))
  await accepted(identity, issuer.mint())
  identity.configure([{ ...profileOf(issuer), tokenAgeMaxS: 60 }])
  await accepted(identity, issuer.mint())
  expect(jwksCount()).toBe(1)
})

test('a new policy without the issuer refuses its tokens at once', async () => {
  const identity = identityOf(profileOf(issuer))
  await accepted(identity, issuer.mint())
  identity.configure([])
  expect(await whyRefused(identity, issuer.mint())).toBe('its issuer is not configured')
})

test.each([
  ['the same URL', [{}, { name: 'second' }]],
  ['the same name', [{}, { issuer: 'https://second.test' }]],
  ['not an asymmetric signature', [{ algorithms: ['HS256'] }]],
  ['allows no algorithm', [{ algorithms: [] }]],
  ['has no audience', [{ audience: '' }]],
  ['only https', [{ issuer: 'http://issuer.test' }]],
  ['only https', [{ jwksUri: 'ftp://issuer.test/keys' }]],
  ['is not a URL', [{ jwksUri: 'keys' }]],
  ['carries a password', [{ issuer: 'https://a:b@issuer.test' }]],
])('issuers are refused when one has %s', (why, changes: Partial<Issuer>[]) => {
  const identity = identityOf(profileOf(issuer))
  const profiles = changes.map((change) => ({ ...profileOf(issuer), ...change }))
  expect(() => {
    identity.configure(profiles)
  }).toThrow(why)
})
