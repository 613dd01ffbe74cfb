// The effects of workflows on the ports of core/. Each may run twice for one call; none decides.

import type {
  AuditLog,
  BreakGlassLedger,
  Clock,
  GrantStore,
  Inbox,
  ReleaseStore,
  SessionRegistry,
  TokenLedger,
} from '../core/ports.js'
import { granted, refused } from '../core/errors.js'
import type { Grant } from '../core/grant.js'
import type { InboxItem } from '../core/inbox.js'
import type { Plan } from '../core/plan.js'
import { settledRetry, type ApprovedPlan, type SettledRetry } from '../core/release.js'
import type { AuditEvent } from '../core/audit.js'
import type { RequestId } from '../core/ids.js'
import { principalName, type Principal } from '../core/principal.js'
import type { AccessVerdict } from '../core/verdict.js'
import type { AccessWish } from '../policy/judge-access.js'
import type { Activities } from '../workflows/activities.js'

/** The policy in force, as far as access goes. */
export interface AccessRules {
  readonly digest: string
  /** True when a token of this issuer may be used once only. */
  isSingleUse(issuer: string): boolean
  judge(principal: Principal, wish: AccessWish, at: number, plan?: Plan): AccessVerdict
}

/** What activities need; `rules` is asked anew each time, so that policy changes count at once. */
export interface ActivityDependencies {
  readonly rules: () => AccessRules
  readonly grants: GrantStore
  readonly inbox: Inbox
  readonly tokens: TokenLedger
  readonly breakGlass: BreakGlassLedger
  readonly sessions: SessionRegistry
  readonly releases: ReleaseStore
  readonly audit: AuditLog
  readonly clock: Clock
}

/** How far this host's clock and an issuer's may be apart, as gateways allow it too. */
const skewMsMax = 60_000
/** Records that wait for the store at a time; older ones are forgotten and might be logged twice. */
const recordCountMax = 10_000

/** The activities of one worker. */
export function createActivities(dependencies: ActivityDependencies): Activities {
  const { rules, grants, sessions, releases, breakGlass: ledger } = dependencies
  const record = recorder(dependencies)
  return {
    record,
    verifyAccess: verification(dependencies),
    async judgeAccess(question, at) {
      const { resource, role, durationMs, reason, principal, breakGlass, plan } = question
      const current = rules()
      const wish = { resource, role, durationMs, reason, breakGlass }
      const verdict = current.judge(principal, wish, at, plan)
      const policyDigest = current.digest
      if (breakGlass !== true || verdict.outcome === 'block') return { verdict, policyDigest }
      const open = await ledger.overdue(principalName(principal), at)
      return { verdict: open === undefined ? verdict : owing(open), policyDigest }
    },
    oweReview: (requestId, principal, dueAt) => ledger.owe({ requestId, principal, dueAt }),
    settleReview: (requestId, at) => ledger.settle(requestId, at),
    async openGrant(grant, plan) {
      // First: whoever sees the grant finds the plan as well.
      if (plan !== undefined) await releases.keepPlan(approvedPlan(grant, plan))
      return grants.open(grant)
    },
    async extendGrant(id, expiresAt) {
      const row = await grants.extend(id, expiresAt)
      return row === undefined || row.end !== undefined ? null : row
    },
    async endGrant(id, end) {
      return (await grants.end(id, end))?.end ?? end
    },
    async inspectGrant(id) {
      const [row, sessionCount, retryCount] = await Promise.all([
        ...([grants.find(id), sessions.openCount(id), releases.openCount(id)] as const),
      ])
      return { end: row?.end ?? null, openCount: sessionCount + retryCount }
    },
    releaseRequest: (id) => grants.release(id),
    isGatewayAlive: (id) => sessions.gatewayAlive(id),
  }
}

/** Who has not answered for the last emergency gets no next one. */
const owing = (open: RequestId): AccessVerdict => ({
  outcome: 'block',
  reasons: [
    {
      code: 'break-glass-overdue',
      text: `the review of break-glass ${open} is overdue, and there is no further one before it is closed`,
    },
  ],
})

function verification({ rules, tokens, clock }: ActivityDependencies): Activities['verifyAccess'] {
  return async ({ requestId, principal, tokenId }) => {
    const { issuer, tokenExpiresAt } = principal
    if (clock.now() > tokenExpiresAt + skewMsMax) {
      const why = 'it expired before it could be verified'
      return refused('UNAUTHENTICATED', { why, id: requestId })
    }
    if (!rules().isSingleUse(issuer)) return granted(null)
    if (tokenId === undefined) {
      const why = `tokens of ${issuer} may be used once, and this one has no jti`
      return refused('UNAUTHENTICATED', { why, id: requestId })
    }
    const expiresAt = tokenExpiresAt + skewMsMax
    const isFirst = await tokens.consume({ issuer, tokenId, expiresAt, holder: requestId })
    if (isFirst) return granted(null)
    return refused('UNAUTHENTICATED', { why: 'it has been used before', id: requestId })
  }
}

/**
 * Facts first, then the item that shows them: an item of this revision in the store means that its
 * facts are in the log, so that a repeated call appends nothing.
 */
function recorder({ audit, inbox, releases }: ActivityDependencies): Activities['record'] {
  const tickets = new Map<string, number>()
  return async (item: InboxItem, facts: readonly AuditEvent[]) => {
    const key = `${item.id} ${item.revision}`
    let ticket = tickets.get(key)
    if (ticket === undefined && facts.length > 0) {
      const stored = await inbox.find(item.id)
      if (stored !== undefined && stored.revision >= item.revision) return
      for (const fact of facts) ticket = audit.append(fact)
      if (ticket !== undefined) remember(tickets, key, ticket)
    }
    if (ticket !== undefined) await audit.durable(ticket)
    const retry = retryIn(item)
    if (retry !== undefined) await releases.settle(retry)
    await inbox.put(item)
    tickets.delete(key)
  }
}

const retryIn = (item: InboxItem): SettledRetry | undefined =>
  item.kind === 'review' && item.question.approval.wait === 'retry' ? settledRetry(item) : undefined

const approvedPlan = (grant: Grant, { digest, steps }: Plan): ApprovedPlan => ({
  ...{ grantId: grant.id, requestId: grant.requestId, digest, policyDigest: grant.policyDigest },
  steps,
})

function remember(tickets: Map<string, number>, key: string, ticket: number): void {
  const [oldest] = tickets.keys()
  if (tickets.size >= recordCountMax && oldest !== undefined) tickets.delete(oldest)
  tickets.set(key, ticket)
}
