// How the adapter talks to Temporal: every call has a deadline, every failure becomes a refusal.
// Never retries what a person decided, never waits without an end.

import { setTimeout as pause } from 'node:timers/promises'
import {
  ServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
  type WorkflowUpdateHandle,
} from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import {
  ERROR_CODES,
  WarderError,
  granted,
  refused,
  type ErrorCode,
  type ErrorDetails,
  type Outcome,
} from '../core/errors.js'
import type { Cancellation, Clock } from '../core/ports.js'

/** How long the adapter waits for what, in ms. */
export interface TemporalDeadlines {
  /** One call that a worker answers at once: decide, extend, complete, withdraw, a signal. */
  readonly contactMsMax: number
  /** From first contact until a request is judged, or a review is open. */
  readonly openMsMax: number
  /** How long the server may be silent while a decision is waited for. */
  readonly silenceMsMax: number
  /** One long poll. */
  readonly pollMs: number
}

/**
 * Well above what was measured (tens of ms), well below what a person at a prompt endures. Opening
 * must give up before a workflow task is first extended (8 s): until then an accepted question is
 * one that is on record.
 */
export const TEMPORAL_DEADLINES: TemporalDeadlines = {
  contactMsMax: 5_000,
  openMsMax: 7_000,
  silenceMsMax: 30_000,
  pollMs: 20_000,
}

/** What a call is made with. */
export interface TemporalCallOptions {
  readonly client: Client
  readonly clock: Clock
  readonly deadlines: TemporalDeadlines
  /** Told what went wrong underneath a refusal; the caller only learns the refusal. */
  readonly report: (what: string, error: unknown) => void
}

/** The largest question that is sent, in bytes of JSON: half of what Temporal warns about. */
export const questionBytesMax = 131_072

/** Calls to one Temporal namespace. */
export class TemporalCalls {
  readonly client: Client
  readonly clock: Clock
  readonly deadlines: TemporalDeadlines
  readonly #report: TemporalCallOptions['report']
  readonly #hints = new Set<Promise<void>>()

  constructor({ client, clock, deadlines, report }: TemporalCallOptions) {
    this.client = client
    this.clock = clock
    this.deadlines = deadlines
    this.#report = report
  }

  /** Runs calls of the client under a deadline, and ends them when the signal aborts. */
  async within<T>(durationMs: number, call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { client } = this
    signal?.throwIfAborted()
    const deadline = this.clock.now() + durationMs
    return await client.withDeadline(deadline, () =>
      signal === undefined ? call() : client.withAbortSignal(signal, call),
    )
  }

  /** Waits for a parked update, in polls, until `endMs` on the monotonic clock. */
  async waitFor<T>(
    handle: WorkflowUpdateHandle<T>,
    endMs: number,
    signal: AbortSignal,
  ): Promise<T> {
    let heardMs = this.clock.monotonicMs()
    for (;;) {
      try {
        return await this.within(this.deadlines.pollMs, () => handle.result(), signal)
      } catch (error) {
        if (signal.aborted || !isSilence(error)) throw error
      }
      if (await this.#answers()) heardMs = this.clock.monotonicMs()
      const nowMs = this.clock.monotonicMs()
      if (nowMs >= endMs || nowMs - heardMs > this.deadlines.silenceMsMax) throw silent()
      await pause(100, undefined, { signal })
    }
  }

  /** A refusal for whatever a call threw; `id` is what it was about. */
  refusalFor(what: string, error: unknown, id: string): Outcome<never> {
    const said = refusalIn(error)
    if (said !== undefined) return said
    this.#report(what, error)
    const why = isSilence(error) ? 'its control plane does not answer' : 'its control plane failed'
    return refused('CONTROL_PLANE_UNAVAILABLE', { why, id })
  }

  /** Sends something that nobody waits for; that it failed is only reported. */
  hint(what: string, send: () => Promise<unknown>): Promise<void> {
    const sent = this.within(this.deadlines.contactMsMax, send)
      .then(
        () => undefined,
        (error: unknown) => {
          if (!(error instanceof WorkflowNotFoundError)) this.#report(what, error)
        },
      )
      .finally(() => this.#hints.delete(sent))
    this.#hints.add(sent)
    return sent
  }

  /** Resolves when what was hinted at so far is sent, or given up. */
  async hintsSent(): Promise<void> {
    await Promise.all(this.#hints)
  }

  /** Asks a running workflow; one that is over answers with `whenOver`, an unknown one not at all. */
  async ask<T>(
    what: string,
    id: string,
    call: () => Promise<Outcome<T>>,
    whenOver: () => Outcome<T>,
  ): Promise<Outcome<T>> {
    try {
      return await this.within(this.deadlines.contactMsMax, call)
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) return this.refusalFor(what, error, id)
    }
    try {
      const handle = this.client.workflow.getHandle(id)
      const { status } = await this.within(this.deadlines.contactMsMax, () => handle.describe())
      // It came to be, or moved to a new run, between the two calls.
      if (status.name === 'RUNNING') {
        return refused('CONTROL_PLANE_UNAVAILABLE', { why: 'it is not ready yet', id })
      }
      return whenOver()
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return refused('NOT_FOUND', { what: id })
      return this.refusalFor(what, error, id)
    }
  }

  async #answers(): Promise<boolean> {
    try {
      await this.within(this.deadlines.contactMsMax, () =>
        this.client.connection.workflowService.getSystemInfo({}),
      )
      return true
    } catch {
      return false
    }
  }
}

/** Refuses a question that is too large for a history. */
export function sizeChecked<T>(question: T): Outcome<T> {
  const sizeBytes = Buffer.byteLength(JSON.stringify(question))
  if (sizeBytes <= questionBytesMax) return granted(question)
  const why = `the question has ${sizeBytes} bytes, at most ${questionBytesMax} can be asked about`
  return refused('LIMIT_EXCEEDED', { why })
}

/** An AbortSignal that follows the port's own; `release` when the call is over. */
export function following(signal: Cancellation): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController()
  const abort = () => {
    controller.abort()
  }
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  const release = () => {
    signal.removeEventListener('abort', abort)
  }
  return { signal: controller.signal, release }
}

/** The refusal that a validator or a handler answered with, if that is what was thrown. */
export function refusalIn(error: unknown): Outcome<never> | undefined {
  if (error instanceof WarderError) return refused(error.code, error.details)
  if (!(error instanceof WorkflowUpdateFailedError)) return undefined
  const { cause } = error
  if (!(cause instanceof ApplicationFailure)) return undefined
  const code = ERROR_CODES.find((known) => known === cause.type)
  return code === undefined ? undefined : refused(code satisfies ErrorCode, detailsIn(cause))
}

/** True when an update was let in but its workflow ended before it was answered. */
export const wasCutOff = (error: unknown): boolean =>
  error instanceof WorkflowNotFoundError ||
  (error instanceof WorkflowUpdateFailedError &&
    error.cause instanceof ApplicationFailure &&
    error.cause.type === 'AcceptedUpdateCompletedWorkflow')

function detailsIn(failure: ApplicationFailure): ErrorDetails {
  const given: unknown = failure.details?.[0]
  if (typeof given !== 'object' || given === null) return {}
  const text = Object.entries(given).filter(
    (entry): entry is [string, string] =>
      ['what', 'why', 'id'].includes(entry[0]) && typeof entry[1] === 'string',
  )
  return Object.fromEntries(text)
}

const isSilence = (error: unknown): boolean =>
  error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || error instanceof ServiceError

const silent = (): WarderError =>
  new WarderError('CONTROL_PLANE_UNAVAILABLE', { why: 'its control plane does not answer' })
