// One session between a caller and a target, with chance deciding what happens next: whose bytes
// arrive, in what pieces, when the log, the parser and people answer, and when the grant is revoked.
// After each step it is checked that nothing got past the judge.

import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { Command, CommandPart, Effect } from '../../core/command.js'
import { granted, refused } from '../../core/errors.js'
import type { Grant } from '../../core/grant.js'
import type { AuditLog, ReviewService } from '../../core/ports.js'
import { loadPolicy } from '../../policy/load.js'
import { Interceptor } from '../../proxy/intercept.js'
import { Journals } from '../../proxy/journal.js'
import { LiveSession } from '../../proxy/live-session.js'
import { Permit } from '../../proxy/permit.js'
import { Passage } from '../../proxy/postgres/passage.js'
import { Results } from '../../proxy/postgres/results.js'
import { PostgresSession } from '../../proxy/postgres/session.js'
import { VerdictCaches } from '../../proxy/postgres/verdict-cache.js'
import { ManualClock } from '../fakes/manual-clock.js'
import { trailOf, type TrailEvent } from '../fakes/trail.js'
import { MemoryReleases } from '../workflows/memory-ports.js'
import { FakeTarget, Frames, strings } from './fake-target.js'

const POLICY = `gateway: { audience: https://warder.test }
issuers:
  - { name: test, issuer: "https://issuer.test", algorithms: [ES256] }
resources:
  - name: db
    protocol: postgres
    address: 127.0.0.1:1
    database: db
    credential: { user: warder, password: { env: PASSWORD } }
    tls: off
roles:
  - name: worker
    on: [db]
    allow: [ { effects: [read, session-control] }, { effects: [write], relations: [public.*] } ]
    ask: [ { effects: [ddl], statements: [create-table], approvers: owners, timeout: 10m } ]
    block: [ { statements: [drop-table] } ]
access:
  - { who: { issuer: test, subject: job }, role: worker, for: 30m, max: 2h }
approvers: { owners: { members: [ { issuer: test, group: owners } ] } }
`

/** What the words of the simulation do. */
const MEANING: Readonly<Record<string, readonly [kind: string, effect: Effect]>> = {
  read: ['select', 'read'],
  fail: ['select', 'read'],
  write: ['insert', 'write'],
  ask: ['create-table', 'ddl'],
  block: ['drop-table', 'ddl'],
  begin: ['begin', 'session-control'],
  commit: ['commit', 'session-control'],
  rollback: ['rollback', 'session-control'],
}

/** The verbs that a caller of the simulation sends. */
export const VERBS: readonly string[] = Object.keys(MEANING)

type Random = () => number

/** Something that can happen next. */
interface Pending {
  readonly run: () => void
}

/** One simulated session. */
export class World {
  readonly #random: Random
  readonly #clock = new ManualClock()
  readonly #target: FakeTarget
  readonly #pending: Pending[] = []
  readonly #approved = new Set<string>()
  readonly #durable = new Set<string>()
  /** Writes of the transaction that is open at the target. */
  #uncommitted: string[] = []
  readonly events: TrailEvent[] = []
  #durableCount = 0
  readonly #waiters: { ticket: number; resolve: () => void }[] = []
  #input: Buffer
  #revokeIn: number
  #isCut = false
  readonly #session: PostgresSession
  readonly #live: LiveSession
  readonly #passage: Passage
  readonly #received = new Frames()
  /** What ran at the target, in order. */
  readonly ran: string[] = []
  /** What the caller was told, in order: a tag, an SQLSTATE, or `ready`. */
  readonly told: string[] = []
  /** What ended the session although nobody revoked it; nothing, if all is well. */
  failure: unknown

  private constructor(random: Random, input: Buffer, live: LiveSession, revokeIn: number) {
    this.#random = random
    this.#input = input
    this.#live = live
    this.#revokeIn = revokeIn
    this.#target = new FakeTarget(
      (statement) => this.#arrived(statement),
      (statement, inTransaction) => this.#runs(statement, inTransaction),
    )
    this.#passage = this.#passageOf(live)
    const wire = { flush: () => this.#flush() }
    this.#session = new PostgresSession({
      passage: this.#passage,
      results: new Results(() => undefined, thePolicy),
      wire,
      clock: this.#clock,
      reported: () => undefined,
    })
  }

  /** A world whose caller sends `input`, revoked after so many steps (never, when infinite). */
  static async open(random: Random, input: Buffer, revokeIn: number): Promise<World> {
    const { resources } = thePolicy()
    const resource = resources.get('db')
    if (resource === undefined) throw new Error('the policy has a resource')
    const permit = await Permit.issue(GRANT, resource, 0)
    const live = new LiveSession({
      ...{ id: 'ses_simulated', protocol: 'postgres', peer: '127.0.0.1:1', permit },
      ...{ policyDigest: '', openedAtMs: 0 },
    })
    return new World(random, input, live, revokeIn)
  }

  /** Lets things happen until nothing can any more. */
  async play(): Promise<void> {
    for (let step = 0; ; step += 1) {
      if (step >= this.#revokeIn) this.#revoke()
      const next = this.#choices()
      const chosen = next[Math.floor(this.#random() * next.length)]
      if (chosen === undefined) return
      try {
        chosen()
        this.#flush()
      } catch (failure) {
        this.failure ??= failure
      }
      await new Promise((resolve) => setImmediate(resolve))
      this.#checkSilence()
    }
  }

  #choices(): (() => void)[] {
    const choices: (() => void)[] = []
    if (this.#input.length > 0 && !this.#isCut) choices.push(() => this.#callerSends())
    if (this.#target.out.length > 0) choices.push(() => this.#targetAnswers())
    if (this.events.length > this.#durableCount) choices.push(() => this.#logFlushes())
    if (this.#pending.length > 0) choices.push(() => this.#somethingCompletes())
    // Time and impatience change something only while something else can still happen.
    if (choices.length > 0) {
      choices.push(() => this.#clock.advance(this.#random() * 10_000))
      if (this.#random() < 0.05) choices.push(() => void this.#passage.cancel())
    }
    return choices
  }

  #callerSends(): void {
    const chunk = this.#input.subarray(0, this.#pieceOf(this.#input))
    this.#input = this.#input.subarray(chunk.length)
    this.#session.fromCaller(Buffer.from(chunk))
  }

  #targetAnswers(): void {
    const { out } = this.#target
    const chunk = Buffer.from(out.subarray(0, this.#pieceOf(out)))
    this.#target.out = Buffer.from(out.subarray(chunk.length))
    this.#session.fromTarget(chunk, true)
    this.#flush()
    // The gateway's read buffer is used again: what still pointed into it would show now.
    chunk.fill(0x58)
  }

  #pieceOf(bytes: Buffer): number {
    return this.#random() < 0.3 ? bytes.length : 1 + Math.floor(this.#random() * bytes.length)
  }

  #logFlushes(): void {
    this.#durableCount += 1 + Math.floor(this.#random() * (this.events.length - this.#durableCount))
    for (const { kind, fields } of this.events.slice(0, this.#durableCount)) {
      if (kind === 'command.intended' && 'text' in fields) this.#durable.add(String(fields.text))
    }
    const ready = this.#waiters.filter(({ ticket }) => ticket <= this.#durableCount)
    for (const waiter of ready) this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
    for (const { resolve } of ready) resolve()
  }

  #somethingCompletes(): void {
    const [done] = this.#pending.splice(Math.floor(this.#random() * this.#pending.length), 1)
    done?.run()
  }

  #revoke(): void {
    if (this.#isCut) return
    this.#flush()
    this.#isCut = true
    this.#session.close()
    void this.#live.cut({ end: 'grant-revoked', refusal: { code: 'GRANT_REVOKED', details: {} } })
  }

  /** What the relay does: once the session is cut, nothing more is written anywhere. */
  #flush(): void {
    const toTarget = this.#session.pipeline.toTarget.take(false)
    const toCaller = this.#session.pipeline.toCaller.take(true)
    if (this.#isCut) {
      expect(toTarget, 'nothing is put out for the target after the cut').toBeUndefined()
      return
    }
    if (toCaller !== undefined) this.#callerHears(toCaller)
    if (toTarget !== undefined) this.#target.take(Buffer.from(toTarget))
  }

  #checkSilence(): void {
    if (this.#isCut) expect(this.#session.pipeline.toTarget.sizeBytes).toBe(0)
  }

  #callerHears(bytes: Buffer): void {
    for (const { type, body } of this.#received.push(bytes)) {
      if (type === 'C') this.told.push(strings(body, 1)[0] ?? '')
      if (type === 'Z') this.told.push('ready')
      if (type === 'E')
        this.told.push(/\0C([0-9A-Z]{5})\0/.exec(`\0${body.toString()}`)?.[1] ?? '?')
    }
  }

  #arrived(statement: string): void {
    const [verb] = statement.split(' ')
    expect(verb, 'a blocked statement is not even parsed at the target').not.toBe('block')
  }

  #runs(statement: string, inTransaction: boolean): void {
    const [verb = ''] = statement.split(' ')
    this.ran.push(statement)
    expect(Object.hasOwn(MEANING, verb), `${statement} was judged`).toBe(true)
    if (verb === 'ask') {
      expect(this.#approved.has(statement), `${statement} was approved`).toBe(true)
      expect(this.#durable.has(statement), `${statement} is on record`).toBe(true)
    }
    if (verb === 'write' && !inTransaction) {
      expect(this.#durable.has(statement), `${statement} is on record`).toBe(true)
    }
    if (verb === 'write' && inTransaction) this.#uncommitted.push(statement)
    if (verb === 'rollback') this.#uncommitted = []
    if (verb === 'commit') {
      const missing = this.#uncommitted.filter((write) => !this.#durable.has(write))
      expect(missing, 'a COMMIT comes after its writes are on record').toEqual([])
      this.#uncommitted = []
    }
  }

  #passageOf(session: LiveSession): Passage {
    const policy = { current: thePolicy }
    const clock = this.#clock
    const audit = this.#audit()
    const after = (_: number, run: () => void) => void this.#pending.push({ run })
    const journal = new Journals({ audit, after }).open({
      ...{ grantId: GRANT.id, requestId: GRANT.requestId, sessionId: session.id, startedAt: 0 },
      onFailure: (failure) => {
        this.failure ??= failure
      },
    })
    const releases = new MemoryReleases()
    const dependencies = { gatewayId: 'gwy_simulated' as const, policy, clock, audit, releases }
    return new Passage({
      ...{ session, clock, caches: new VerdictCaches(), pins: '' },
      interceptor: new Interceptor(session, { ...dependencies, reviews: this.#reviews() }, journal),
      reader: {
        read: async (text) => {
          await this.#later()
          const command = meaningOf(text)
          const known = { lineage: undefined, isCacheable: true, isOfShape: false }
          return { command, ...known, runsAtParse: false }
        },
      },
      fail: (failure) => {
        this.failure ??= failure
      },
    })
  }

  #later(): Promise<void> {
    return new Promise((resolve) => {
      this.#pending.push({ run: resolve })
    })
  }

  #audit(): AuditLog {
    return {
      append: (event) => this.events.push(...trailOf(event)),
      durable: (ticket) =>
        new Promise((resolve) => {
          if (ticket <= this.#durableCount) resolve()
          else this.#waiters.push({ ticket, resolve })
        }),
      onFailure: () => () => undefined,
    }
  }

  #reviews(): ReviewService {
    const never = () => Promise.resolve(refused('NOT_FOUND'))
    return {
      decide: never,
      open: never,
      withdraw: never,
      ask: async (question, signal, onOpened) => {
        await this.#later()
        onOpened?.()
        const canceled = new Promise<void>((resolve) => {
          signal.addEventListener('abort', resolve, { once: true })
        })
        await Promise.race([this.#later(), canceled])
        if (signal.aborted) return refused('REVIEW_WITHDRAWN', { id: question.reviewId })
        const state = (['approved', 'approved', 'denied', 'expired'] as const)[
          Math.floor(this.#random() * 4)
        ]
        if (state === undefined) throw new Error('chance is below 1')
        if (state === 'approved') this.#approved.add(question.text)
        return granted({ state, digest: question.digest, by: ['test/ana'], reason: '' })
      },
    }
  }
}

const GRANT: Grant = {
  ...{ id: 'grt_simulated', requestId: 'req_simulated', principalKey: 'key' },
  principal: {
    ...{ issuer: 'test', subject: 'job', groups: [], attributes: {}, actors: [], parties: [] },
    ...{ aliases: ['test/job'], tokenExpiresAt: Number.MAX_SAFE_INTEGER },
  },
  ...{ resource: 'db', role: 'worker', origin: 'connect', reason: '', policyDigest: '' },
  ...{ openedAt: 0, expiresAt: Number.MAX_SAFE_INTEGER, epoch: 1 },
}

const loaded = loadPolicy(POLICY, (text) => createHash('sha256').update(text).digest('hex'))

function thePolicy() {
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  return loaded.policy
}

function meaningOf(text: string): Command {
  const [kind, effect] = MEANING[text.split(' ')[0] ?? ''] ?? ['unknown', 'unknown']
  const access = effect === 'read' ? 'read' : 'write'
  const relations = effect === 'session-control' ? [] : [{ relation: 'public.t', access } as const]
  const part: CommandPart = { kind, effect, relations, traits: [], because: [] }
  return { protocol: 'postgres', effect, parts: [part] }
}
