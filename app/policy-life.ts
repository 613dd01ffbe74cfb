// How a policy comes into force: applied by one person or by two, compared and set against the version
// it was made for, and put on record. What it means is policy/'s to say; who may is in the policy.

import { granted, refused, type Outcome } from '../core/errors.js'
import type { ProposalId } from '../core/ids.js'
import {
  isOpen,
  mayConfirm,
  proposalCountMax,
  proposalMs,
  proposerName,
  standingOf,
  type PolicyProposal,
} from '../core/policy-proposal.js'
import type { AuditLog, Clock } from '../core/ports.js'
import { principalName, type Principal } from '../core/principal.js'
import { describeDifference } from '../policy/difference.js'
import { EMPTY_POLICY, loadPolicy } from '../policy/load.js'
import { may } from '../policy/match.js'
import type { Policy } from '../policy/policy.js'
import { problemText } from '../policy/problem.js'
import { rightsDifference } from '../policy/rights-difference.js'
import type { PostgresPolicyStore, PolicyVersion } from '../store/policies.js'
import type { PostgresPolicyProcesses } from '../store/policy-processes.js'
import type { PostgresPolicyProposals } from '../store/policy-proposals.js'
import type {
  PolicyAdmin,
  PolicyApplied,
  PolicyDifference,
  PolicyInForce,
  PolicyPage,
  PolicyProcessView,
  PolicyProposalView,
  PolicyWish,
} from '../web/api/ports.js'
import { sha256Hex } from './policy-source.js'

/** What it is built from. */
export interface PolicyLifeParts {
  readonly store: PostgresPolicyStore
  readonly proposals: PostgresPolicyProposals
  readonly processes: PostgresPolicyProcesses
  readonly audit: AuditLog
  readonly clock: Clock
  readonly newProposalId: () => ProposalId
  /** Tells every process, this one first, that a version came into force. */
  readonly announce: () => Promise<void>
}

/** The version in force with what it means; version 0 means nothing was ever applied. */
interface Base {
  readonly version: number
  readonly policy: Policy
}

/** Who applies, and on what grounds. */
type Applicant = { readonly person: Principal } | { readonly operator: string }

const nameOf = (by: Applicant): string => ('person' in by ? principalName(by.person) : by.operator)

/** The one door through which policies come. */
export class PolicyLife implements PolicyAdmin {
  readonly #parts: PolicyLifeParts

  constructor(parts: PolicyLifeParts) {
    this.#parts = parts
  }

  current(): Promise<PolicyInForce | undefined> {
    return this.#parts.store.current()
  }

  version(number: number): Promise<PolicyInForce | undefined> {
    return this.#parts.store.find(number)
  }

  async list(limitCount: number, before?: number): Promise<PolicyPage> {
    const found = await this.#parts.store.list(limitCount + 1, before)
    const versions = found.slice(0, limitCount)
    const last = versions.at(-1)
    return { versions, ...(found.length > limitCount && last ? { next: last.version } : {}) }
  }

  async difference(from: number, to: number): Promise<Outcome<PolicyDifference>> {
    const [before, after] = [await this.#known(from), await this.#known(to)]
    if (!before.ok) return before
    if (!after.ok) return after
    return granted(between(before.value, after.value))
  }

  processes(): Promise<readonly PolicyProcessView[]> {
    return this.#parts.processes.list()
  }

  async apply(wish: PolicyWish, person: Principal): Promise<Outcome<PolicyApplied>> {
    return this.#apply(wish, { person })
  }

  async rollback(
    version: number,
    wish: Omit<PolicyWish, 'source'>,
    person: Principal,
  ): Promise<Outcome<PolicyApplied>> {
    const old = await this.#parts.store.find(version)
    if (old === undefined) return refused('NOT_FOUND', { what: `policy version ${version}` })
    return this.#apply({ ...wish, source: old.source }, { person })
  }

  /**
   * Applies the file of the host's operator. Refuses with `NOT_ENTITLED` where two people are needed,
   * unless the text is the one in force.
   */
  applyFile(file: string, source: string): Promise<Outcome<PolicyApplied>> {
    return this.#apply({ source, reason: '', dryRun: false }, { operator: `file ${file}` })
  }

  async proposals(): Promise<readonly PolicyProposalView[]> {
    const base = await this.#base()
    const pending = await this.#parts.proposals.pending(base.version, this.#parts.clock.now())
    return pending.map((proposal) => this.#view(proposal, base))
  }

  async proposal(
    id: ProposalId,
  ): Promise<Outcome<PolicyProposalView & PolicyDifference & { readonly source: string }>> {
    const found = await this.#parts.proposals.find(id)
    if (found === undefined) return refused('NOT_FOUND', { what: `proposal ${id}` })
    const before = await this.#known(found.baseVersion)
    const after = read(found.source)
    if (!before.ok) return before
    if (!after.ok) return after
    const { source } = found
    const view = this.#view(found, await this.#base())
    return granted({ ...view, ...between(before.value, after.value), source })
  }

  async confirm(
    id: ProposalId,
    reason: string,
    person: Principal,
  ): Promise<Outcome<PolicyApplied>> {
    const { proposals, clock } = this.#parts
    const found = await proposals.find(id)
    if (found === undefined) return refused('NOT_FOUND', { what: `proposal ${id}` })
    const base = await this.#base()
    const entitled = entitledTo(base, { person })
    if (!entitled.ok) return entitled
    const allowed = mayConfirm(found, person, clock.now(), base.version)
    if (!allowed.ok) return allowed
    const loaded = read(found.source)
    if (!loaded.ok) return loaded
    const [by, confirmedBy] = [proposerName(found), principalName(person)]
    const why = [found.reason, reason].filter((one) => one !== '').join(' · ')
    const policy = { digest: found.digest, source: found.source, by, at: clock.now(), reason: why }
    const added = await proposals.confirm(found, { ...policy, confirmedBy }, confirmedBy)
    if (added === undefined) {
      const [again, now] = [await proposals.find(id), await this.#base()]
      const open = isOpen(again ?? found, clock.now(), now.version)
      return open.ok ? refused('CONTROL_PLANE_UNAVAILABLE', { id }) : open
    }
    await this.#putOnRecord(added, id)
    return granted({
      ...between(base.policy, loaded.value),
      ...{ base: base.version, version: added.version },
    })
  }

  async reject(id: ProposalId, reason: string, person: Principal): Promise<Outcome<null>> {
    const { proposals, clock, audit } = this.#parts
    const found = await proposals.find(id)
    if (found === undefined) return refused('NOT_FOUND', { what: `proposal ${id}` })
    const base = await this.#base()
    const entitled = entitledTo(base, { person })
    if (!entitled.ok) return entitled
    const open = isOpen(found, clock.now(), base.version)
    if (!open.ok) return open
    const by = principalName(person)
    if (!(await proposals.reject(id, by, clock.now())))
      return refused('ALREADY_DECIDED', { what: `Proposal ${id}`, id })
    const fields = { policyDigest: found.digest, proposal: id, by, reason }
    await audit.durable(audit.append({ kind: 'policy.rejected', fields }))
    return granted(null)
  }

  async #apply(wish: PolicyWish, by: Applicant): Promise<Outcome<PolicyApplied>> {
    const loaded = read(wish.source)
    if (!loaded.ok) return loaded
    const base = await this.#base()
    const entitled = entitledTo(base, by)
    if (!entitled.ok) return entitled
    if (wish.expect !== undefined && wish.expect !== base.version)
      return conflict(`version ${base.version} is in force, not ${wish.expect}`)
    const compared = { ...between(base.policy, loaded.value), base: base.version }
    const isSame = base.policy.source === wish.source
    if (wish.dryRun || isSame)
      return granted({ ...compared, ...(isSame && !wish.dryRun ? { version: base.version } : {}) })
    if (base.policy.secondPerson) return this.#propose(wish, by, base, compared)
    const { digest, source } = loaded.value
    const policy = { digest, source, by: nameOf(by), at: this.#parts.clock.now() }
    const added = await this.#parts.store.add({ ...policy, reason: wish.reason }, base.version)
    // Somebody was quicker: what was just compared is not what would be replaced.
    if (added === undefined) return conflict('another version came into force meanwhile')
    await this.#putOnRecord(added)
    return granted({ ...compared, version: added.version })
  }

  async #propose(
    { source, reason }: PolicyWish,
    by: Applicant,
    base: Base,
    compared: PolicyDifference & { readonly base: number },
  ): Promise<Outcome<PolicyApplied>> {
    if (!('person' in by))
      return refused('NOT_ENTITLED', {
        what: `apply ${by.operator}`,
        why: 'the policy in force asks for two people (duties.secondPerson), and a file is nobody; use warder apply',
      })
    const { proposals, clock, audit, newProposalId } = this.#parts
    const now = clock.now()
    const pending = await proposals.pending(base.version, now)
    const same = pending.find(({ digest }) => digest === compared.digest)
    if (same !== undefined) return granted({ ...compared, proposal: this.#view(same, base) })
    if (pending.length >= proposalCountMax)
      return refused('LIMIT_EXCEEDED', { why: `${proposalCountMax} proposals wait already` })
    const proposal: PolicyProposal = {
      ...{ id: newProposalId(), state: 'pending', baseVersion: base.version },
      ...{ digest: compared.digest, source, proposer: by.person, reason },
      ...{ openedAt: now, expiresAt: now + proposalMs },
    }
    await proposals.put(proposal)
    const fields = {
      ...{ policyDigest: proposal.digest, base: base.version, proposal: proposal.id },
      ...{ by: nameOf(by), reason },
    }
    await audit.durable(audit.append({ kind: 'policy.proposed', fields }))
    return granted({ ...compared, proposal: this.#view(proposal, base) })
  }

  /** A version that is in force is in force: what can't be put on record ends the process. */
  async #putOnRecord(added: PolicyVersion, proposal?: ProposalId): Promise<void> {
    const { audit, announce } = this.#parts
    const { digest, version, by, reason, confirmedBy } = added
    const fields = {
      ...{ policyDigest: digest, version, by, reason },
      ...(confirmedBy === undefined ? {} : { confirmedBy }),
      ...(proposal === undefined ? {} : { proposal }),
    }
    await audit.durable(audit.append({ kind: 'policy.applied', fields }))
    await announce()
  }

  /** Always what the store says, never what a process judges by: it may be a second behind. */
  async #base(): Promise<Base> {
    const current = await this.#parts.store.current()
    if (current === undefined) return { version: 0, policy: EMPTY_POLICY }
    const loaded = loadPolicy(current.source, sha256Hex)
    if (loaded.ok) return { version: current.version, policy: loaded.policy }
    // Nobody can tell what one says that this process can't read: nobody has a duty by it, and where it
    // may ask for a second person it does.
    const secondPerson = current.source.includes('secondPerson')
    return { version: current.version, policy: { ...EMPTY_POLICY, secondPerson } }
  }

  async #known(version: number): Promise<Outcome<Policy>> {
    if (version === 0) return granted(EMPTY_POLICY)
    const found = await this.#parts.store.find(version)
    return found === undefined
      ? refused('NOT_FOUND', { what: `policy version ${version}` })
      : read(found.source)
  }

  #view(proposal: PolicyProposal, base: Base): PolicyProposalView {
    const { id, digest, baseVersion, reason, openedAt, expiresAt, version, decidedBy } = proposal
    return {
      ...{ id, digest, base: baseVersion, by: proposerName(proposal), reason },
      ...{ at: openedAt, expiresAt },
      state: standingOf(proposal, this.#parts.clock.now(), base.version),
      ...(decidedBy === undefined ? {} : { decidedBy }),
      ...(version === undefined ? {} : { version }),
    }
  }
}

function read(source: string): Outcome<Policy> {
  const loaded = loadPolicy(source, sha256Hex)
  if (loaded.ok) return granted(loaded.policy)
  const why = loaded.problems.map((problem) => problemText(problem)).join('; ')
  return refused('POLICY_INVALID', { why })
}

const between = (before: Policy, after: Policy): PolicyDifference => ({
  digest: after.digest,
  rights: rightsDifference(before, after),
  changes: describeDifference(before, after),
})

const conflict = (why: string): Outcome<never> => refused('POLICY_CONFLICT', { why })

/** By the policy in force, not by one that a process may still judge by; a host's operator always. */
const entitledTo = ({ policy }: Base, by: Applicant): Outcome<null> =>
  !('person' in by) || may(policy, by.person, 'apply')
    ? granted(null)
    : refused('NOT_ENTITLED', {
        what: 'apply a policy',
        why: 'your groups do not have the duty apply',
      })
