// What can be said of a token without using it: its checks one by one, and what each claim is for. Types
// only; identity/ reads, the command line shows.

import type { Principal } from './principal.js'

/** One thing that was looked at. */
export interface TokenCheck {
  /** `form`, `issuer`, `signature`, `audience`, `times`, `required environment`, `groups and names`, `replay` … */
  readonly what: string
  /** `unknown`: it can't be told here. `note`: it is not about whether the token is good. */
  readonly result: 'yes' | 'no' | 'unknown' | 'note'
  /** What was found, fit for people; it may hold text of the token, visible and cut. */
  readonly text: string
}

/** A claim at the top of the token. */
export interface ClaimReading {
  readonly claim: string
  /** As JSON, or plain for text; visible and cut. */
  readonly value: string
  /** What the policy makes of it; empty when nothing. */
  readonly uses: readonly string[]
}

/** A token, read. */
export interface TokenReading {
  /**
   * `accepted`: a gateway with this policy would take it, replay aside. `unproven`: nothing speaks against
   * it, but the issuer's keys could not be had, so that anybody may have made it.
   */
  readonly verdict: 'accepted' | 'unproven' | 'refused'
  readonly checks: readonly TokenCheck[]
  readonly claims: readonly ClaimReading[]
  /** Who its claims speak of, whether or not they are proven; absent when they make nobody. */
  readonly principal?: Principal | undefined
}
