// One conversation that is open on this gateway: what it may do, and the one way it is cut.

import { assert, type Refusal } from '../core/errors.js'
import type { Grant } from '../core/grant.js'
import type { SessionId } from '../core/ids.js'
import type { Principal } from '../core/principal.js'
import type { Protocol } from '../core/resource.js'
import type { SessionEnd } from '../core/session.js'
import type { Permit } from './permit.js'

/** Why a session is cut, in the closed list and as the caller is told. */
export interface Cut {
  readonly end: SessionEnd
  readonly refusal: Refusal
}

/** What a protocol reports when its conversation is over. */
export interface SessionTotals {
  readonly commands: number
  readonly toTargetBytes: number
  readonly toCallerBytes: number
}

/** An admitted session. The grant in it is the newest row this gateway has seen. */
export class LiveSession {
  readonly id: SessionId
  readonly protocol: Protocol
  readonly peer: string
  readonly permit: Permit
  readonly policyDigest: string
  readonly openedAtMs: number
  #grant: Grant
  #cut: Cut | undefined
  #onCut: ((cut: Cut) => Promise<void>) | undefined
  #done: Promise<void> = Promise.resolve()

  constructor(fields: {
    id: SessionId
    protocol: Protocol
    peer: string
    permit: Permit
    policyDigest: string
    /** On the monotonic clock. */
    openedAtMs: number
  }) {
    this.id = fields.id
    this.protocol = fields.protocol
    this.peer = fields.peer
    this.permit = fields.permit
    this.policyDigest = fields.policyDigest
    this.openedAtMs = fields.openedAtMs
    this.#grant = fields.permit.grant
  }

  /** The grant as last read. */
  get grant(): Grant {
    return this.#grant
  }

  /** Who is asking. */
  get principal(): Principal {
    return this.#grant.principal
  }

  /** Set once the session may carry nothing more. */
  get cutBy(): Cut | undefined {
    return this.#cut
  }

  /** Takes a newer row; an older epoch is ignored, whatever order news arrives in. */
  update(grant: Grant): void {
    assert(grant.id === this.#grant.id, 'a session keeps its grant')
    if (grant.epoch > this.#grant.epoch) this.#grant = grant
  }

  /** How the protocol closes its sockets; called at once when the cut came first. */
  whenCut(close: (cut: Cut) => Promise<void>): void {
    assert(this.#onCut === undefined, 'one listener closes a session')
    this.#onCut = close
    if (this.#cut !== undefined) this.#done = close(this.#cut)
  }

  /** Cuts the conversation; the first reason stays. Resolves when its sockets are closed. */
  cut(cut: Cut): Promise<void> {
    if (this.#cut === undefined) {
      this.#cut = cut
      if (this.#onCut !== undefined) this.#done = this.#onCut(cut)
    }
    return this.#done
  }
}
