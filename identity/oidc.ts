// A token of a configured issuer → principal. Signature, issuer, audience and times are checked
// offline; nothing is fetched because of what an unproven token says, except the keys of the
// configured issuer it names. It never keeps or prints a token.

import { createHash } from 'node:crypto'
import { granted, type Outcome } from '../core/errors.js'
import type { Authenticated, Clock, Identity } from '../core/ports.js'
import { principalOf } from './claims.js'
import { fetchDocument, type DocumentFetch } from './document.js'
import { IssuerKeys, type OnKeyTrouble } from './issuer-keys.js'
import type { Issuer } from '../policy/policy.js'
import { issuersByUrl } from './issuers.js'
import { principalKey } from './principal-key.js'
import { proveToken } from './proof.js'
import { issuerOf } from './spiffe.js'
import { bindToken, type TokenBindings } from './token-binding.js'
import { readToken, refuseToken } from './token.js'

/** What the identity port is made of. */
export interface OidcDependencies {
  readonly clock: Clock
  /** Told when an issuer's keys could not be had. */
  readonly onKeyTrouble: OnKeyTrouble
  /** Remembers whose a token is; without it, tokens of issuers with `replay: bind` are refused. */
  readonly bindings?: TokenBindings | undefined
  /** How documents are fetched; over guarded sockets unless a test says otherwise. */
  readonly fetch?: DocumentFetch
}

interface KnownIssuer {
  readonly profile: Issuer
  readonly keys: IssuerKeys
}

/** Verifies OIDC tokens of the configured issuers, side by side; keys are never shared between them. */
export class OidcIdentity implements Identity {
  readonly #dependencies: OidcDependencies
  #issuers: ReadonlyMap<string, KnownIssuer> = new Map()
  #names: ReadonlyMap<string, string> = new Map()

  /** With no issuers everybody is refused. @throws WarderError `POLICY_INVALID` */
  constructor(issuers: readonly Issuer[], dependencies: OidcDependencies) {
    this.#dependencies = dependencies
    this.configure(issuers)
  }

  /**
   * Takes the issuers of a newly applied policy. Keys of an issuer that did not change are kept.
   *
   * @throws WarderError `POLICY_INVALID`; the issuers in force stay as they are.
   */
  configure(issuers: readonly Issuer[]): void {
    const profiles = issuersByUrl(issuers)
    const { clock, onKeyTrouble: onTrouble, fetch = fetchDocument } = this.#dependencies
    const known = new Map<string, KnownIssuer>()
    for (const [url, profile] of profiles) {
      const before = this.#issuers.get(url)
      const keys =
        before !== undefined && hasSameKeys(before.profile, profile)
          ? before.keys
          : new IssuerKeys(profile, { clock, fetch, onTrouble })
      known.set(url, { profile, keys })
    }
    this.#issuers = known
    this.#names = new Map([...profiles].map(([url, { name }]) => [url, name]))
  }

  async authenticate(token: string, peer?: string): Promise<Outcome<Authenticated>> {
    const read = readToken(token)
    if (!read.ok) return read
    const issuer = issuerOf(read.value.claims)
    // An exact match before anything else: a token never makes us talk to an issuer of its choice.
    const known = issuer === undefined ? undefined : this.#issuers.get(issuer)
    if (known === undefined) return refuseToken('its issuer is not configured')
    const { profile, keys } = known
    const { clock, bindings } = this.#dependencies
    const proven = await proveToken(token, read.value, profile, keys, clock.now())
    if (!proven.ok) return proven
    const principal = principalOf(profile, proven.value, this.#names)
    if (!principal.ok) return principal
    if (profile.replay === 'bind') {
      const bound = await bindToken(profile, proven.value, peer, bindings)
      if (!bound.ok) return bound
    }
    const { jti } = proven.value
    return granted({
      principal: principal.value,
      principalKey: principalKey(principal.value),
      tokenDigest: createHash('sha256').update(token).digest('hex'),
      // Only an issuer whose tokens open one request gives them an id to be spent.
      ...(profile.replay === 'once' && typeof jti === 'string' ? { tokenId: jti } : {}),
    })
  }
}

const hasSameKeys = (a: Issuer, b: Issuer): boolean =>
  a.name === b.name &&
  a.jwksUri === b.jwksUri &&
  a.network === b.network &&
  a.keysKeptMs === b.keysKeptMs &&
  a.algorithms.join() === b.algorithms.join()
