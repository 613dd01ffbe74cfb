// Ends grants at once: the store's row first, which every gateway enforces, then the sockets of this
// one, then the workflow. Answers when every gateway has cut, or says which ones have not said so.
// Needs no Temporal, no chat, no approver and no message to arrive.

import { granted, refused, type Outcome } from '../core/errors.js'
import type { Grant } from '../core/grant.js'
import {
  grantIdOf,
  type GatewayId,
  type GrantId,
  type RequestId,
  type ReviewId,
} from '../core/ids.js'
import type { InboxItem } from '../core/inbox.js'
import type {
  AccessService,
  AuditLog,
  Clock,
  GatewaySessions,
  Inbox,
  ReviewService,
  SessionRegistry,
} from '../core/ports.js'
import { principalName } from '../core/principal.js'
import type { LiveSessions } from '../proxy/live-sessions.js'
import type { PostgresGrantStore } from '../store/grants.js'
import type { Revoker, RevokeReceipt, RevokeSelector } from '../web/api/ports.js'

/** Requests and reviews that one revocation looks through. */
const PENDING_COUNT_MAX = 1_000
/** Longest wait for the gateways: two of the polls at which they read the store without being told. */
const CONFIRM_MS_MAX = 3_000
/** Pause between two looks at what is still open: short at first, most cuts take milliseconds. */
const LOOK_MS = { first: 10, max: 50 }

/** What revoking works on. */
export interface RevocationParts {
  readonly grants: Pick<PostgresGrantStore, 'allLive' | 'end'>
  readonly registry: Pick<SessionRegistry, 'sessionsUnder'>
  readonly inbox: Inbox
  readonly access: AccessService
  readonly reviews: ReviewService
  readonly live: Pick<LiveSessions, 'cut'>
  readonly audit: AuditLog
  readonly clock: Clock
  readonly pause: (ms: number) => Promise<unknown>
}

/** Revokes by request, review, principal or resource. */
export class Revocation implements Revoker {
  readonly #parts: RevocationParts

  constructor(parts: RevocationParts) {
    this.#parts = parts
  }

  async revoke(selector: RevokeSelector, by: string, why: string): Promise<Outcome<RevokeReceipt>> {
    const { clock, grants } = this.#parts
    const startedMs = clock.monotonicMs()
    const meant = selected(selector, await grants.allLive(clock.now()))
    await Promise.all(meant.map((grant) => this.#end(grant, by)))
    const found = await this.#confirmed(meant.map(({ id }) => id))
    const tookMs = Math.round(clock.monotonicMs() - startedMs)
    await Promise.all(meant.map((grant) => this.#record(grant, found, { by, why, tookMs })))
    const withdrawn = await this.#withdraw(selector, why)
    if (meant.length === 0 && withdrawn.length === 0) {
      return refused('NOT_FOUND', { what: 'running grant or open question that fits' })
    }
    return granted({
      grants: meant.map((grant) => ({
        id: grant.id,
        principal: principalName(grant.principal),
        resource: grant.resource,
        role: grant.role,
      })),
      withdrawn,
      sessionsCut: found.reduce((sum, { revokedCount }) => sum + revokedCount, 0),
      cuts: byGateway(found, ({ revokedCount }) => revokedCount),
      unconfirmed: byGateway(found, ({ openCount }) => openCount),
      tookMs,
    })
  }

  /** Kill first: the record of who did it is durable before the answer, not before the cut. */
  async #end(grant: Grant, by: string): Promise<void> {
    const { grants, live, access, clock } = this.#parts
    const row = await grants.end(grant.id, { reason: 'revoked', by, at: clock.now() })
    if (row !== undefined) await live.cut(row)
    // The workflow closes its books when it can; the grant is over whether it answers or not.
    void access.ended(grant.requestId).catch(() => undefined)
  }

  /**
   * What became of the sessions, as the gateways that held them have written down. A session that
   * opens meanwhile is in there before it reads its grant's end, so none is missed.
   */
  async #confirmed(ids: readonly GrantId[]): Promise<readonly GatewaySessions[]> {
    if (ids.length === 0) return []
    const { registry, clock, pause } = this.#parts
    const untilMs = clock.monotonicMs() + CONFIRM_MS_MAX
    for (let waitMs = LOOK_MS.first; ; waitMs = Math.min(2 * waitMs, LOOK_MS.max)) {
      const found = await registry.sessionsUnder(ids)
      if (found.every(({ openCount }) => openCount === 0)) return found
      if (clock.monotonicMs() >= untilMs) return found
      await pause(waitMs)
    }
  }

  async #record(
    grant: Grant,
    found: readonly GatewaySessions[],
    { by, why, tookMs }: { by: string; why: string; tookMs: number },
  ): Promise<void> {
    const { audit } = this.#parts
    const own = found.filter(({ grantId }) => grantId === grant.id)
    await audit.durable(
      audit.append({
        kind: 'grant.revoked',
        fields: {
          ...{ grantId: grant.id, requestId: grant.requestId, by, why, tookMs },
          sessionsCut: own.reduce((sum, { revokedCount }) => sum + revokedCount, 0),
          unconfirmed: byGateway(own, ({ openCount }) => openCount).map(({ gateway }) => gateway),
        },
      }),
    )
  }

  async #withdraw(selector: RevokeSelector, why: string): Promise<(RequestId | ReviewId)[]> {
    const { inbox, access, reviews } = this.#parts
    const pending = await inbox.list({ state: 'pending', limitCount: PENDING_COUNT_MAX })
    const meant = pending.filter((item) => isMeant(selector, item))
    const done = await Promise.all(
      meant.map(async (item) => {
        const outcome = await (item.kind === 'access'
          ? access.withdraw(item.id, why)
          : reviews.withdraw(item.id, why))
        return outcome.ok ? [item.id] : []
      }),
    )
    return done.flat()
  }
}

/** Sessions per gateway, without those that have none. */
function byGateway(
  found: readonly GatewaySessions[],
  countOf: (sessions: GatewaySessions) => number,
): { gateway: GatewayId; sessions: number }[] {
  const counts = new Map<GatewayId, number>()
  for (const one of found) {
    const count = countOf(one)
    if (count > 0) counts.set(one.gatewayId, (counts.get(one.gatewayId) ?? 0) + count)
  }
  return [...counts].map(([gateway, sessions]) => ({ gateway, sessions }))
}
function selected(selector: RevokeSelector, grants: readonly Grant[]): readonly Grant[] {
  switch (selector.kind) {
    case 'request':
      return grants.filter((grant) => grant.id === grantIdOf(selector.id))
    case 'review':
      return []
    case 'principal':
      return grants.filter((grant) => principalName(grant.principal) === selector.principal)
    case 'resource':
      return grants.filter((grant) => grant.resource === selector.resource)
  }
}

function isMeant(selector: RevokeSelector, item: InboxItem): boolean {
  const { question } = item
  switch (selector.kind) {
    case 'request':
      return question.requestId === selector.id
    case 'review':
      return item.id === selector.id
    case 'principal':
      return principalName(question.principal) === selector.principal
    case 'resource':
      return question.resource === selector.resource
  }
}
