// What happens to one command, whatever its protocol: judged by policy, blocked, allowed, or held
// until a person has answered; always on record before and after.

import { hash, randomInt } from 'node:crypto'

import { bindingBytes, retryBytes, type CommandBinding } from '../core/binding.js'
import type { Command } from '../core/command.js'
import { granted, refused, WarderError, type Outcome, type Refusal } from '../core/errors.js'
import { isLive } from '../core/grant.js'
import type { GatewayId, RequestId, ReviewId } from '../core/ids.js'
import type { AuditLog, Clock, ReleaseStore, ReviewService } from '../core/ports.js'
import type { RetryKey } from '../core/release.js'
import type { Verdict } from '../core/verdict.js'
import { judgeCommand } from '../policy/judge-command.js'
import type { Policy } from '../policy/policy.js'
import type { CapturedResult, CommandJournal, Finish } from './journal.js'
import { LIMITS } from './limits.js'
import type { LiveSession } from './live-session.js'
import { stepOf, type PlannedCommand } from './planned.js'
import type { Statement } from './statement.js'

/** What a command means and what policy said of it; shared by all texts of the same meaning. */
export interface Judged {
  readonly command: Command
  readonly verdict: Verdict
  readonly policy: Policy
  readonly kinds: readonly string[]
  readonly relations: readonly string[]
}

/** One occurrence of a command in a session. */
export interface Occurrence {
  readonly number: number
  readonly judged: Judged
  readonly statement: Statement
  readonly parameters: Parameters
  readonly reviewId?: ReviewId | undefined
  /** By what it was let through when people had agreed before it came. */
  readonly release?: string | undefined
}

/** By what a command was let through that policy asks about. */
export type Clearance = Pick<Occurrence, 'reviewId' | 'release'>

/** What the interceptor needs of a protocol in order to ask about a command. */
export interface Asking {
  /** Session settings that the meaning of the bytes depends on. */
  readonly pins: string
  readonly signal: AbortSignal
  /** Called with the id once the wait has begun, to tell the caller. */
  readonly onOpened: (id: ReviewId, approvers: string) => void
  /** The command as plans know it; undefined when it can't be a step of one. */
  readonly planned?: PlannedCommand | undefined
}

/** Bind values: raw for the binding, readable for people. */
export interface Parameters {
  readonly types: readonly number[]
  readonly values: readonly (Uint8Array | null)[]
  readonly shown: readonly string[]
}

/** No parameters at all. */
export const NO_PARAMETERS: Parameters = { types: [], values: [], shown: [] }

/** What the interceptor is built from. */
export interface InterceptDependencies {
  readonly gatewayId: GatewayId
  readonly policy: { current(): Policy }
  readonly reviews: ReviewService
  readonly releases: ReleaseStore
  readonly audit: AuditLog
  readonly clock: Clock
}

const encoder = new TextEncoder()
const encode = (text: string) => encoder.encode(text)
const ALPHABET = '23456789abcdefghjkmnpqrstuvwxyz'

/** A review id that people can read out to each other. */
const newReviewId = (): ReviewId =>
  `cmd_${Array.from({ length: 10 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')}`

/** A question that is reserved and never comes to be makes room after its time and this much more. */
const reservationMarginMs = 300_000

const saidBy = (by: readonly string[], reason: string): string =>
  `${by.join(', ')}${reason === '' ? '' : `: ${reason}`}`

const changed = (id: ReviewId | RequestId): Outcome<never> =>
  refused('REVIEW_WITHDRAWN', { why: 'what was approved is not what would run any more', id })

/** A role that the policy took away from a resource does nothing there, in open sessions either. */
const roleGone = (role: string, resource: string): Verdict => ({
  outcome: 'block',
  reasons: [
    {
      code: 'role-not-there',
      text: `the policy in force gives role ${role} nothing on ${resource}`,
    },
  ],
})

/** The interceptor of one session. */
export class Interceptor {
  readonly #session: LiveSession
  readonly #with: InterceptDependencies
  readonly #journal: CommandJournal
  #pendingCount = 0

  constructor(session: LiveSession, dependencies: InterceptDependencies, journal: CommandJournal) {
    this.#session = session
    this.#with = dependencies
    this.#journal = journal
  }

  /** The policy in force; a judgement made under another one has to be made again. */
  get policy(): Policy {
    return this.#with.policy.current()
  }

  /** Asks policy about a command, and keeps everything its repetitions need. */
  judge(command: Command): Judged {
    const policy = this.policy
    const { role, resource } = this.#session.grant
    const isThere = policy.roles.get(role)?.on.includes(resource) === true
    return {
      command,
      policy,
      verdict: isThere ? judgeCommand(policy, role, resource, command) : roleGone(role, resource),
      kinds: command.parts.map((part) => part.kind),
      relations: [
        ...new Set(
          command.parts.flatMap((part) =>
            part.relations.map((use) => `${use.access} ${use.relation}`),
          ),
        ),
      ],
    }
  }

  /**
   * Finds out whether people agree to one command: before it came (a step of an approved plan, a
   * review that has ended), or now, while it is held. The decision is bound to exactly these bytes,
   * parameters and circumstances, and is checked again after the answer.
   */
  async review(occurrence: Occurrence, asking: Asking): Promise<Outcome<Clearance>> {
    const { judged, statement } = occurrence
    const { verdict } = judged
    if (verdict.outcome !== 'ask') return refused('INTERNAL', { why: 'nothing to ask about' })
    if (this.#session.grant.breakGlass === 'allow') {
      return granted({ reviewId: this.#waive(occurrence, verdict.approval.approvers) })
    }
    if (statement.bytes.length > LIMITS.reviewTextBytesMax) {
      return refused('LIMIT_EXCEEDED', { why: 'it is too long for a person to look at' })
    }
    try {
      const planned = await this.#planned(occurrence, asking.planned)
      if (planned !== undefined) return planned
      if (verdict.approval.wait === 'retry') return await this.#again(occurrence, asking.pins)
    } catch (failure) {
      if (failure instanceof WarderError) return { ok: false, refusal: failure.refusal }
      throw failure
    }
    return this.#hold(occurrence, asking)
  }

  /** Undefined when it is no step of an approved plan that may run now: it is asked about as usual. */
  async #planned(
    occurrence: Occurrence,
    command: PlannedCommand | undefined,
  ): Promise<Outcome<Clearance> | undefined> {
    if (command === undefined) return undefined
    const { releases } = this.#with
    const { grant } = this.#session
    const plan = await releases.plan(grant.id)
    if (plan?.policyDigest !== occurrence.judged.policy.digest) return undefined
    const at = await stepOf(plan, command)
    if (at === undefined || !(await releases.advance(grant.id, plan.next, at + 1))) return undefined
    const stopped = this.#stopped(occurrence, grant.requestId)
    if (stopped !== undefined) return stopped
    const step = at + 1
    const release = `plan step ${step} of ${plan.requestId}`
    this.#used(occurrence, { release, digest: command.digest, plan: plan.digest, step })
    this.#journal.decided(
      occurrence.number,
      plan.requestId,
      'approved',
      [`plan step ${step}`],
      this.#with.clock.now(),
    )
    return granted({ release })
  }

  /** Lets through what was approved meanwhile; else refuses, and sees to it that people are asked. */
  async #again(occurrence: Occurrence, pins: string): Promise<Outcome<Clearance>> {
    const { releases, clock } = this.#with
    const digest = this.#retryDigest(occurrence, pins)
    const key = { grantId: this.#session.grant.id, digest }
    const standing = await releases.take(key)
    if (standing.state === 'none') return this.#askAgain(occurrence, key, newReviewId())
    const { state, reviewId: id } = standing
    if (state === 'pending') return this.#askAgain(occurrence, key, id)
    const { by } = standing
    if (state === 'denied') {
      this.#journal.decided(occurrence.number, id, state, by, clock.now())
      return refused('REVIEW_DENIED', { why: `by ${saidBy(by, standing.reason)}`, id })
    }
    const stopped = this.#stopped(occurrence, id)
    if (stopped !== undefined) return stopped
    const release = `review ${id}`
    this.#used(occurrence, { release, digest, reviewId: id })
    this.#journal.decided(occurrence.number, id, 'approved', by, clock.now())
    return granted({ reviewId: id, release })
  }

  /** The question outlives this call, and this session; asking once more under its id is harmless. */
  async #askAgain(
    occurrence: Occurrence,
    key: RetryKey,
    wanted: ReviewId,
  ): Promise<Outcome<Clearance>> {
    const { releases, reviews, clock } = this.#with
    const { verdict } = occurrence.judged
    if (verdict.outcome !== 'ask') throw new TypeError('only an ask verdict makes a question')
    const { timeoutMs, approvers } = verdict.approval
    const until = clock.now() + timeoutMs + reservationMarginMs
    const id = await releases.reserve({ ...key, reviewId: wanted, until })
    if (id === undefined) {
      return refused('LIMIT_EXCEEDED', { why: 'too many commands already wait for approval' })
    }
    const opened = await reviews.open(this.#question(id, occurrence, key.digest))
    return opened.ok ? refused('REVIEW_PENDING', { why: `${approvers} are asked`, id }) : opened
  }

  async #hold(occurrence: Occurrence, asking: Asking): Promise<Outcome<Clearance>> {
    const { judged } = occurrence
    const { pins, signal, onOpened } = asking
    if (judged.verdict.outcome !== 'ask') throw new TypeError('only an ask verdict is held')
    const { approvers } = judged.verdict.approval
    if (this.#pendingCount >= LIMITS.pendingReviewCountMax) {
      return refused('LIMIT_EXCEEDED', { why: 'too many commands already wait for approval' })
    }
    const id = newReviewId()
    const digest = this.#digest(occurrence, pins, judged.policy.digest)
    this.#pendingCount += 1
    try {
      const question = this.#question(id, occurrence, digest)
      const asked = await this.#with.reviews.ask(question, signal, () => onOpened(id, approvers))
      if (!asked.ok) return asked
      const { state, by, reason } = asked.value
      this.#journal.decided(occurrence.number, id, state, by, this.#with.clock.now())
      if (state === 'denied')
        return refused('REVIEW_DENIED', { why: `by ${saidBy(by, reason)}`, id })
      if (state === 'expired') return refused('REVIEW_EXPIRED', { id })
      if (state === 'withdrawn') return refused('REVIEW_WITHDRAWN', { why: reason, id })
      return this.#recheck(id, occurrence, pins, asked.value.digest)
    } finally {
      this.#pendingCount -= 1
    }
  }

  /** An emergency that asks nobody about commands: each of them is on record by an id of its own. */
  #waive(occurrence: Occurrence, approvers: string): ReviewId {
    const reviewId = newReviewId()
    const { grant, id: sessionId } = this.#session
    const { text, bytes, digest } = occurrence.statement
    this.#with.audit.append({
      kind: 'review.waived',
      fields: {
        ...{ grantId: grant.id, requestId: grant.requestId, sessionId, reviewId, approvers },
        ...{ text, textBytes: bytes.length, digest },
      },
    })
    return reviewId
  }

  /** After the answer: same bytes, same circumstances, and a grant that still runs. */
  #recheck(
    id: ReviewId,
    occurrence: Occurrence,
    pins: string,
    decided: string,
  ): Outcome<Clearance> {
    const stopped = this.#stopped(occurrence, id)
    if (stopped !== undefined) return stopped
    return decided === this.#digest(occurrence, pins, this.policy.digest)
      ? granted({ reviewId: id })
      : changed(id)
  }

  /** Why a command may not go on although people agreed: its session, grant or policy is over. */
  #stopped(occurrence: Occurrence, id: ReviewId | RequestId): Outcome<never> | undefined {
    const { grant, cutBy } = this.#session
    if (cutBy !== undefined) return { ok: false, refusal: cutBy.refusal }
    if (!isLive(grant, this.#with.clock.now())) {
      return refused('GRANT_EXPIRED', { id: grant.requestId })
    }
    return this.policy.digest === occurrence.judged.policy.digest ? undefined : changed(id)
  }

  /** Puts on record that an approval is used up; the command itself follows. */
  #used(
    occurrence: Occurrence,
    by: { release: string; digest: string; reviewId?: ReviewId; plan?: string; step?: number },
  ): void {
    const { grant, id: sessionId } = this.#session
    this.#with.audit.append({
      kind: 'release.used',
      fields: {
        ...{ grantId: grant.id, requestId: grant.requestId, sessionId, ...by },
        command: occurrence.number,
        policyDigest: occurrence.judged.policy.digest,
      },
    })
  }

  /** What the bytes are to run as and where, whichever way they are approved. */
  #circumstances(
    { statement, parameters }: Occurrence,
    pins: string,
  ): Omit<CommandBinding, 'sessionId' | 'sequence' | 'expiresAt' | 'policyDigest'> {
    const { grant, permit, protocol } = this.#session
    return {
      ...{ protocol, pins, resource: grant.resource, target: permit.target },
      database: permit.resource.database ?? '',
      ...{ role: grant.role, grantId: grant.id, bytes: statement.bytes },
      ...{ parameterTypes: parameters.types, parameters: parameters.values },
    }
  }

  #digest(occurrence: Occurrence, pins: string, policyDigest: string): string {
    const binding: CommandBinding = {
      ...this.#circumstances(occurrence, pins),
      ...{ sessionId: this.#session.id, sequence: occurrence.number, policyDigest },
      expiresAt: this.#session.grant.expiresAt,
    }
    return hash('sha256', bindingBytes(binding, encode), 'hex')
  }

  #retryDigest(occurrence: Occurrence, pins: string): string {
    const { command, policy } = occurrence.judged
    const parts = command.parts.map(({ kind, effect, relations, traits }) => [
      ...[kind, effect, relations.map((use) => [use.access, use.relation]), traits],
    ])
    const binding = {
      ...this.#circumstances(occurrence, pins),
      policyDigest: policy.digest,
      meaning: JSON.stringify([command.effect, parts]),
    }
    return hash('sha256', retryBytes(binding, encode), 'hex')
  }

  #question(id: ReviewId, occurrence: Occurrence, digest: string) {
    const { grant } = this.#session
    const { judged, statement, parameters } = occurrence
    const { verdict } = judged
    if (verdict.outcome !== 'ask') throw new TypeError('only an ask verdict makes a question')
    return {
      reviewId: id,
      requestId: grant.requestId,
      grantId: grant.id,
      sessionId: this.#session.id,
      gatewayId: this.#with.gatewayId,
      principal: grant.principal,
      protocol: this.#session.protocol,
      resource: grant.resource,
      role: grant.role,
      effect: judged.command.effect,
      parts: judged.command.parts,
      text: statement.text,
      textBytes: statement.bytes.length,
      parameters: parameters.shown,
      digest,
      policyDigest: judged.policy.digest,
      reasons: verdict.reasons,
      approval: verdict.approval,
    }
  }

  /** Puts the intent on record; the command may be forwarded once the ticket is durable. */
  intend(occurrence: Occurrence, transaction: string): number {
    const { judged } = occurrence
    return this.#with.audit.append({
      kind: 'command.intended',
      fields: {
        ...this.#about(occurrence),
        text: occurrence.statement.text,
        policyDigest: judged.policy.digest,
        transaction,
        ...(occurrence.reviewId === undefined ? {} : { reviewId: occurrence.reviewId }),
        ...(occurrence.release === undefined ? {} : { release: occurrence.release }),
      },
    })
  }

  /** Waits until everything up to the ticket can't be lost any more. */
  durable(ticket: number): Promise<void> {
    return this.#with.audit.durable(ticket)
  }

  /** Records what came of a command, and what came back as far as it is kept. */
  finished(occurrence: Occurrence, finish: Finish, captured?: CapturedResult): void {
    this.#journal.finished(occurrence, finish, captured)
  }

  /** Records that a command was not forwarded, and why. */
  refuse(occurrence: Occurrence, refusal: Refusal): void {
    const { judged } = occurrence
    this.#with.audit.append({
      kind: 'command.refused',
      fields: {
        ...this.#about(occurrence),
        text: occurrence.statement.text,
        code: refusal.code,
        reasons: judged.verdict.reasons.map((reason) => reason.text),
        policyDigest: judged.policy.digest,
        ...(refusal.details.id === undefined ? {} : { reviewId: refusal.details.id }),
      },
    })
    this.#journal.refused(occurrence, refusal.code, this.#with.clock.now())
  }

  #about({ number, judged, statement, parameters }: Occurrence) {
    const { grant, id } = this.#session
    return {
      grantId: grant.id,
      requestId: grant.requestId,
      sessionId: id,
      command: number,
      textBytes: statement.bytes.length,
      digest: statement.digest,
      effect: judged.command.effect,
      kinds: judged.kinds,
      relations: judged.relations,
      parameters: parameters.shown,
    }
  }
}
