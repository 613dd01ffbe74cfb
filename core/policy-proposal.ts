// A policy that one person proposed and another has to confirm. Pure, no clock; whether somebody may
// apply policies at all is asked elsewhere.

import { granted, refused, type Outcome } from './errors.js'
import type { ProposalId } from './ids.js'
import { isPartyTo, principalName, type Principal } from './principal.js'
import { isSamePerson } from './quorum.js'

/** How long a proposal waits: a second person of another time zone still finds it. */
export const proposalMs = 24 * 3_600_000

/** Proposals that may wait at the same time; more than a few mean that something loops. */
export const proposalCountMax = 50

/** `outdated`: another policy came into force than the one it was made for. */
export type ProposalState = 'pending' | 'applied' | 'rejected' | 'expired' | 'outdated'

/** Everything about a proposal but what became of it. */
export interface PolicyProposal {
  readonly id: ProposalId
  /** What was stored of its state; `standingOf` says what it is now. */
  readonly state: ProposalState
  /** The version in force that it is to replace, and only that one. */
  readonly baseVersion: number
  /** Hex SHA-256 of `source`. */
  readonly digest: string
  readonly source: string
  readonly proposer: Principal
  readonly reason: string
  /** Epoch ms. */
  readonly openedAt: number
  /** Epoch ms. */
  readonly expiresAt: number
  readonly decidedBy?: string | undefined
  readonly decidedAt?: number | undefined
  /** The version that it became. */
  readonly version?: number | undefined
}

/** Its state at a time, under the version in force then. */
export function standingOf(
  { state, expiresAt, baseVersion }: PolicyProposal,
  nowMs: number,
  versionInForce: number,
): ProposalState {
  if (state !== 'pending') return state
  if (versionInForce !== baseVersion) return 'outdated'
  return nowMs >= expiresAt ? 'expired' : 'pending'
}

/**
 * Whether this person is the second one. Refuses with `ALREADY_DECIDED` (it is over),
 * `POLICY_CONFLICT` (another policy is in force than the one it was made for), `SELF_APPROVAL` (the
 * same person under any name, or one that stands behind the other).
 */
export function mayConfirm(
  proposal: PolicyProposal,
  person: Principal,
  nowMs: number,
  versionInForce: number,
): Outcome<null> {
  const open = isOpen(proposal, nowMs, versionInForce)
  if (!open.ok) return open
  const { proposer } = proposal
  const isOne =
    isSamePerson(person, proposer) || isPartyTo(person, proposer) || isPartyTo(proposer, person)
  return isOne ? refused('SELF_APPROVAL', { id: proposal.id }) : granted(null)
}

/** Whether it can still be rejected; the proposer may do so too. Refuses as `mayConfirm` does. */
export function isOpen(
  proposal: PolicyProposal,
  nowMs: number,
  versionInForce: number,
): Outcome<null> {
  const { id, baseVersion, decidedBy } = proposal
  const state = standingOf(proposal, nowMs, versionInForce)
  if (state === 'pending') return granted(null)
  if (state === 'outdated') {
    const why = `it was proposed for version ${baseVersion}, and version ${versionInForce} is in force`
    return refused('POLICY_CONFLICT', { id, why })
  }
  const by = decidedBy === undefined ? '' : ` by ${decidedBy}`
  return refused('ALREADY_DECIDED', { what: `Proposal ${id}`, why: `${state}${by}`, id })
}

/** Who proposed it, as it is written everywhere. */
export const proposerName = ({ proposer }: PolicyProposal): string => principalName(proposer)
