// Everything that the API needs, in memory: people with made-up tokens, a real policy, and services
// that note what they are asked and answer what a test tells them to.

import { createHash } from 'node:crypto'
import type { Decision } from '../../core/decision.js'
import { granted, refused, type Outcome } from '../../core/errors.js'
import type { Grant } from '../../core/grant.js'
import { grantIdOf, type RequestId, type ReviewId } from '../../core/ids.js'
import type { AccessItem, InboxItem, ReviewItem } from '../../core/inbox.js'
import type { Authenticated, InboxFilter, InboxPlace, OnPending } from '../../core/ports.js'
import type { Plan } from '../../core/plan.js'
import { principalName, type Principal } from '../../core/principal.js'
import type { AccessQuestion } from '../../core/question.js'
import type { Readiness } from '../../core/readiness.js'
import { loadPolicy } from '../../policy/load.js'
import type {
  ApiDependencies,
  AuditEntry,
  AuditReport,
  PolicyApplied,
  PolicyDifference,
  PolicyInForce,
  PolicyProcessView,
  PolicyProposalView,
} from '../../web/api/ports.js'
import { ManualClock } from './manual-clock.js'
import { MemoryIdempotency } from './memory-idempotency.js'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const POLICY = `
issuers:
  - { name: ci, issuer: 'https://ci.test', audience: 'https://warder.test' }
  - { name: okta, issuer: 'https://okta.test', audience: 'https://warder.test', groups: groups }
approvers:
  db-owners: { members: [{ issuer: okta, group: dba }] }
  on-call: { members: [{ issuer: okta, group: on-call }] }
  auditors: { members: [{ issuer: okta, group: audit }] }
duties: { revoke: [on-call], apply: [on-call], audit: [auditors] }
`

const person = (issuer: string, subject: string, groups: string[] = []): Principal => ({
  issuer,
  subject,
  groups,
  attributes: { sub: subject },
  actors: [],
  parties: issuer === 'ci' ? ['okta/pat'] : [],
  aliases: [`${issuer}/${subject}`],
  tokenExpiresAt: Date.UTC(2026, 10, 22, 13),
})

/** Token → who. `pat` pushed what `job` runs; `stranger` is in no group. */
export const PEOPLE: Readonly<Record<string, Principal>> = {
  job: person('ci', 'repo:acme/orders'),
  'other-job': person('ci', 'repo:acme/other'),
  dana: person('okta', 'dana', ['dba']),
  pat: person('okta', 'pat', ['dba']),
  otto: person('okta', 'otto', ['on-call']),
  ada: person('okta', 'ada', ['audit']),
  stranger: person('okta', 'stranger'),
}

const authenticated = (token: string, principal: Principal): Authenticated => ({
  principal,
  principalKey: sha256(token),
  tokenDigest: sha256(`token ${token}`),
})

/** The principal behind a made-up token. */
export function personOf(token: string): Principal {
  const principal = PEOPLE[token]
  if (principal === undefined) throw new Error(`nobody is called ${token}`)
  return principal
}

/** How an access request goes, as a test wants it. */
export type OpenScript = (question: AccessQuestion, onPending: OnPending) => Promise<Outcome<Grant>>

/** The ports, what was asked of them, and what they are to answer. */
export class FakeWarder {
  readonly clock = new ManualClock()
  readonly items = new Map<string, InboxItem>()
  readonly calls: (readonly [name: string, ...facts: unknown[]])[] = []
  entries: readonly AuditEntry[] = []
  report: AuditReport = {
    intact: true,
    recordCount: 3,
    chainCount: 1,
    checkpointCount: 1,
    problems: [],
  }
  open: OpenScript = (question) => Promise.resolve(granted(this.grantOf(question)))
  decideAnswer: Outcome<'pending' | 'approved' | 'denied'> = granted('approved')
  /** Runs at every look into the inbox, so that a waiting call can be answered without sleeping. */
  onLook: () => void = () => undefined
  readiness: Readiness = { status: 'ready', parts: [] }
  readonly refusedCallers: string[] = []
  /** Lines of every session's replay; undefined when nobody knows the session. */
  replayLines: readonly object[] | undefined
  /** The server fails after the last of them. */
  replayBreaks = false
  exportLines: readonly string[] = ['{"seq":1}\n', '{"seq":2}\n']
  /** Oldest first. */
  versions: readonly PolicyInForce[] = []
  processes: readonly PolicyProcessView[] = []
  proposals: readonly PolicyProposalView[] = []
  confirmAnswer: Outcome<never> | undefined
  policyDifference: PolicyDifference = {
    digest: sha256('x'),
    rights: [{ direction: 'widens', text: 'role x on orders-db: ddl passes without asking' }],
    changes: ['adds role x'],
  }
  #serial = 0

  #applied({ dryRun }: { readonly dryRun: boolean }): Outcome<PolicyApplied> {
    return granted({ ...this.policyDifference, base: 1, ...(dryRun ? {} : { version: 2 }) })
  }

  grantOf(question: AccessQuestion): Grant {
    const { requestId, principal, principalKey, resource, role, origin, reason } = question
    const openedAt = this.clock.now()
    return {
      ...{ id: grantIdOf(requestId), requestId, principal, principalKey, resource, role },
      ...{ origin, reason, policyDigest: 'p'.repeat(64), openedAt, epoch: 1 },
      expiresAt: openedAt + 1_800_000,
    }
  }

  /** Puts an access request of `token` into the inbox. */
  request(token: string, changes: Partial<AccessItem> = {}): AccessItem {
    const id: RequestId = `req_fake${String(++this.#serial).padStart(4, '0')}`
    const { principal, principalKey, tokenDigest } = authenticated(token, personOf(token))
    const item: AccessItem = {
      ...{ kind: 'access', id, state: 'pending', revision: 1, openedAt: this.clock.now() },
      approval: { approvers: 'db-owners', quorum: 1, timeoutMs: 900_000 },
      deadlineAt: this.clock.now() + 900_000,
      decisions: [],
      reasons: [{ code: 'approval-required', text: 'access rule 1 asks db-owners' }],
      question: {
        ...{ requestId: id, principal, principalKey, tokenDigest, resource: 'orders-db' },
        ...{ role: 'migrator', origin: 'exec', reason: 'migration 42', peer: '127.0.0.1:5' },
      },
      ...changes,
    }
    this.items.set(item.id, item)
    return item
  }

  /** Puts a held command of `token` into the inbox. */
  review(token: string, text: string): ReviewItem {
    const rest = `fake${String(++this.#serial).padStart(4, '0')}`
    const approval = { approvers: 'db-owners', quorum: 1, timeoutMs: 900_000 }
    const item: ReviewItem = {
      ...{ kind: 'review', id: `cmd_${rest}`, state: 'pending', revision: 1, approval },
      ...{ openedAt: this.clock.now(), deadlineAt: this.clock.now() + 900_000, decisions: [] },
      question: {
        ...{ reviewId: `cmd_${rest}`, requestId: `req_${rest}`, grantId: `grt_${rest}` },
        ...{ sessionId: `ses_${rest}`, gatewayId: `gwy_${rest}`, principal: personOf(token) },
        ...{ protocol: 'postgres', resource: 'orders-db', role: 'migrator', effect: 'ddl' },
        parts: [
          {
            ...{ kind: 'drop-table', effect: 'ddl', traits: [], because: ['it drops a table'] },
            relations: [{ relation: 'public.orders', access: 'write' }],
          },
        ],
        ...{ text, textBytes: Buffer.byteLength(text), parameters: ['1', 'x\u202ey'] },
        ...{ digest: 'd'.repeat(64), policyDigest: 'p'.repeat(64), approval },
        reasons: [{ code: 'ask-line', text: 'role migrator, ask line 1' }],
      },
    }
    this.items.set(item.id, item)
    return item
  }

  /** Replaces an item by a later one. */
  change(id: string, changes: Partial<AccessItem> & Partial<Pick<AccessItem, 'state'>>): void {
    const item = this.items.get(id)
    if (item?.kind !== 'access') throw new Error(`no access request ${id}`)
    this.items.set(id, { ...item, ...changes, revision: item.revision + 1 })
  }

  async *#replayText(lines: readonly object[]): AsyncIterable<string> {
    for (const line of lines) yield await Promise.resolve(`${JSON.stringify(line)}\n`)
    if (this.replayBreaks) throw new Error('the store is gone')
  }

  note<T>(value: T, ...call: readonly [string, ...unknown[]]): Promise<T> {
    this.calls.push(call)
    return Promise.resolve(value)
  }

  dependencies(): ApiDependencies {
    const loaded = loadPolicy(POLICY, sha256)
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
    const find = (id: RequestId | ReviewId): Promise<InboxItem | undefined> => {
      this.onLook()
      return Promise.resolve(this.items.get(id))
    }
    const decide = (id: string, decision: Decision) =>
      this.note(this.decideAnswer, 'decide', id, decision)
    const withdraw = (id: string, why: string) => this.note(granted(null), 'withdraw', id, why)
    return {
      identity: {
        authenticate: (token) => {
          const principal = PEOPLE[token]
          return Promise.resolve(
            principal === undefined
              ? refused('UNAUTHENTICATED', { why: 'expired 12 s ago' })
              : granted(authenticated(token, principal)),
          )
        },
      },
      access: {
        open: (question, _signal, onPending) => {
          this.calls.push(['open', question])
          return this.open(question, onPending)
        },
        begin: (question) => {
          this.calls.push(['open', question])
          return new Promise((answer, fail) => {
            const onPending = () => {
              answer(granted('pending'))
            }
            this.open(question, onPending).then((outcome) => {
              answer(outcome.ok ? granted('active') : outcome)
            }, fail)
          })
        },
        decide,
        review: (id, closure) => this.note(granted(null), 'review', id, closure),
        extend: (id, byMs, by) =>
          this.note(granted({ expiresAt: this.clock.now() + byMs }), 'extend', id, byMs, by),
        ended: (id) => this.note(undefined, 'ended', id),
        complete: (id) => this.note(granted(null), 'complete', id),
        withdraw,
        idle: (id) => this.note(undefined, 'idle', id),
      },
      reviews: {
        ask: () => Promise.resolve(refused('CONTROL_PLANE_UNAVAILABLE')),
        open: () => Promise.resolve(refused('CONTROL_PLANE_UNAVAILABLE')),
        decide,
        withdraw,
      },
      inbox: {
        put: () => Promise.resolve(),
        find,
        list: (filter) => Promise.resolve(listed([...this.items.values()], filter)),
      },
      audit: {
        query: (filter, page) =>
          this.note(granted({ entries: this.entries }), 'query', filter, page),
        export: () => {
          this.calls.push(['export'])
          return toAsync(this.exportLines)
        },
        verify: () => Promise.resolve(this.report),
        keys: () => ['-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n'],
        anchor: () => Promise.resolve(undefined),
      },
      replays: {
        replay: (id, by) =>
          this.note(
            this.replayLines && this.#replayText(this.replayLines),
            ...(['replay', id, by] as const),
          ),
      },
      policy: () => loaded.policy,
      policies: {
        current: () => Promise.resolve(this.versions.at(-1)),
        version: (number) =>
          Promise.resolve(this.versions.find(({ version }) => version === number)),
        list: (limitCount, before = Infinity) => {
          const versions = this.versions.filter(({ version }) => version < before).toReversed()
          const next = versions[limitCount - 1]?.version
          const page = { versions: versions.slice(0, limitCount) }
          return Promise.resolve(versions.length > limitCount ? { ...page, next } : page)
        },
        difference: (from, to) => this.note(granted(this.policyDifference), 'difference', from, to),
        processes: () => Promise.resolve(this.processes),
        apply: (wish, person) =>
          this.note(
            wish.source.includes('broken')
              ? refused('POLICY_INVALID', { why: 'line 1: alow: unknown key' })
              : this.#applied(wish),
            'apply',
            wish,
            principalName(person),
          ),
        rollback: (version, wish, person) =>
          this.note(this.#applied(wish), 'rollback', version, wish, principalName(person)),
        proposals: () => Promise.resolve(this.proposals),
        proposal: (id) => {
          const found = this.proposals.find((proposal) => proposal.id === id)
          return Promise.resolve(
            found === undefined
              ? refused('NOT_FOUND', { what: `proposal ${id}` })
              : granted({ ...found, ...this.policyDifference, source: 'x' }),
          )
        },
        confirm: (id, reason, person) =>
          this.note(
            this.confirmAnswer ?? granted({ ...this.policyDifference, base: 1, version: 2 }),
            ...(['confirm', id, reason, principalName(person)] as const),
          ),
        reject: (id, reason, person) =>
          this.note(granted(null), 'reject', id, reason, principalName(person)),
      },
      rotator: {
        rotate: (resource, by) =>
          this.note(granted({ name: `${resource}-password`, version: 2 }), 'rotate', resource, by),
      },
      serviceKeys: {
        add: ({ name }, by) =>
          this.note(granted({ name, key: 'wk_shown-once', expiresAt: 5 }), 'add-key', name, by),
        list: (unusedForMs) => this.note([], 'list-keys', unusedForMs),
        revoke: (name, by) => this.note(granted({ sessionsCut: 1 }), 'revoke-key', name, by),
      },
      secrets: {
        put: (name, value, by) => this.note(granted({ version: 1 }), 'put', name, value, by),
      },
      revoker: {
        revoke: (selector, by, why) =>
          this.note(
            granted({
              grants: [
                {
                  ...{ id: 'grt_fake0001', principal: 'ci/repo:acme/orders' },
                  ...{ resource: 'orders-db', role: 'migrator' },
                },
              ],
              ...{ withdrawn: [], sessionsCut: 2, unconfirmed: [], tookMs: 7 },
              cuts: [{ gateway: 'gwy_fake', sessions: 2 }],
            } as const),
            'revoke',
            selector,
            by,
            why,
          ),
      },
      readiness: () => Promise.resolve(this.readiness),
      idempotency: new MemoryIdempotency(this.clock),
      plans: {
        read: (text) => {
          if (text === '') return Promise.resolve(refused('INVALID_ARGUMENT', { what: 'The plan' }))
          const digest = 'f'.repeat(64)
          const part = { kind: 'drop-table', effect: 'ddl', relations: [], traits: [], because: [] }
          const steps = text
            .split(';')
            .map((one) => ({ text: one, digest, parts: [part] }) as const)
          return Promise.resolve(granted({ digest, steps } as const) as Outcome<Plan>)
        },
      },
      clock: this.clock,
      gateway: () => ({ postgres: { host: '127.0.0.1', port: 5432 }, ca: 'PEM' }),
      onRefusedCaller: (address, refusal) => {
        this.refusedCallers.push(`${address} ${refusal.code}`)
      },
      newRequestId: () => `req_new${String(++this.#serial).padStart(5, '0')}`,
    }
  }
}

/** As the store lists: newest first, the greater id first among equals. */
function listed(items: readonly InboxItem[], filter: InboxFilter): readonly InboxItem[] {
  const { state, principalKey, before, limitCount } = filter
  const isOlder = (a: InboxPlace, b: InboxPlace) =>
    a.openedAt < b.openedAt || (a.openedAt === b.openedAt && a.id < b.id)
  return items
    .filter((item) => state === undefined || item.state === state)
    .filter(
      (item) =>
        principalKey === undefined ||
        (item.kind === 'access' && item.question.principalKey === principalKey),
    )
    .filter((item) => before === undefined || isOlder(item, before))
    .sort((a, b) => (isOlder(a, b) ? 1 : -1))
    .slice(0, limitCount)
}

async function* toAsync(lines: readonly string[]): AsyncIterable<string> {
  for (const line of lines) yield await Promise.resolve(line)
}
