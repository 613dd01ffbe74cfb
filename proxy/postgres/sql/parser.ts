// The pool of parser threads. A text goes to an idle thread under a deadline; a thread that fails,
// dies or is late is ended and replaced, and its text is unknown. Never parses on this thread.

import { Worker } from 'node:worker_threads'
import { tooLong } from './budget.js'
import type { TextFacts } from './facts.js'
import type { ParseAnswer, ParseRequest } from './parser-worker.js'

/** How the pool is built; every field has a default. */
export interface ParserOptions {
  /** Threads. With two, one text that runs away does not hold up the others. */
  readonly workerCount?: number
  /**
   * Longest parse in ms. The slowest text within the byte limit takes about 100 ms, so that even a
   * machine ten times slower under load gives no false `unknown`; a runaway only blocks its thread.
   */
  readonly deadlineMs?: number
  /** Longest wait for an idle thread in ms. */
  readonly queueMsMax?: number
  /** Texts that may wait for an idle thread. */
  readonly queueCountMax?: number
  /** The compiled worker file. */
  readonly workerUrl?: URL
}

/** Turns SQL text into facts. */
export interface SqlParser {
  /** Never rejects: what can't be parsed in time and within budget is `unknown`. */
  facts(text: string): Promise<TextFacts>
}

interface Job {
  readonly text: string
  readonly withSpans: boolean
  readonly settle: (facts: TextFacts) => void
  timer: NodeJS.Timeout
}

interface Thread {
  readonly worker: Worker
  ready: boolean
  job: Job | undefined
  /** Number of the request under way; a late answer to another one is ignored. */
  requestId: number
}

/**
 * Deep trees recurse in WASM and in the walker: 2,000 levels fit many times over in 16 MiB, which
 * Node makes the true size of the thread's stack, whatever --stack-size says.
 */
const STACK_MB = 16
/** The grammar's memory lies outside the heap; a tree of 256 KiB of SQL takes about 60 MB in it. */
const HEAP_MB = 384
/** Starting a thread takes about 0.2 s; one that can't start within this is tried again. */
const START_MS_MAX = 30_000
/** Pause before a thread that could not start is tried again. */
const RESTART_MS = 500

const unknown = (because: string): TextFacts => ({ outcome: 'unknown', because })

/**
 * A pool of parser threads.
 *
 * `ready()` resolves when every thread has parsed its first texts; `facts()` may be called earlier
 * and then waits for a thread. `close()` ends the threads and makes everything under way unknown.
 */
export class ParserPool implements SqlParser {
  readonly #options: Required<ParserOptions>
  readonly #threads = new Set<Thread>()
  readonly #queue: Job[] = []
  readonly #waitingForReady = new Set<() => void>()
  readonly #restarts = new Set<NodeJS.Timeout>()
  #closed = false

  constructor(options: ParserOptions = {}) {
    this.#options = {
      workerCount: options.workerCount ?? 2,
      deadlineMs: options.deadlineMs ?? 1000,
      queueMsMax: options.queueMsMax ?? 5000,
      queueCountMax: options.queueCountMax ?? 1000,
      workerUrl: options.workerUrl ?? new URL('./parser-worker.js', import.meta.url),
    }
    for (let count = 0; count < this.#options.workerCount; count += 1) this.#start()
  }

  /** Resolves when all threads can parse, or the pool is closed. */
  async ready(): Promise<void> {
    while (!this.#closed && !this.#allReady())
      await new Promise<void>((resolve) => this.#waitingForReady.add(resolve))
  }

  facts(text: string): Promise<TextFacts> {
    return this.#parse(text, false)
  }

  /** The same, and where each statement stands. */
  split(text: string): Promise<TextFacts> {
    return this.#parse(text, true)
  }

  #parse(text: string, withSpans: boolean): Promise<TextFacts> {
    const exceeded = tooLong(text)
    if (exceeded !== undefined) return Promise.resolve(unknown(exceeded))
    if (this.#closed) return Promise.resolve(unknown('the parser is closed'))
    if (this.#queue.length >= this.#options.queueCountMax)
      return Promise.resolve(unknown('too many statements wait for the parser'))
    return new Promise((settle) => {
      const timer = setTimeout(() => this.#giveUp(job), this.#options.queueMsMax)
      const job: Job = { text, withSpans, settle, timer }
      this.#queue.push(job)
      this.#dispatch()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const timer of this.#restarts) clearTimeout(timer)
    for (const job of this.#queue.splice(0)) this.#settle(job, unknown('the parser is closed'))
    const threads = [...this.#threads]
    this.#threads.clear()
    for (const thread of threads) this.#fail(thread, 'the parser is closed')
    this.#announceReady()
    await Promise.all(threads.map((thread) => thread.worker.terminate()))
  }

  #allReady(): boolean {
    const threads = [...this.#threads]
    return threads.length === this.#options.workerCount && threads.every((thread) => thread.ready)
  }

  #announceReady(): void {
    for (const resolve of this.#waitingForReady) resolve()
    this.#waitingForReady.clear()
  }

  #start(): void {
    const worker = new Worker(this.#options.workerUrl, {
      resourceLimits: { stackSizeMb: STACK_MB, maxOldGenerationSizeMb: HEAP_MB },
      // A parser needs neither arguments nor environment nor a terminal.
      argv: [],
      env: {},
      execArgv: [],
      stdin: false,
    })
    worker.unref()
    const thread: Thread = { worker, ready: false, job: undefined, requestId: 0 }
    this.#threads.add(thread)
    const startTimer = setTimeout(() => this.#replace(thread, 'it did not start'), START_MS_MAX)
    startTimer.unref()
    worker.on('message', (answer: ParseAnswer) => {
      clearTimeout(startTimer)
      this.#onAnswer(thread, answer)
    })
    worker.on('error', (error) => this.#replace(thread, `the parser failed (${error.name})`))
    worker.on('exit', () => {
      clearTimeout(startTimer)
      this.#replace(thread, 'the parser ended')
    })
  }

  #onAnswer(thread: Thread, answer: ParseAnswer): void {
    if (answer.kind === 'ready') {
      thread.ready = true
      if (this.#allReady()) this.#announceReady()
    } else if (answer.kind === 'broken') {
      this.#replace(thread, answer.because)
    } else if (thread.job !== undefined && answer.id === thread.requestId) {
      const job = thread.job
      thread.job = undefined
      thread.worker.unref()
      this.#settle(job, answer.facts)
    }
    this.#dispatch()
  }

  #dispatch(): void {
    for (const thread of this.#threads) {
      if (!thread.ready || thread.job !== undefined) continue
      const job = this.#queue.shift()
      if (job === undefined) return
      clearTimeout(job.timer)
      job.timer = setTimeout(() => this.#late(thread, job), this.#options.deadlineMs)
      thread.job = job
      thread.requestId += 1
      thread.worker.ref()
      const { text, withSpans } = job
      thread.worker.postMessage({ id: thread.requestId, text, withSpans } satisfies ParseRequest)
    }
  }

  /** When this thread itself was held up, the answer may already be here: let it in first. */
  #late(thread: Thread, job: Job): void {
    setImmediate(() => {
      if (thread.job === job)
        this.#replace(thread, `parsing took longer than ${this.#options.deadlineMs} ms`)
    })
  }

  /** Ends a thread, makes its text unknown and starts another one in its place. */
  #replace(thread: Thread, because: string): void {
    if (!this.#threads.delete(thread)) return
    const started = thread.ready
    this.#fail(thread, because)
    void thread.worker.terminate()
    if (started) {
      this.#start()
      return
    }
    const timer = setTimeout(() => {
      this.#restarts.delete(timer)
      if (!this.#closed) this.#start()
    }, RESTART_MS)
    timer.unref()
    this.#restarts.add(timer)
  }

  #fail(thread: Thread, because: string): void {
    const job = thread.job
    thread.job = undefined
    if (job !== undefined) this.#settle(job, unknown(because))
  }

  #giveUp(job: Job): void {
    const at = this.#queue.indexOf(job)
    if (at === -1) return
    this.#queue.splice(at, 1)
    this.#settle(job, unknown('no parser was free in time'))
  }

  #settle(job: Job, facts: TextFacts): void {
    clearTimeout(job.timer)
    job.settle(facts)
  }
}
