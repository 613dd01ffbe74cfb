// Access requests in ten thousand random lives: whatever happens in whatever order, twice, too late or
// from the wrong person, some things stay true after every single event.

import { expect, test } from 'vitest'
import { openAccessRequest, transition, type AccessEvent } from '../../../core/access-request.js'
import {
  extensionOf,
  isOver,
  type AccessRequest,
  type AccessStep,
} from '../../../core/access-standing.js'
import type { AuditEvent } from '../../../core/audit.js'
import { isLive, type Grant } from '../../../core/grant.js'
import type { AccessQuestion } from '../../../core/question.js'
import type { AccessVerdict } from '../../../core/verdict.js'
import { seeded, seedOfRun } from '../../random.js'
import {
  areEntitled,
  Chance,
  count,
  INTERLEAVING_COUNT,
  must,
  peopleAmong,
  person,
  restarted,
  statesIn,
} from './lives.js'

const EVENT_COUNT_MAX = 30
const DURATION_MS_MAX = 150

const QUESTION: AccessQuestion = {
  ...{ requestId: 'req_1', principal: person('job'), principalKey: 'key', tokenDigest: 'digest' },
  ...{ resource: 'orders-db', role: 'migrator', origin: 'connect', reason: '', peer: '::1:1' },
}

/** One request with the world around it: time, and the store's row, which anybody may have ended. */
class Life {
  readonly chance: Chance
  request: AccessRequest
  facts: AuditEvent[] = []
  now = 0
  row: Grant | undefined
  readonly history: string[] = ['ask']

  constructor(chance: Chance) {
    this.chance = chance
    const { request, facts } = openAccessRequest(QUESTION, 0)
    this.request = request
    this.facts.push(...facts)
  }

  /** Something happens; undefined when it was nothing that the reducer hears of. */
  next(): AccessEvent | undefined {
    const { chance } = this
    this.now += chance.is(0.7) ? chance.below(10) : chance.below(120)
    const at = this.now
    switch (chance.below(12)) {
      case 0:
        return { type: 'judged', verdict: this.#verdict(), policyDigest: 'p', at }
      case 1:
        return { type: 'rejected', refusal: { code: 'UNAUTHENTICATED', details: {} } }
      case 2:
      case 3:
      case 4:
        return { type: 'decided', decision: chance.decision(), at }
      case 5:
        return { type: 'deadline', at }
      case 6:
        return { type: 'withdrawn', why: 'the caller went away', at }
      case 7:
        return this.#opened()
      case 8:
        return this.#extended()
      case 9:
        return this.#ending(at)
      case 10:
        return { type: 'escalated', at }
      default:
        return this.#closed()
    }
  }

  #verdict(): AccessVerdict {
    const { chance } = this
    const terms = { reasons: [], durationMs: 100, durationMsMax: DURATION_MS_MAX }
    if (chance.is(0.1)) return { outcome: 'block', reasons: [] }
    if (chance.is(0.2)) return { outcome: 'allow', ...terms }
    return { outcome: 'ask', ...terms, approval: chance.approval(60) }
  }

  /** The store opens the row, or shows the one that is there: it may have ended meanwhile. */
  #opened(): AccessEvent | undefined {
    if (this.request.grant === undefined) return undefined
    this.row ??= this.request.grant
    return { type: 'opened', row: this.row }
  }

  #extended(): AccessEvent | undefined {
    const found = extensionOf(this.request, 1 + this.chance.below(80))
    const { row } = this
    if (row === undefined || !('expiresAt' in found) || !isLive(row, this.now)) return undefined
    this.row = { ...row, expiresAt: found.expiresAt, epoch: row.epoch + 1 }
    return { type: 'extended', row: this.row, by: 'demo/ann' }
  }

  /** The store is ended first, by whoever is first; the workflow hears of it now, or later, or twice. */
  #ending(at: number): AccessEvent | undefined {
    const reason = this.chance.of(['revoked', 'expired', 'completed', 'idle'] as const)
    const { row } = this
    const isDue = reason !== 'expired' || (row !== undefined && at >= row.expiresAt)
    if (row !== undefined && row.end === undefined && isDue) {
      this.row = { ...row, end: { reason, by: 'demo/otto', at }, epoch: row.epoch + 1 }
    }
    return this.chance.is(0.2) ? undefined : { type: 'ending', reason, by: 'demo/otto', at }
  }

  #closed(): AccessEvent | undefined {
    const end = this.row?.end ?? this.request.grant?.end
    return end === undefined ? undefined : { type: 'closed', end }
  }
}

const hasBeenGranted = ({ phase }: AccessRequest): boolean =>
  ['opening', 'active', 'ending', 'ended'].includes(phase)

/** What must be so after every event. */
function check(life: Life, before: AccessRequest, event: AccessEvent, step: AccessStep): void {
  const { request, facts } = life
  const { phase, grant, decisions } = request
  const isSame = request === before
  must(request.revision - before.revision === (isSame ? 0 : 1), 'a change is one revision')
  must(step.refusal === undefined || isSame, 'a refusal changes nothing')
  must(!isSame || step.facts.length === 0, 'without a change there is no fact')
  must(!isOver(before) || isSame, 'nothing leads out of an end')
  if (before.phase === 'ending') must(phase === 'ending' || phase === 'ended', 'no way back')
  if (phase === 'active' || phase === 'opening') {
    must(grant !== undefined && grant.end === undefined, 'never active after its end')
  }
  if (before.phase === 'opening' && event.type === 'opened' && event.row.end !== undefined) {
    must(phase === 'ending', 'never active after the end of its row')
  }
  if (before.grant?.end?.reason === 'revoked') {
    must(phase === 'ending' || phase === 'ended', 'no way back from revoked')
  }
  if (grant !== undefined) {
    must(grant.expiresAt - grant.openedAt <= DURATION_MS_MAX, 'never longer than the maximum')
  }
  must(peopleAmong(decisions) === decisions.length, 'each answer is another person’s')
  const { verdict, escalatedAt } = request
  const isRight =
    verdict?.outcome === 'ask' && areEntitled(decisions, verdict.approval, escalatedAt)
  must(decisions.length === 0 || isRight, 'only who may answer is counted')
  must(!hasBeenGranted(request) || hasQuorum(request), 'never active without its quorum')
  must(count(facts, 'request.opened') === 1, 'asked once')
  must(count(facts, 'request.decided') === decisions.length, 'every counted answer is a fact')
  must(count(facts, 'grant.opened') === (hasBeenGranted(request) ? 1 : 0), 'granted once')
  must(count(facts, 'grant.ended') === (phase === 'ended' ? 1 : 0), 'the grant ends once')
  const told = statesIn(facts, 'request.ended')
  must(told === (isOver(request) ? phase : ''), 'the end that is told is the end that is')
}

function hasQuorum({ verdict, decisions }: AccessRequest): boolean {
  if (verdict?.outcome === 'allow') return true
  if (verdict?.outcome !== 'ask') return false
  const approvals = decisions.filter(({ answer }) => answer === 'approve').length
  return approvals === decisions.length && approvals === verdict.approval.quorum
}

test('ten thousand lives of a request keep every promise after every event', () => {
  const seed = seedOfRun()
  const chance = new Chance(seeded(seed))
  const phases = new Map<string, number>()
  for (let life = 0; life < INTERLEAVING_COUNT; life += 1) {
    const one = new Life(chance)
    try {
      play(one)
    } catch (failure) {
      const story = one.history.join(' → ')
      throw new Error(`life ${life} of seed ${seed}: ${story}`, { cause: failure })
    }
    phases.set(one.request.phase, (phases.get(one.request.phase) ?? 0) + 1)
  }
  // The generator reaches every end, so that what is promised above is not promised of nothing.
  for (const end of ['refused', 'denied', 'expired', 'withdrawn', 'ended', 'active']) {
    expect(phases.get(end) ?? 0, `${end}, seed ${seed}`).toBeGreaterThan(20)
  }
}, 120_000)

function play(life: Life): void {
  for (let events = life.chance.below(EVENT_COUNT_MAX); events >= 0; events -= 1) {
    // A restart of worker or Temporal: only what is kept as JSON goes on.
    if (life.chance.is(0.1)) life.request = restarted(life.request)
    const event = life.next()
    if (event === undefined) continue
    const before = life.request
    const step = transition(before, event)
    life.history.push(event.type === 'decided' ? event.decision.answer : event.type)
    life.request = step.request
    life.facts.push(...step.facts)
    check(life, before, event, step)
  }
}
