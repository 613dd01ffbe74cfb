// One provider: its block of docs/guides/issuers.md, made into a policy, and an issuer on loopback that signs
// tokens of that provider's shape. What stands in the guide is therefore what is tried.

import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { parse, stringify } from 'yaml'
import type { Authenticated } from '../../../core/ports.js'
import { OidcIdentity } from '../../../identity/oidc.js'
import { judgeAccess } from '../../../policy/judge-access.js'
import type { Policy } from '../../../policy/policy.js'
import { FakeIssuer, type Claims, type IssuerForm } from '../../fakes/issuer.js'
import { ManualClock } from '../../fakes/manual-clock.js'
import { policyOf } from '../../unit/policy/sample.js'
import { MemoryTokens } from '../../workflows/memory-ports.js'

const GUIDE = readFileSync(new URL('../../../docs/guides/issuers.md', import.meta.url), 'utf8')
const AUDIENCE = 'https://warder.acme.io'

type Block = Record<string, unknown> & { issuers?: { name: string; issuer: string }[] }

/** The first block of YAML under a heading of the guide. */
function blockUnder(heading: string): Block {
  const section = GUIDE.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? ''
  const [, text] = /```yaml\n([\s\S]*?)```/.exec(section) ?? []
  if (text === undefined) throw new Error(`the guide has no block under ${heading}`)
  return parse(text) as Block
}

function policyWith(block: Block, issuer: FakeIssuer): Policy {
  const [, base = ''] = /```yaml\n([\s\S]*?)```/.exec(GUIDE) ?? []
  const rest = parse(base) as Block
  const issuers = (block.issuers ?? []).map((one) => ({
    ...one,
    ...(one.issuer.startsWith('spiffe:') ? {} : { issuer: issuer.url }),
    ...('jwksUri' in one ? { jwksUri: issuer.jwksUrl } : {}),
  }))
  const others = (rest.issuers ?? []).filter(
    ({ name }) => !issuers.some((one) => one.name === name),
  )
  return policyOf(stringify({ ...rest, ...block, issuers: [...others, ...issuers] }))
}

/** A provider and a gateway that knows it. */
export class Provider {
  readonly clock: ManualClock
  readonly issuer: FakeIssuer
  readonly policy: Policy
  readonly #identity: OidcIdentity
  readonly #claims: Claims

  private constructor(clock: ManualClock, issuer: FakeIssuer, policy: Policy, claims: Claims) {
    this.clock = clock
    this.issuer = issuer
    this.policy = policy
    this.#claims = claims
    this.#identity = new OidcIdentity([...policy.issuers.values()], {
      clock,
      onKeyTrouble: () => undefined,
      bindings: new MemoryTokens(),
    })
  }

  /** @param fixture file of test/fixtures/tokens */
  static async start(heading: string, fixture: string, form: IssuerForm = {}): Promise<Provider> {
    const clock = new ManualClock()
    const issuer = await FakeIssuer.start(() => clock.now(), { alg: 'RS256', ...form })
    const file = new URL(`../../fixtures/tokens/${fixture}.json`, import.meta.url)
    const claims = JSON.parse(readFileSync(file, 'utf8')) as Claims
    return new Provider(clock, issuer, policyWith(blockUnder(heading), issuer), claims)
  }

  /** A token as the provider makes it, with changes; `undefined` leaves a claim out. */
  mint(changes: Claims = {}, header: Claims = {}): string {
    return this.issuer.mint({ aud: AUDIENCE, ...this.#claims, ...changes }, header)
  }

  /** The caller behind a token that has to be taken. */
  async caller(token: string, peer = '10.0.0.7:40000'): Promise<Authenticated> {
    const outcome = await this.#identity.authenticate(token, peer)
    if (!outcome.ok) throw new Error(`refused: ${String(outcome.refusal.details.why)}`)
    return outcome.value
  }

  /** Expects that a token is refused, for this reason. */
  async refuses(token: string, why: string | RegExp, peer = '10.0.0.7:40000'): Promise<void> {
    const outcome = await this.#identity.authenticate(token, peer)
    if (outcome.ok) throw new Error('the token was accepted')
    expect(outcome.refusal.code).toBe('UNAUTHENTICATED')
    expect(outcome.refusal.details.why).toMatch(why)
  }

  /** What the policy says to whoever holds the token: `allow`, `ask` or `block`. */
  async verdict(token: string): Promise<string> {
    const { principal } = await this.caller(token)
    const wish = { resource: 'orders-db', role: 'migrator', reason: 'release 42' }
    return judgeAccess(this.policy, principal, wish, 0).outcome
  }

  stop(): Promise<void> {
    return this.issuer.stop()
  }
}
