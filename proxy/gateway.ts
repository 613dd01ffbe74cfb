// The one flow that every protocol goes through: authenticate, resolve, judge, permit. A protocol
// can neither skip a step nor reach a target without the permit that stands at the end.

import { randomUUID } from 'node:crypto'

import { granted, refused, WarderError, type Outcome, type Refusal } from '../core/errors.js'
import { isLive, type Grant } from '../core/grant.js'
import { grantIdOf, type GatewayId, type RequestId, type SessionId } from '../core/ids.js'
import type {
  AccessService,
  AuditLog,
  Authenticated,
  Cancellation,
  Clock,
  GrantStore,
  Identity,
  OnPending,
  SessionRegistry,
} from '../core/ports.js'
import { principalChain, principalName } from '../core/principal.js'
import type { Protocol, Resource } from '../core/resource.js'
import type { SessionEnd } from '../core/session.js'
import { rolesFor } from '../policy/judge-access.js'
import type { Policy } from '../policy/policy.js'
import { LiveSession, type SessionTotals } from './live-session.js'
import { cutOf, type LiveSessions } from './live-sessions.js'
import { Permit } from './permit.js'

/** What the gateway is built from. */
export interface GatewayDependencies {
  readonly id: GatewayId
  readonly identity: Identity
  readonly policy: { current(): Policy }
  readonly access: AccessService
  readonly grants: GrantStore
  readonly registry: SessionRegistry
  readonly live: LiveSessions
  readonly audit: AuditLog
  readonly clock: Clock
  readonly newRequestId: () => RequestId
}

/** What a caller wants, in protocol-neutral words. */
export interface Wish {
  readonly protocol: Protocol
  /** Address and port of the caller's socket. */
  readonly peer: string
  readonly resource: string
  /** The role he named; ignored when only one fits. */
  readonly role: string
  /** The grant he was given by `warder exec` or `warder request`. */
  readonly requestId?: RequestId | undefined
}

/** Admits callers, and keeps the record of who was admitted and who was not. */
export class Gateway {
  readonly #with: GatewayDependencies

  constructor(dependencies: GatewayDependencies) {
    this.#with = dependencies
  }

  /** Verifies the token offline. Nothing has been started for the caller yet. */
  async authenticate(
    token: string,
    from: { protocol: Protocol; peer: string },
  ): Promise<Outcome<Authenticated>> {
    const outcome = await this.#with.identity.authenticate(token, from.peer)
    if (!outcome.ok) this.refuseConnection(from, outcome.refusal)
    return outcome
  }

  /** Puts a caller who never became a session on record: junk, bad tokens, no rights. */
  refuseConnection(from: { protocol: Protocol | 'api'; peer: string }, refusal: Refusal): void {
    const { protocol, peer } = from
    const fields = { protocol, peer, code: refusal.code, why: refusal.details.why ?? '' }
    try {
      this.#with.audit.append({ kind: 'connection.refused', fields })
    } catch (failure) {
      // Nobody is let in without a record; being told so needs none.
      if (!(failure instanceof WarderError && failure.code === 'RECORD_UNAVAILABLE')) throw failure
    }
  }

  /**
   * Finds or asks for the grant, waits for people if it must, and opens the session on record.
   * Aborting the signal withdraws a request that is still waiting.
   */
  async admit(
    caller: Authenticated,
    wish: Wish,
    signal: Cancellation,
    onPending: OnPending,
  ): Promise<Outcome<LiveSession>> {
    const outcome = await this.#admit(caller, wish, signal, onPending)
    if (!outcome.ok) this.refuseConnection(wish, outcome.refusal)
    return outcome
  }

  async #admit(
    caller: Authenticated,
    wish: Wish,
    signal: Cancellation,
    onPending: OnPending,
  ): Promise<Outcome<LiveSession>> {
    const policy = this.#with.policy.current()
    const resolved = this.#resolve(policy, caller, wish)
    if (!resolved.ok) return resolved
    const { resource, role } = resolved.value
    try {
      const grant = await this.#grant(caller, wish, resource, role, signal, onPending)
      if (!grant.ok) return grant
      const permit = await Permit.issue(grant.value, resource, this.#with.clock.now())
      return granted(await this.#open(permit, wish, policy.digest))
    } catch (failure) {
      if (failure instanceof WarderError) return { ok: false, refusal: failure.refusal }
      throw failure
    }
  }

  /** Unknown and forbidden resources answer alike, so that nobody learns what exists. */
  #resolve(
    policy: Policy,
    caller: Authenticated,
    wish: Wish,
  ): Outcome<{ resource: Resource; role: string }> {
    const resource = policy.resources.get(wish.resource)
    const roles = rolesFor(policy, caller.principal, wish.resource)
    const no = refused('FORBIDDEN', {
      what: wish.resource,
      why: `no rule gives ${principalName(caller.principal)} a role there`,
    })
    if (resource?.protocol !== wish.protocol || roles.length === 0) return no
    const role = roles.includes(wish.role) ? wish.role : roles.length === 1 ? roles[0] : undefined
    if (role === undefined) {
      return refused('FORBIDDEN', {
        what: wish.resource,
        why: `several roles fit (${roles.join(', ')}); name one of them as the user`,
      })
    }
    return granted({ resource, role })
  }

  async #grant(
    caller: Authenticated,
    wish: Wish,
    resource: Resource,
    role: string,
    signal: Cancellation,
    onPending: OnPending,
  ): Promise<Outcome<Grant>> {
    const { grants, clock } = this.#with
    const fits = (grant: Grant) =>
      grant.principalKey === caller.principalKey &&
      grant.resource === resource.name &&
      grant.role === role &&
      isLive(grant, clock.now())
    if (wish.requestId !== undefined) {
      const grant = await grants.find(grantIdOf(wish.requestId))
      return grant !== undefined && fits(grant)
        ? granted(grant)
        : refused('ACCESS_REQUIRED', {
            what: resource.name,
            why: 'the grant named is not yours, not for this, or over',
            id: wish.requestId,
          })
    }
    const live = await grants.live(caller.principalKey, resource.name, clock.now())
    // A grant of `warder exec` belongs to the job that names it; nobody else may lean on it.
    const mine = live.find((grant) => grant.origin !== 'exec' && fits(grant))
    if (mine !== undefined) return granted(mine)
    return this.#request(caller, wish, resource, role, signal, onPending)
  }

  async #request(
    caller: Authenticated,
    wish: Wish,
    resource: Resource,
    role: string,
    signal: Cancellation,
    onPending: OnPending,
  ): Promise<Outcome<Grant>> {
    const requestId = await this.#with.grants.reserve({
      principalKey: caller.principalKey,
      resource: resource.name,
      role,
      requestId: this.#with.newRequestId(),
    })
    return this.#with.access.open(
      {
        requestId,
        principal: caller.principal,
        principalKey: caller.principalKey,
        tokenDigest: caller.tokenDigest,
        tokenId: caller.tokenId,
        resource: resource.name,
        role,
        origin: 'connect',
        reason: '',
        peer: wish.peer,
      },
      signal,
      onPending,
    )
  }

  /** No record, no session: it is in the registry and durable in the log before anything is dialled. */
  async #open(permit: Permit, wish: Wish, policyDigest: string): Promise<LiveSession> {
    const { registry, audit, clock, id: gatewayId, live } = this.#with
    const { grant } = permit
    const session = new LiveSession({
      id: `ses_${randomUUID().replaceAll('-', '').slice(0, 20)}` satisfies SessionId,
      protocol: wish.protocol,
      peer: wish.peer,
      permit,
      policyDigest,
      openedAtMs: clock.monotonicMs(),
    })
    await registry.opened({
      id: session.id,
      grantId: grant.id,
      gatewayId,
      protocol: wish.protocol,
      peer: wish.peer,
      openedAt: clock.now(),
    })
    await audit.durable(
      audit.append({
        kind: 'session.opened',
        fields: {
          principal: principalName(grant.principal),
          chain: principalChain(grant.principal),
          parties: grant.principal.parties,
          grantId: grant.id,
          requestId: grant.requestId,
          sessionId: session.id,
          resource: grant.resource,
          role: grant.role,
          protocol: wish.protocol,
          peer: wish.peer,
          target: permit.target,
          gatewayId,
          policyDigest,
        },
      }),
    )
    live.add(session)
    await this.#confirm(session)
    return session
  }

  /**
   * Looks at the grant once more, now that its end would be heard of: what happened to it between
   * finding its row (or joining a workflow that is behind) and watching it went by unheard.
   *
   * @throws WarderError `GRANT_REVOKED` `GRANT_EXPIRED`
   */
  async #confirm(session: LiveSession): Promise<void> {
    const row = await this.#with.grants.find(session.grant.id)
    if (row !== undefined && isLive(row, this.#with.clock.now())) {
      session.update(row)
      return
    }
    const { end, refusal } = cutOf(row ?? session.grant)
    await this.closed(session, end, { commands: 0, toTargetBytes: 0, toCallerBytes: 0 })
    // Whoever ended it may have died before telling the workflow: the next caller asks anew.
    await this.#with.grants.release(session.grant.requestId)
    await this.#with.access.ended(session.grant.requestId)
    throw new WarderError(refusal.code, refusal.details)
  }

  /** Closes the books of a session; the first reason it was cut for stays. */
  async closed(
    session: LiveSession,
    end: SessionEnd,
    totals: SessionTotals,
    why = '',
  ): Promise<void> {
    const { registry, audit, clock, access, live } = this.#with
    const reason = session.cutBy?.end ?? end
    const wasLast = live.remove(session)
    audit.append({
      kind: 'session.ended',
      fields: {
        grantId: session.grant.id,
        requestId: session.grant.requestId,
        sessionId: session.id,
        end: reason,
        durationMs: Math.round(clock.monotonicMs() - session.openedAtMs),
        commands: totals.commands,
        toTargetBytes: totals.toTargetBytes,
        toCallerBytes: totals.toCallerBytes,
        why,
      },
    })
    await registry.ended(session.id, reason, clock.now())
    if (wasLast && session.grant.origin === 'connect') await access.idle(session.grant.requestId)
  }
}
