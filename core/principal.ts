// Who is asking: an authenticated caller, the agents it acts through, and the people behind it.

/** One hop of an `act` chain (RFC 8693 §4.1), outermost actor first. */
export interface Actor {
  readonly issuer: string
  readonly subject: string
}

/**
 * An authenticated caller: a job, a service, an agent or a person.
 *
 * `issuer` is the name that the policy gives to a token issuer, not its URL.
 */
export interface Principal {
  readonly issuer: string
  readonly subject: string
  /** Groups the token lists, as the issuer spells them. */
  readonly groups: readonly string[]
  /** Scalar claims as text, for rules to match (`repository_id`, `environment` …). */
  readonly attributes: Readonly<Record<string, string>>
  /** The `act` chain, outermost (current) actor first; empty when nobody acts for the subject. */
  readonly actors: readonly Actor[]
  /** People behind a job, as `issuer/name`: they may not approve what it asks. */
  readonly parties: readonly string[]
  /** Every name this caller is known by, as `issuer/name`; always holds `issuer/subject`. */
  readonly aliases: readonly string[]
  /** Epoch ms after which the presented token proves nothing. */
  readonly tokenExpiresAt: number
}

/** `issuer/subject`: how a principal is written in logs, cards and command output. */
export const principalName = (principal: Pick<Principal, 'issuer' | 'subject'>): string =>
  `${principal.issuer}/${principal.subject}`

/** The chain in one line, from the subject to the agent that holds the socket. */
export const principalChain = (principal: Principal): string =>
  [principalName(principal), ...principal.actors.toReversed().map(principalName)].join(' ▸ ')

/**
 * True when `approver` is the requester, one of its actors, or a person behind the job.
 * Nobody decides about his own work, whatever groups he is in.
 */
export function isPartyTo(approver: Principal, requester: Principal): boolean {
  const involved = new Set([
    ...requester.aliases,
    principalName(requester),
    ...requester.actors.map(principalName),
    ...requester.parties,
  ])
  return [...approver.aliases, principalName(approver), ...approver.actors.map(principalName)].some(
    (name) => involved.has(name),
  )
}
