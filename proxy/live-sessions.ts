// All sessions of this gateway, and the watch that cuts them: news from the bus at once, the
// store's truth once a second, the grant's own end by the monotonic clock.

import type { Refusal } from '../core/errors.js'
import { isLive, type Grant } from '../core/grant.js'
import type { GatewayId, GrantId } from '../core/ids.js'
import type { AuditLog, Bus, Clock, GrantStore, SessionRegistry } from '../core/ports.js'
import type { SessionEnd } from '../core/session.js'
import { LIMITS } from './limits.js'
import type { Cut, LiveSession } from './live-session.js'

const END_OF = {
  expired: 'grant-expired',
  idle: 'grant-expired',
  revoked: 'grant-revoked',
  completed: 'grant-completed',
} as const satisfies Record<NonNullable<Grant['end']>['reason'], SessionEnd>

/** The cut that the end of a grant means for its sessions. */
export function cutOf(grant: Grant): Cut {
  const end = grant.end
  const refusal: Refusal =
    end?.reason === 'revoked'
      ? { code: 'GRANT_REVOKED', details: { why: `by ${end.by}`, id: grant.requestId } }
      : { code: 'GRANT_EXPIRED', details: { id: grant.requestId } }
  return { end: end === undefined ? 'grant-expired' : END_OF[end.reason], refusal }
}

/** How long this gateway counts as alive after it was last heard of. */
const HEARTBEAT_MS = 3 * LIMITS.controlPlaneSilentMsMax

const LOST: Cut = {
  end: 'control-plane-lost',
  refusal: { code: 'CONTROL_PLANE_UNAVAILABLE', details: { why: 'its store does not answer' } },
}

const UNRECORDED: Cut = {
  end: 'record-lost',
  refusal: { code: 'RECORD_UNAVAILABLE', details: {} },
}

const STOPPED: Cut = {
  end: 'gateway-stopped',
  refusal: { code: 'CONTROL_PLANE_UNAVAILABLE', details: { why: 'the gateway is stopping' } },
}

/** The sessions of one gateway process, by grant. */
export class LiveSessions {
  readonly #byGrant = new Map<GrantId, Set<LiveSession>>()
  readonly #with: {
    readonly gatewayId: GatewayId
    readonly grants: GrantStore
    readonly registry: SessionRegistry
    readonly bus: Bus
    readonly audit: AuditLog
    readonly clock: Clock
  }
  #stop: (() => void) | undefined
  #heardAtMs = 0
  /** Grants that somebody else changed, not yet read again. */
  #changed = new Set<GrantId>()
  #isRereading = false
  #isPolling = false
  #isPollDue = false
  #stopped = false

  constructor(dependencies: {
    gatewayId: GatewayId
    grants: GrantStore
    registry: SessionRegistry
    bus: Bus
    audit: AuditLog
    clock: Clock
  }) {
    this.#with = dependencies
  }

  /** Open sessions, over all grants. */
  get count(): number {
    let count = 0
    for (const sessions of this.#byGrant.values()) count += sessions.size
    return count
  }

  /** Starts the watch and this gateway's heartbeat, without which no session counts as open. */
  async start(): Promise<void> {
    const { bus, audit, clock, registry, gatewayId } = this.#with
    await registry.heartbeat(gatewayId, HEARTBEAT_MS)
    this.#heardAtMs = clock.monotonicMs()
    const stops = [
      bus.onGrant(({ id, grant }) => {
        if (grant !== undefined) void this.#apply(grant)
        else void this.#reread(id)
      }),
      bus.onResync(() => void this.#pollNow()),
    ]
    const stopAudit = audit.onFailure(() => void this.cutAll(UNRECORDED))
    const timer = setInterval(() => {
      this.#expire()
      // Not in the poll itself: a store that hangs instead of failing would keep it from being seen.
      if (clock.monotonicMs() - this.#heardAtMs > LIMITS.controlPlaneSilentMsMax) {
        void this.cutAll(LOST)
      }
      if (!this.#isPolling) void this.#pollNow()
    }, LIMITS.grantPollMs)
    this.#stop = () => {
      clearInterval(timer)
      for (const stop of stops) stop()
      stopAudit()
    }
  }

  /** Stops the watch and ends every session. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#stop?.()
    await this.cutAll(STOPPED)
  }

  /** Open sessions under one grant. */
  countOf(id: GrantId): number {
    return this.#byGrant.get(id)?.size ?? 0
  }

  /** Watches one more session. */
  add(session: LiveSession): void {
    const sessions = this.#byGrant.get(session.grant.id)
    if (sessions === undefined) this.#byGrant.set(session.grant.id, new Set([session]))
    else sessions.add(session)
    if (this.#stopped) void session.cut(STOPPED)
  }

  /** Returns true when this was the grant's last session on this gateway. */
  remove(session: LiveSession): boolean {
    const sessions = this.#byGrant.get(session.grant.id)
    if (sessions?.delete(session) !== true || sessions.size > 0) return false
    this.#byGrant.delete(session.grant.id)
    return true
  }

  /** Cuts everything under one grant; resolves with the number of sessions when they are closed. */
  async cut(grant: Grant): Promise<number> {
    const sessions = [...(this.#byGrant.get(grant.id) ?? [])]
    const cut = cutOf(grant)
    await Promise.all(sessions.map((session) => session.cut(cut)))
    return sessions.length
  }

  /** Cuts every session of this gateway. */
  async cutAll(cut: Cut): Promise<void> {
    const all = [...this.#byGrant.values()].flatMap((sessions) => [...sessions])
    await Promise.all(all.map((session) => session.cut(cut)))
  }

  async #apply(grant: Grant): Promise<void> {
    for (const session of this.#byGrant.get(grant.id) ?? []) session.update(grant)
    if (!isLive(grant, this.#with.clock.now())) await this.cut(grant)
  }

  #expire(): void {
    const now = this.#with.clock.now()
    for (const sessions of this.#byGrant.values()) {
      for (const session of sessions) {
        if (!isLive(session.grant, now)) void session.cut(cutOf(session.grant))
      }
    }
  }

  /** Reads grants that others changed, all that come up meanwhile at once. */
  async #reread(id: GrantId): Promise<void> {
    if (!this.#byGrant.has(id)) return
    this.#changed.add(id)
    if (this.#isRereading) return
    this.#isRereading = true
    try {
      while (this.#changed.size > 0) {
        const ids = this.#changed
        this.#changed = new Set()
        await this.#readChanged((grantId) => ids.has(grantId))
      }
    } catch {
      // The next poll tries again.
    } finally {
      this.#isRereading = false
    }
  }

  /** Polls; one more time when it is asked for while one is under way. */
  async #pollNow(): Promise<void> {
    this.#isPollDue = true
    if (this.#isPolling) return
    this.#isPolling = true
    try {
      while (this.#isPollDue) {
        this.#isPollDue = false
        await this.#poll()
      }
    } finally {
      this.#isPolling = false
    }
  }

  /** Reads what changed in the store; silence beyond the limit ends everything. */
  async #poll(): Promise<void> {
    const { registry, gatewayId, clock } = this.#with
    try {
      await registry.heartbeat(gatewayId, HEARTBEAT_MS)
      await this.#readChanged(() => true)
      this.#heardAtMs = clock.monotonicMs()
    } catch {
      // The silence is noticed by its length.
    }
  }

  async #readChanged(isMeant: (id: GrantId) => boolean): Promise<void> {
    const known = new Map<GrantId, number>()
    for (const [id, sessions] of this.#byGrant) {
      // Sessions of one grant may have read its row at different times.
      if (isMeant(id)) known.set(id, Math.min(...[...sessions].map(({ grant }) => grant.epoch)))
    }
    if (known.size === 0) return
    // All at once: cutting one must not keep the next waiting.
    for (const grant of await this.#with.grants.changed(known)) void this.#apply(grant)
  }
}
