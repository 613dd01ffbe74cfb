// A service key → principal. Keys are 256 random bits, so one SHA-256 is enough to keep them by: a slow
// hash protects secrets that can be guessed, and these can't. Never keeps or prints a key.

import { createHash, randomBytes } from 'node:crypto'
import { granted, type Outcome } from '../core/errors.js'
import type { Authenticated, Clock, Identity } from '../core/ports.js'
import type { Principal } from '../core/principal.js'
import { SERVICE_KEY_ISSUER, type ServiceKey, type ServiceKeyStore } from '../core/service-key.js'
import { principalKey } from './principal-key.js'
import { refuseToken } from './token.js'

const PREFIX = 'wk_'
const KEY_BYTES = 32
/** 32 bytes are 43 characters of base64url. */
const KEY = /^wk_[A-Za-z0-9_-]{43}$/

/** Makes a key; whoever is shown it is the only one who has it. */
export const newServiceKey = (): string =>
  `${PREFIX}${randomBytes(KEY_BYTES).toString('base64url')}`

/** Hex SHA-256, by which the store knows a key. */
export const serviceKeyDigest = (key: string): string =>
  createHash('sha256').update(key).digest('hex')

/** What the method is made of. */
export interface ServiceKeyDependencies {
  readonly keys: Pick<ServiceKeyStore, 'find' | 'used'>
  /** Everything that is no service key. */
  readonly tokens: Identity
  /** Whether the policy in force accepts service keys at all. */
  readonly accepts: () => boolean
  readonly clock: Clock
  /** Hears of each use: static keys are to be replaced. */
  readonly onUse: (key: ServiceKey, peer: string | undefined) => void
}

/** Service keys and, for everything else, tokens. */
export class ServiceKeyIdentity implements Identity {
  readonly #with: ServiceKeyDependencies

  constructor(dependencies: ServiceKeyDependencies) {
    this.#with = dependencies
  }

  async authenticate(token: string, peer?: string): Promise<Outcome<Authenticated>> {
    if (!token.startsWith(PREFIX)) return this.#with.tokens.authenticate(token, peer)
    // The same words whatever is wrong with it: nobody learns which keys there were.
    const refusal = refuseToken('this service key is not accepted here, or not any more')
    if (!KEY.test(token) || !this.#with.accepts()) return refusal
    const { keys, clock, onUse } = this.#with
    const digest = serviceKeyDigest(token)
    const key = await keys.find(digest)
    const now = clock.now()
    if (key === undefined || key.revokedAt !== undefined || key.expiresAt <= now) return refusal
    onUse(key, peer)
    await keys.used(key.name, now)
    const principal = principalOf(key)
    return granted({ principal, principalKey: principalKey(principal), tokenDigest: digest })
  }
}

/** Role and resource are attributes, by which judging keeps the key to them. */
const principalOf = ({ name, role, resource, expiresAt }: ServiceKey): Principal => ({
  issuer: SERVICE_KEY_ISSUER,
  subject: name,
  groups: [],
  attributes: { role, resource },
  actors: [],
  parties: [],
  aliases: [`${SERVICE_KEY_ISSUER}/${name}`],
  tokenExpiresAt: expiresAt,
})
