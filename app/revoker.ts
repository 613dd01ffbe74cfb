// Ends grants at once: the store's row first, which every gateway enforces, then the sockets of this
// one, then the workflow. Needs no Temporal, no chat and no approver.

import { granted, refused, type Outcome } from '../core/errors.js'
import type { Grant } from '../core/grant.js'
import { grantIdOf, type RequestId, type ReviewId } from '../core/ids.js'
import type { InboxItem } from '../core/inbox.js'
import type { AccessService, AuditLog, Clock, Inbox, ReviewService } from '../core/ports.js'
import { principalName } from '../core/principal.js'
import type { LiveSessions } from '../proxy/live-sessions.js'
import type { PostgresGrantStore } from '../store/grants.js'
import type { Revoker, RevokeReceipt, RevokeSelector } from '../web/api/ports.js'

/** Requests and reviews that one revocation looks through. */
const PENDING_COUNT_MAX = 1_000

/** What revoking works on. */
export interface RevocationParts {
  readonly grants: PostgresGrantStore
  readonly inbox: Inbox
  readonly access: AccessService
  readonly reviews: ReviewService
  readonly live: LiveSessions
  readonly audit: AuditLog
  readonly clock: Clock
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
    const cuts = await Promise.all(meant.map((grant) => this.#end(grant, by, why, startedMs)))
    const tookMs = Math.round(clock.monotonicMs() - startedMs)
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
      sessionsCut: cuts.reduce((sum, count) => sum + count, 0),
      tookMs,
    })
  }

  /** Kill first: the record of who did it is durable before the answer, not before the cut. */
  async #end(grant: Grant, by: string, why: string, startedMs: number): Promise<number> {
    const { grants, live, audit, access, clock } = this.#parts
    const count = live.countOf(grant.id)
    const row = await grants.end(grant.id, { reason: 'revoked', by, at: clock.now() })
    if (row !== undefined) await live.cut(row)
    await audit.durable(
      audit.append({
        kind: 'grant.revoked',
        fields: {
          ...{ grantId: grant.id, requestId: grant.requestId, by, why },
          sessionsCut: count,
          tookMs: Math.round(clock.monotonicMs() - startedMs),
        },
      }),
    )
    // The workflow closes its books when it can; the grant is over whether it answers or not.
    void access.ended(grant.requestId).catch(() => undefined)
    return count
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
