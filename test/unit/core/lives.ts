// What the property tests of both life cycles share: people, chance, and a deck of events.

import type { AuditEvent } from '../../../core/audit.js'
import type { Decision } from '../../../core/decision.js'
import type { Approval } from '../../../core/verdict.js'
import type { Principal } from '../../../core/principal.js'

/** How many interleavings one run plays. */
export const INTERLEAVING_COUNT = 10_000

/** A person or job of the tests. The job's own people are `pusher`. */
export const person = (name: string): Principal => ({
  ...{ issuer: 'demo', subject: name, groups: [], attributes: {}, actors: [] },
  parties: name === 'job' ? ['demo/pusher'] : [],
  // Two accounts of one person.
  aliases: name === 'bob2' ? ['demo/bob2', 'demo/bob'] : [`demo/${name}`],
  tokenExpiresAt: 0,
})

const PEOPLE = ['ann', 'bob', 'bob2', 'cyd', 'dan', 'eve', 'pusher', 'job', 'stranger'] as const
/** Those who are not simply owners; `eve` is asked once a question has escalated. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  stranger: ['guests'],
  eve: ['on-call'],
}

/** Chance with the shapes that the generators need. */
export class Chance {
  readonly #next: () => number

  constructor(next: () => number) {
    this.#next = next
  }

  /** A whole number in [0, below). */
  below(below: number): number {
    return Math.floor(this.#next() * below)
  }

  /** True this often, 0 to 1. */
  is(often: number): boolean {
    return this.#next() < often
  }

  of<T>(choices: readonly T[]): T {
    const choice = choices[this.below(choices.length)]
    if (choice === undefined) throw new Error('nothing to choose from')
    return choice
  }

  /** Who is asked: one to three owners, in some cases people on call too, in some with a reason. */
  approval(timeoutMs: number): Approval {
    return {
      ...{ approvers: 'owners', quorum: 1 + this.below(3), timeoutMs },
      ...(this.is(0.5) && { escalation: { to: 'on-call', afterMs: timeoutMs / 3 } }),
      ...(this.is(0.2) && { reasonRequired: true }),
    }
  }

  /** Somebody's answer; who may not answer answers, too. */
  decision(): Decision {
    const name = this.of(PEOPLE)
    return {
      answer: this.is(0.8) ? 'approve' : 'deny',
      approver: person(name),
      memberOf: GROUPS[name] ?? ['owners'],
      reason: this.is(0.05) ? 'x'.repeat(2_001) : this.of(['', 'because']),
      channel: 'cli',
      at: this.below(1_000_000),
    }
  }
}

/** What is kept from one run to the next: exactly what survives as JSON. */
export const restarted = <T>(state: T): T => JSON.parse(JSON.stringify(state)) as T

/** True when everybody among them may answer; those on call only after the escalation, if any. */
export const areEntitled = (
  decisions: readonly Decision[],
  approval: Approval,
  escalatedAt = Infinity,
): boolean =>
  decisions.every(
    ({ approver, memberOf, reason, at }) =>
      !['pusher', 'job', 'stranger'].includes(approver.subject) &&
      (memberOf.includes('owners') || (memberOf.includes('on-call') && at >= escalatedAt)) &&
      (reason !== '' || approval.reasonRequired !== true),
  )

/** How many different people these are; `bob` and `bob2` are one. */
export const peopleAmong = (decisions: readonly Decision[]): number =>
  new Set(decisions.map(({ approver }) => approver.subject.replace('bob2', 'bob'))).size

/** Thrown with the promise that was broken. Millions of checks are made: `expect` would take minutes. */
export function must(holds: boolean, promise: string): void {
  if (!holds) throw new Error(promise)
}

/** The states that facts of one kind tell of, in their order. */
export const statesIn = (facts: readonly AuditEvent[], kind: AuditEvent['kind']): string =>
  facts
    .filter((fact) => fact.kind === kind)
    .map(({ fields }) => ('state' in fields ? String(fields.state) : ''))
    .join()

/** How many facts there are of one kind. */
export const count = (facts: readonly AuditEvent[], kind: AuditEvent['kind']): number =>
  facts.filter((fact) => fact.kind === kind).length
