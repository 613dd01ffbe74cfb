// The ports of core/ in memory, for workflows under test: they keep what was said to them.
import type { AuditEvent } from '../../core/audit.js'
import type { Grant } from '../../core/grant.js'
import type { GatewayId, GrantId, RequestId, ReviewId } from '../../core/ids.js'
import type { InboxItem } from '../../core/inbox.js'
import type {
  AuditLog,
  BreakGlassLedger,
  GrantStore,
  Inbox,
  ReleaseStore,
  SessionRegistry,
  TokenLedger,
} from '../../core/ports.js'
import type {
  ApprovedPlan,
  PlanStanding,
  RetryKey,
  RetryStanding,
  SettledRetry,
} from '../../core/release.js'

export class MemoryGrants implements GrantStore {
  readonly rows = new Map<GrantId, Grant>()
  readonly released: RequestId[] = []
  reserve(key: { requestId: RequestId }) {
    return Promise.resolve(key.requestId)
  }
  release(requestId: RequestId) {
    this.released.push(requestId)
    return Promise.resolve()
  }
  open(grant: Grant) {
    const row = this.rows.get(grant.id) ?? grant
    this.rows.set(grant.id, row)
    return Promise.resolve(row)
  }
  find(id: GrantId) {
    return Promise.resolve(this.rows.get(id))
  }
  live() {
    return Promise.resolve([])
  }
  extend(id: GrantId, expiresAt: number) {
    const row = this.rows.get(id)
    if (row === undefined || row.end !== undefined) return Promise.resolve(undefined)
    return Promise.resolve(this.#keep({ ...row, expiresAt, epoch: row.epoch + 1 }))
  }
  end(id: GrantId, end: NonNullable<Grant['end']>) {
    const row = this.rows.get(id)
    if (row === undefined || row.end !== undefined) return Promise.resolve(row)
    return Promise.resolve(this.#keep({ ...row, end, epoch: row.epoch + 1 }))
  }
  changed() {
    return Promise.resolve([])
  }
  #keep(row: Grant): Grant {
    this.rows.set(row.id, row)
    return row
  }
}

export class MemoryInbox implements Inbox {
  readonly items = new Map<RequestId | ReviewId, InboxItem>()
  put(item: InboxItem) {
    const stored = this.items.get(item.id)
    if (stored === undefined || stored.revision < item.revision) this.items.set(item.id, item)
    return Promise.resolve()
  }
  find(id: RequestId | ReviewId) {
    return Promise.resolve(this.items.get(id))
  }
  list() {
    return Promise.resolve([...this.items.values()])
  }
}

export class MemoryTokens implements TokenLedger {
  readonly holders = new Map<string, RequestId>()
  readonly callers = new Map<string, string>()
  consume(token: { issuer: string; tokenId: string; holder: RequestId }) {
    const key = `${token.issuer} ${token.tokenId}`
    const holder = this.holders.get(key) ?? token.holder
    this.holders.set(key, holder)
    return Promise.resolve(holder === token.holder)
  }
  bind(token: { issuer: string; tokenId: string; caller: string }) {
    const key = `${token.issuer} ${token.tokenId}`
    const caller = this.callers.get(key) ?? token.caller
    this.callers.set(key, caller)
    return Promise.resolve(caller === token.caller)
  }
}

export class MemoryBreakGlass implements BreakGlassLedger {
  readonly owed = new Map<RequestId, { principal: string; dueAt: number; closedAt?: number }>()
  owe({ requestId, ...review }: { requestId: RequestId; principal: string; dueAt: number }) {
    if (!this.owed.has(requestId)) this.owed.set(requestId, review)
    return Promise.resolve()
  }
  settle(requestId: RequestId, closedAt: number) {
    const review = this.owed.get(requestId)
    if (review !== undefined) this.owed.set(requestId, { ...review, closedAt })
    return Promise.resolve()
  }
  overdue(principal: string, nowMs: number) {
    const open = [...this.owed].find(
      ([, review]) =>
        review.principal === principal && review.closedAt === undefined && review.dueAt <= nowMs,
    )
    return Promise.resolve(open?.[0])
  }
}

export class MemorySessions implements SessionRegistry {
  sessionsUnder() {
    return Promise.resolve([])
  }
  readonly counts = new Map<GrantId, number>()
  readonly dead = new Set<GatewayId>()
  opened() {
    return Promise.resolve()
  }
  ended() {
    return Promise.resolve()
  }
  heartbeat() {
    return Promise.resolve()
  }
  gatewayAlive(id: GatewayId) {
    return Promise.resolve(!this.dead.has(id))
  }
  openCount(id: GrantId) {
    return Promise.resolve(this.counts.get(id) ?? 0)
  }
}

export class MemoryAudit implements AuditLog {
  readonly events: AuditEvent[] = []
  append(event: AuditEvent) {
    return this.events.push(event)
  }
  durable() {
    return Promise.resolve()
  }
  onFailure() {
    return () => undefined
  }
  /** The kinds of what was logged about an id, in order. */
  kindsAbout(id: string): string[] {
    return this.events
      .filter((event) => Object.values(event.fields).includes(id))
      .map((event) => event.kind)
  }
}

interface MemoryRetry {
  readonly reviewId: ReviewId
  readonly until: number
  readonly settled?: SettledRetry
  readonly isUsed?: boolean
}

export class MemoryReleases implements ReleaseStore {
  readonly retries = new Map<string, MemoryRetry>()
  readonly plans = new Map<GrantId, PlanStanding>()
  take({ grantId, digest }: RetryKey): Promise<RetryStanding> {
    const row = this.#standing(grantId, digest)
    if (row === undefined) return Promise.resolve({ state: 'none' })
    const { reviewId, settled } = row
    if (settled === undefined) return Promise.resolve({ state: 'pending', reviewId })
    const { by, reason } = settled
    if (settled.state === 'denied')
      return Promise.resolve({ state: 'denied', reviewId, by, reason })
    this.retries.set(`${grantId} ${digest}`, { ...row, isUsed: true })
    return Promise.resolve({ state: 'released', reviewId, by })
  }
  reserve({ grantId, digest, reviewId, until }: RetryKey & { reviewId: ReviewId; until: number }) {
    const row = this.#standing(grantId, digest)
    if (row !== undefined) return Promise.resolve(row.reviewId)
    this.retries.set(`${grantId} ${digest}`, { reviewId, until })
    return Promise.resolve(reviewId)
  }
  settle(settled: SettledRetry) {
    const key = `${settled.grantId} ${settled.digest}`
    const row = this.retries.get(key)
    if (row?.reviewId !== settled.reviewId || row.settled !== undefined) return Promise.resolve()
    if (settled.state === 'gone') this.retries.delete(key)
    else this.retries.set(key, { ...row, settled, until: settled.until })
    return Promise.resolve()
  }
  openCount(id: GrantId) {
    const open = [...this.retries].filter(
      ([key, row]) =>
        key.startsWith(`${id} `) && row.isUsed !== true && row.settled?.state !== 'denied',
    )
    return Promise.resolve(open.length)
  }
  keepPlan(plan: ApprovedPlan) {
    if (!this.plans.has(plan.grantId)) this.plans.set(plan.grantId, { ...plan, next: 0 })
    return Promise.resolve()
  }
  plan(id: GrantId) {
    return Promise.resolve(this.plans.get(id))
  }
  advance(id: GrantId, from: number, to: number) {
    const plan = this.plans.get(id)
    if (plan?.next !== from) return Promise.resolve(false)
    this.plans.set(id, { ...plan, next: to })
    return Promise.resolve(true)
  }
  #standing(grantId: GrantId, digest: string): MemoryRetry | undefined {
    const row = this.retries.get(`${grantId} ${digest}`)
    return row === undefined || row.isUsed === true ? undefined : row
  }
}
