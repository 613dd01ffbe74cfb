// What happens to one command, whatever its protocol: judged by policy, blocked, allowed, or held
// until a person has answered; always on record before and after.

import { hash, randomInt } from 'node:crypto'

import { bindingBytes } from '../core/binding.js'
import type { Command } from '../core/command.js'
import { granted, refused, type Outcome, type Refusal } from '../core/errors.js'
import { isLive } from '../core/grant.js'
import type { GatewayId, ReviewId } from '../core/ids.js'
import type { AuditLog, Clock, ReviewService } from '../core/ports.js'
import type { Verdict } from '../core/verdict.js'
import { judgeCommand } from '../policy/judge-command.js'
import type { Policy } from '../policy/policy.js'
import type { CapturedResult, CommandJournal, Finish } from './journal.js'
import { LIMITS } from './limits.js'
import type { LiveSession } from './live-session.js'
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
  readonly audit: AuditLog
  readonly clock: Clock
}

const encoder = new TextEncoder()
const encode = (text: string) => encoder.encode(text)
const ALPHABET = '23456789abcdefghjkmnpqrstuvwxyz'

/** A review id that people can read out to each other. */
const newReviewId = (): ReviewId =>
  `cmd_${Array.from({ length: 10 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')}`

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
   * Holds one command until people have answered. The decision is bound to exactly these bytes,
   * parameters and circumstances, and is checked again after the answer.
   *
   * @param onOpened Called with the id once the wait has begun, to tell the caller.
   */
  async review(
    occurrence: Occurrence,
    pins: string,
    signal: AbortSignal,
    onOpened: (id: ReviewId, approvers: string) => void,
  ): Promise<Outcome<ReviewId>> {
    const { judged, statement } = occurrence
    const { verdict } = judged
    if (verdict.outcome !== 'ask') return refused('INTERNAL', { why: 'nothing to ask about' })
    if (statement.bytes.length > LIMITS.reviewTextBytesMax) {
      return refused('LIMIT_EXCEEDED', { why: 'it is too long for a person to look at' })
    }
    if (this.#pendingCount >= LIMITS.pendingReviewCountMax) {
      return refused('LIMIT_EXCEEDED', { why: 'too many commands already wait for approval' })
    }
    const id = newReviewId()
    const digest = this.#digest(occurrence, pins)
    this.#pendingCount += 1
    try {
      const question = this.#question(id, occurrence, digest)
      const asked = await this.#with.reviews.ask(question, signal, () =>
        onOpened(id, verdict.approval.approvers),
      )
      if (!asked.ok) return asked
      const { state, by, reason } = asked.value
      this.#journal.decided(occurrence.number, id, state, by, this.#with.clock.now())
      const why = `${by.join(', ')}${reason === '' ? '' : `: ${reason}`}`
      if (state === 'denied') return refused('REVIEW_DENIED', { why: `by ${why}`, id })
      if (state === 'expired') return refused('REVIEW_EXPIRED', { id })
      if (state === 'withdrawn') return refused('REVIEW_WITHDRAWN', { why: reason, id })
      return this.#recheck(id, occurrence, pins, asked.value.digest)
    } finally {
      this.#pendingCount -= 1
    }
  }

  /** After the answer: same bytes, same circumstances, and a grant that still runs. */
  #recheck(id: ReviewId, occurrence: Occurrence, pins: string, decided: string): Outcome<ReviewId> {
    const { grant, cutBy } = this.#session
    if (cutBy !== undefined) return { ok: false, refusal: cutBy.refusal }
    if (!isLive(grant, this.#with.clock.now())) {
      return refused('GRANT_EXPIRED', { id: grant.requestId })
    }
    if (decided !== this.#digest(occurrence, pins)) {
      return refused('REVIEW_WITHDRAWN', {
        why: 'what was approved is not what would run any more',
        id,
      })
    }
    return granted(id)
  }

  #digest(occurrence: Occurrence, pins: string): string {
    const { grant, permit, id } = this.#session
    const { statement, parameters } = occurrence
    return hash(
      'sha256',
      bindingBytes(
        {
          protocol: this.#session.protocol,
          resource: grant.resource,
          target: permit.target,
          database: permit.resource.database ?? '',
          role: grant.role,
          grantId: grant.id,
          sessionId: id,
          sequence: occurrence.number,
          policyDigest: this.policy.digest,
          pins,
          expiresAt: grant.expiresAt,
          bytes: statement.bytes,
          parameterTypes: parameters.types,
          parameters: parameters.values,
        },
        encode,
      ),
      'hex',
    )
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
