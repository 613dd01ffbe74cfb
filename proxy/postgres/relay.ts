// Two sockets and the session between them: writes, backpressure, and the one way each side ends.

import { connect, type Socket } from 'node:net'

import { serialize } from 'pg-protocol'

import { WarderError, type Refusal } from '../../core/errors.js'
import type { SessionEnd } from '../../core/session.js'
import { LIMITS } from '../limits.js'
import type { Cut, SessionTotals } from '../live-session.js'
import type { Permit } from '../permit.js'
import { MessageTooLong } from './codec.js'
import { wireError } from './errors.js'
import type { Target } from './login.js'
import { errorMessage, MalformedMessage } from './messages.js'
import type { PostgresSession } from './session.js'

/** Called once, when both sockets are closed. */
export type OnClosed = (end: SessionEnd, totals: SessionTotals, why: string) => void

/** Pumps one session until either side ends it. */
export class Relay {
  readonly #caller: Socket
  readonly #target: Target
  readonly #permit: Permit
  readonly #session: PostgresSession
  readonly #onClosed: OnClosed
  #end: { readonly end: SessionEnd; readonly why: string } | undefined
  /** What is put out now lies in a buffer that the next read overwrites. */
  #isVolatile = false
  #toTargetBytes = 0
  #toCallerBytes = 0
  #closed: Promise<void>

  constructor(
    caller: Socket,
    target: Target,
    permit: Permit,
    session: PostgresSession,
    onClosed: OnClosed,
  ) {
    this.#caller = caller
    this.#target = target
    this.#permit = permit
    this.#session = session
    this.#onClosed = onClosed
    this.#closed = new Promise((resolve) => {
      target.socket.once('close', () => {
        this.#finish()
        resolve()
      })
    })
  }

  /** Starts pumping. */
  start(): void {
    const { socket } = this.#target
    this.#caller.on('data', (chunk: Buffer) => this.#guard(() => this.#fromCaller(chunk)))
    this.#caller.on('drain', () => socket.resume())
    this.#caller.on('end', () => this.#callerGone())
    this.#caller.on('error', () => this.#callerGone())
    this.#caller.on('close', () => this.#callerGone())
    this.#caller.setTimeout(LIMITS.idleMsMax, () => {
      if (!this.#session.isWaiting && this.#session.pipeline.replies.count === 0)
        void this.cut(IDLE_CUT)
    })
    this.#target.read((chunk, volatile) => this.#fromTarget(chunk, volatile))
    socket.on('drain', () => this.#caller.resume())
    socket.on('end', () => this.#ended('closed-by-target', ''))
    socket.on('error', () => this.#ended('closed-by-target', 'the connection broke'))
    this.#caller.resume()
    // He left while the target was being reached: his socket has nothing more to say.
    if (this.#caller.destroyed) this.#callerGone()
  }

  #fromTarget(chunk: Buffer, volatile: boolean): void {
    if (this.#end !== undefined) {
      this.#discard(chunk, volatile)
      return
    }
    this.#isVolatile = volatile
    this.#guard(() => {
      this.#session.fromTarget(chunk, volatile)
      this.flush()
    })
    this.#isVolatile = false
    // The replies may have been what his further input waited for.
    if (this.#caller.isPaused()) this.resumeCaller()
  }

  /** After the end nothing reaches the caller; the target goes as soon as it owes no reply. */
  #discard(chunk: Buffer, volatile: boolean): void {
    const { replies, toCaller } = this.#session.pipeline
    try {
      replies.scan(chunk, volatile)
    } catch {
      this.#target.socket.destroy()
    }
    toCaller.take(false)
    if (replies.count === 0) this.#target.socket.destroy()
  }

  /** Writes what the session has put out; one write for each side. */
  flush(): void {
    const toTarget = this.#session.pipeline.toTarget.take(false)
    if (toTarget !== undefined && this.#end === undefined) {
      this.#toTargetBytes += toTarget.length
      this.#target.socket.write(toTarget)
      if (this.#target.socket.writableLength > LIMITS.outputBytesMax) this.#caller.pause()
    }
    const toCaller = this.#session.pipeline.toCaller.take(this.#isVolatile)
    if (toCaller !== undefined && this.#end === undefined) {
      this.#toCallerBytes += toCaller.length
      this.#caller.write(toCaller)
      if (this.#caller.writableLength > LIMITS.outputBytesMax) this.#target.socket.pause()
    }
  }

  /** Asks the target to cancel what runs there; connects anew, as the protocol wants it. */
  cancelTarget(): void {
    const cancel = connect(this.#permit.endpoint)
    cancel.on('error', () => cancel.destroy())
    cancel.setTimeout(LIMITS.targetConnectMsMax, () => cancel.destroy())
    // The serializer writes both as signed: half of all keys would be out of its range.
    const { processId, secret } = this.#target
    cancel.end(serialize.cancel(processId | 0, secret | 0))
  }

  /**
   * Ends the session from our side: nothing more is forwarded, what runs is cancelled, the caller is
   * told why if his stream is between two messages, both sockets are closed.
   */
  async cut({ end, refusal }: Cut): Promise<void> {
    if (this.#end !== undefined) return this.#closed
    this.#end = { end, why: refusal.details.why ?? '' }
    this.#session.close()
    // What a slow caller has not taken yet is not given to him any more.
    if (this.#caller.writableLength > 0) this.#caller.destroy()
    else {
      if (this.#session.pipeline.replies.atBoundary) {
        this.#caller.write(errorMessage('FATAL', wireError(refusal)))
      }
      this.#caller.end()
      this.#caller.destroySoon()
      setTimeout(() => this.#caller.destroy(), LIMITS.targetCancelMsMax)
    }
    if (this.#session.pipeline.replies.count === 0) this.#target.socket.destroy()
    else {
      this.cancelTarget()
      this.#target.socket.resume()
      setTimeout(() => this.#target.socket.destroy(), LIMITS.targetCancelMsMax)
    }
    return this.#closed
  }

  /** Ends the session because a peer, or we, did what must not be. */
  fail(failure: unknown): void {
    void this.cut({ end: endOf(failure), refusal: refusalOf(failure) })
  }

  #fromCaller(chunk: Buffer): void {
    if (this.#end !== undefined) return
    this.#session.fromCaller(chunk)
    this.flush()
    if (this.#session.isFull) this.#caller.pause()
  }

  /** Lets the caller be read again once what he sent ahead has been worked off. */
  resumeCaller(): void {
    if (!this.#session.isFull && this.#target.socket.writableLength <= LIMITS.outputBytesMax) {
      this.#caller.resume()
    }
  }

  /** A caller who said goodbye lets his last command finish; one who vanished has it cancelled. */
  #callerGone(): void {
    if (this.#end !== undefined) return
    const saidGoodbye = this.#session.saidGoodbye
    this.#end = { end: 'closed-by-caller', why: '' }
    this.#session.close()
    this.#caller.destroySoon()
    if (saidGoodbye || this.#session.pipeline.replies.count === 0) this.#target.socket.end()
    else {
      this.cancelTarget()
      setTimeout(() => this.#target.socket.destroy(), LIMITS.targetCancelMsMax)
    }
  }

  #ended(end: SessionEnd, why: string): void {
    this.#end ??= { end: this.#session.saidGoodbye ? 'closed-by-caller' : end, why }
    this.#session.close()
    this.#target.socket.destroy()
  }

  #finish(): void {
    this.#session.close()
    this.#caller.destroySoon()
    const { end, why } = this.#end ?? { end: 'closed-by-target' as const, why: '' }
    const totals = {
      commands: this.#session.commandCount,
      toTargetBytes: this.#toTargetBytes,
      toCallerBytes: this.#toCallerBytes,
    }
    this.#onClosed(end, totals, why)
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (failure) {
      this.fail(failure)
    }
  }
}

const IDLE_CUT: Cut = { end: 'idle', refusal: { code: 'SESSION_IDLE', details: {} } }

/** The refusal that a failure means on the wire. */
export function refusalOf(failure: unknown): Refusal {
  if (failure instanceof WarderError) return failure.refusal
  if (failure instanceof MessageTooLong) {
    return { code: 'LIMIT_EXCEEDED', details: { why: failure.message } }
  }
  if (failure instanceof MalformedMessage) {
    return { code: 'PROTOCOL_VIOLATION', details: { why: failure.message } }
  }
  return { code: 'INTERNAL', details: {} }
}

function endOf(failure: unknown): SessionEnd {
  switch (refusalOf(failure).code) {
    case 'PROTOCOL_VIOLATION':
      return 'protocol-violation'
    case 'LIMIT_EXCEEDED':
      return 'limit-exceeded'
    case 'RECORD_UNAVAILABLE':
      return 'record-lost'
    case 'CONTROL_PLANE_UNAVAILABLE':
      return 'control-plane-lost'
    default:
      return 'internal'
  }
}
