// Who calls: the bearer token of every call (RFC 6750 §2.1), and how often he may. A token is taken
// from the header only, never from a query or a body, and is never kept.

import type { FastifyRequest } from 'fastify'
import { refused, type Outcome } from '../../core/errors.js'
import type { Authenticated, Clock, Identity } from '../../core/ports.js'
import { callRate, failureRate } from './limits.js'
import type { OnRefusedCaller } from './ports.js'
import { RateLimit, type RateStanding } from './rate-limit.js'

/** Address and port of the caller. */
export const peerOf = ({ ip, socket }: FastifyRequest): string =>
  `${ip.includes(':') ? `[${ip}]` : ip}:${String(socket.remotePort ?? 0)}`

const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i

/** Authenticates calls and keeps their rates. */
export class Authentication {
  readonly #identity: Identity
  readonly #calls: RateLimit
  readonly #failures: RateLimit
  readonly #onRefused: OnRefusedCaller

  constructor(identity: Identity, clock: Clock, onRefused: OnRefusedCaller) {
    this.#identity = identity
    this.#onRefused = onRefused
    this.#calls = new RateLimit(callRate, clock)
    this.#failures = new RateLimit(failureRate, clock)
  }

  /** How a principal's rate stands, for the headers that say so. */
  standing(principalKey: string): RateStanding {
    return this.#calls.standing(principalKey)
  }

  /** Refuses with `UNAUTHENTICATED` or `LIMIT_EXCEEDED`. */
  async authenticate(request: FastifyRequest): Promise<Outcome<Authenticated>> {
    // Asked before any signature is checked, so that junk costs its sender more than us.
    if (this.#failures.isSpent(request.ip))
      return refused('LIMIT_EXCEEDED', { why: 'too many failed authentications from this address' })
    const outcome = await this.#verify(request.headers.authorization, peerOf(request))
    if (!outcome.ok) {
      this.#failures.take(request.ip)
      this.#onRefused(request.ip, outcome.refusal)
      return outcome
    }
    if (!this.#calls.take(outcome.value.principalKey))
      return refused('LIMIT_EXCEEDED', { why: 'too many calls; wait a second' })
    return outcome
  }

  async #verify(header: string | undefined, peer: string): Promise<Outcome<Authenticated>> {
    if (header === undefined) return refused('UNAUTHENTICATED', { why: 'there is none' })
    const token = BEARER.exec(header)?.[1]
    if (token === undefined)
      return refused('UNAUTHENTICATED', { why: 'the header is not `Authorization: Bearer TOKEN`' })
    return await this.#identity.authenticate(token, peer)
  }
}
