// The two services on Temporal, run in a thread of their own. Temporal's client keeps its calls' context
// in AsyncLocalStorage, for which Node before 24 makes every socket write of the same thread several
// microseconds dearer; a thread has hooks of its own, and the gateway's stays free of them.

import { Worker } from 'node:worker_threads'

import { refused, WarderError, type Outcome } from '../core/errors.js'
import type { RequestId } from '../core/ids.js'
import type { AccessService, Cancellation, ReviewService } from '../core/ports.js'
import type { PayloadKeys } from './payload-codec.js'
import type { TemporalServices } from './temporal.js'
import type {
  Event,
  FromThread,
  Method,
  MethodCall,
  ThreadData,
  ToThread,
} from './temporal-thread-messages.js'

/** What the thread is made with. */
export interface TemporalThreadOptions extends Omit<ThreadData, 'key'> {
  readonly payloads: PayloadKeys
  /** See `executionMsMaxOf`; asked anew for each request. */
  readonly executionMsMax: () => number
  readonly release: (id: RequestId) => Promise<void>
  readonly report: (what: string, failure: unknown) => void
  /** The thread died: nothing can be asked any more. */
  readonly onFatal: (failure: Error) => void
}

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly onEvent: (event: Event) => void
  readonly release: () => void
}

/** A stopping thread that does not end by itself is ended after this. */
const STOP_MS_MAX = 3_000

/** Starts the thread. A Temporal that is away makes calls refuse, it does not keep a gateway down. */
export function startTemporalThread(options: TemporalThreadOptions): TemporalServices {
  const link = new ThreadLink(options)
  const { call, hint } = link
  const access: AccessService = {
    open: (question, signal, onPending) =>
      call(
        { method: 'access.open', args: [question, options.executionMsMax()] },
        signal,
        (event) => {
          if (event.kind === 'pending') onPending(event.pending)
        },
      ),
    begin: (question) =>
      call({ method: 'access.begin', args: [question, options.executionMsMax()] }),
    decide: (...args) => call({ method: 'access.decide', args }),
    review: (...args) => call({ method: 'access.review', args }),
    extend: (...args) => call({ method: 'access.extend', args }),
    complete: (...args) => call({ method: 'access.complete', args }),
    withdraw: (...args) => call({ method: 'access.withdraw', args }),
    ended: (...args) => hint({ method: 'access.ended', args }),
    idle: (...args) => hint({ method: 'access.idle', args }),
  }
  const reviews: ReviewService = {
    ask: (question, signal, onOpened) =>
      call({ method: 'reviews.ask', args: [question] }, signal, (event) => {
        if (event.kind === 'opened') onOpened?.()
      }),
    open: (...args) => call({ method: 'reviews.open', args }),
    decide: (...args) => call({ method: 'reviews.decide', args }),
    withdraw: (...args) => call({ method: 'reviews.withdraw', args }),
  }
  return { access, reviews, close: () => link.close() }
}

/** Calls into the thread, each with its number, its events and its end. */
class ThreadLink {
  readonly #options: TemporalThreadOptions
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  #callCount = 0
  #keyId: string
  #isClosing = false
  #isDead = false

  constructor(options: TemporalThreadOptions) {
    this.#options = options
    const { address, namespace, processName, payloads } = options
    const workerData: ThreadData = { address, namespace, processName, key: payloads.current() }
    this.#keyId = workerData.key.id
    this.#worker = new Worker(new URL('./temporal-thread-worker.js', import.meta.url), {
      workerData,
      argv: [],
      env: {},
      stdin: false,
    })
    this.#worker.on('message', (message: FromThread) => this.#take(message))
    this.#worker.on('error', (failure) => this.#died(failure))
    this.#worker.on('exit', () => this.#died(new Error('the Temporal thread ended')))
  }

  /** Never rejects; a thread that died refuses. */
  readonly call = <M extends Method>(
    { method, args }: MethodCall<M>['request'],
    signal?: Cancellation,
    onEvent: (event: Event) => void = () => undefined,
  ): Promise<MethodCall<M>['answer']> => {
    if (this.#isDead) return Promise.resolve(gone() as MethodCall<M>['answer'])
    this.#callCount += 1
    const id = this.#callCount
    return new Promise((resolve) => {
      const abort = () => this.#send({ kind: 'abort', id })
      const release = () => signal?.removeEventListener('abort', abort)
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, onEvent, release })
      this.#followKey()
      this.#send({ kind: 'call', id, method, args } as ToThread)
      if (signal?.aborted === true) abort()
      else signal?.addEventListener('abort', abort, { once: true })
    })
  }

  /** A call whose answer says nothing. */
  readonly hint = async <M extends Method>(request: MethodCall<M>['request']): Promise<void> => {
    await this.call(request)
  }

  /** Ends the connection, then the thread. */
  async close(): Promise<void> {
    this.#isClosing = true
    if (this.#isDead) return
    const ended = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()))
    this.#send({ kind: 'close' })
    const timer = setTimeout(() => void this.#worker.terminate(), STOP_MS_MAX)
    await ended
    clearTimeout(timer)
  }

  #send(message: ToThread): void {
    if (!this.#isDead) this.#worker.postMessage(message)
  }

  /** After a rotation the thread, too, encrypts with the new key. */
  #followKey(): void {
    const { id, key } = this.#options.payloads.current()
    if (id === this.#keyId) return
    this.#keyId = id
    this.#send({ kind: 'key', id, key, isCurrent: true })
  }

  #findKey(id: string): void {
    const tell = (key?: Uint8Array) => this.#send({ kind: 'key', id, key, isCurrent: false })
    this.#options.payloads.find(id).then(tell, (failure: unknown) => {
      this.#options.report('keys', failure)
      tell()
    })
  }

  #take(message: FromThread): void {
    if (message.kind === 'key') {
      this.#findKey(message.id)
    } else if (message.kind === 'report') {
      this.#options.report(message.what, message.failure)
    } else if (message.kind === 'release') {
      const { id } = message
      this.#options.release(id).catch((failure: unknown) => {
        this.#options.report('release a request', failure)
      })
    } else if (message.kind === 'event') {
      this.#pending.get(message.id)?.onEvent(message.event)
    } else {
      const pending = this.#pending.get(message.id)
      this.#pending.delete(message.id)
      pending?.release()
      pending?.resolve(message.answer)
    }
  }

  /** Its calls are refused. While stopping that is what was wanted, else the process can't go on. */
  #died(failure: Error): void {
    if (this.#isDead) return
    this.#isDead = true
    for (const { resolve, release } of this.#pending.values()) {
      release()
      resolve(gone())
    }
    this.#pending.clear()
    if (this.#isClosing) return
    const why = 'its thread died'
    this.#options.onFatal(new WarderError('CONTROL_PLANE_UNAVAILABLE', { why }, { cause: failure }))
  }
}

const gone = (): Outcome<never> =>
  refused('CONTROL_PLANE_UNAVAILABLE', { why: 'the gateway is stopping' })
