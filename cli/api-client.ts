// Talks to the API: bounded in time and size, no redirects, and a token only over TLS or loopback.
// It never prints or keeps a token.

import { randomUUID } from 'node:crypto'
import { request as requestPlain, type IncomingMessage } from 'node:http'
import { request as requestTls } from 'node:https'
import { PassThrough, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { z } from 'zod'
import { problem } from '../contract/answers.js'
import { tolerant } from '../contract/tolerant.js'
import { EXIT, exitCodeOf } from './exit-codes.js'
import { CliFailure, failureOf, isErrorCode } from './failure.js'

/** A call without a wait of its own. */
const CALL_TIMEOUT_MS = 20_000
/** An export may be long, but not for ever. */
const EXPORT_TIMEOUT_MS = 3_600_000
/** Whoever watches a session in its own time needs that time. */
const WATCH_TIMEOUT_MS = 24 * 3_600_000
/**
 * Pauses before a call that changes something is repeated because nobody answered it: about the time in
 * which a balancer notices that a server is gone. It carries a key, so that it never runs twice.
 */
const AGAIN_MS = [500, 1_500] as const
/** Read ahead while somebody watches, so that most connections are not held for long. */
const AHEAD_BYTES = 8 * 1024 * 1024
/** A line that is read into memory: the longest statement, with every character escaped. */
const LINE_CHARACTERS_MAX = 256 * 1024 * 1024
/** The longest answer that is read into memory. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024

type Method = 'GET' | 'POST' | 'PUT'

/** Where the API is and how calls to it are proven. */
export interface ApiAddress {
  readonly server: URL
  /** PEM of the authority that signed its certificate; the system's when absent. */
  readonly ca?: string | undefined
  /** Read for every call, so that a rotated token file is noticed. */
  readonly token: () => Promise<string>
  /** Resolves after the time, or as soon as the signal is aborted; never rejects. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
}

/** One call's extras. */
export interface CallOptions {
  /** How long the server may take on purpose (long poll), on top of the usual time. */
  readonly waitMs?: number
  readonly signal?: AbortSignal
}

/** The API of one server, as one caller. */
export class ApiClient {
  readonly #address: ApiAddress

  /** @throws CliFailure when the token would travel in the clear. */
  constructor(address: ApiAddress) {
    const { protocol, hostname } = address.server
    const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
    if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback))
      throw new CliFailure({
        message: `${address.server.origin} is not an https address; a token is only sent over TLS.`,
        remedy: 'Give an https URL with --server or WARDER_SERVER (plain http is for loopback).',
        exitCode: EXIT.usage,
      })
    this.#address = address
  }

  /** The token as it would be sent. */
  token(): Promise<string> {
    return this.#address.token()
  }

  get<T>(path: string, answer: z.ZodType<T>, options: CallOptions = {}): Promise<T> {
    return this.#json('GET', path, undefined, answer, options)
  }

  /** Sends it under a key of its own, so that it may be repeated while nobody answers. */
  async post<T>(
    path: string,
    body: object,
    answer: z.ZodType<T>,
    options: CallOptions = {},
  ): Promise<T> {
    const key = `"${randomUUID()}"`
    const never = new AbortController().signal
    for (const pauseMs of AGAIN_MS) {
      try {
        return await this.#json('POST', path, body, answer, { ...options, key })
      } catch (error) {
        if (!isUnanswered(error) || options.signal?.aborted === true) throw error
      }
      await this.#address.pause(pauseMs, options.signal ?? never)
    }
    return await this.#json('POST', path, body, answer, { ...options, key })
  }

  put<T>(path: string, body: object, answer: z.ZodType<T>): Promise<T> {
    return this.#json('PUT', path, body, answer, {})
  }

  /** Copies an answer as it comes; a connection that breaks in the middle is a failure. */
  async copy(path: string, out: Writable): Promise<void> {
    const response = await this.#send(
      'GET',
      path,
      undefined,
      AbortSignal.timeout(EXPORT_TIMEOUT_MS),
    )
    if (response.statusCode !== 200) throw failureFrom(await textOf(response))
    await pipeline(response, out, { end: false }).catch((error: unknown) => {
      throw this.#unreachable(error)
    })
  }

  /**
   * The lines of an answer as they come, each read as JSON; whoever takes them slowly slows the server.
   * A connection that breaks in the middle is a failure, and so is a line of another form.
   */
  async *lines<T>(path: string, line: z.ZodType<T>): AsyncGenerator<T, void, undefined> {
    const stop = new AbortController()
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(WATCH_TIMEOUT_MS)])
    const read = tolerant(line)
    const response = await this.#send('GET', path, undefined, signal)
    if (response.statusCode !== 200) throw failureFrom(await textOf(response))
    const ahead = new PassThrough({ highWaterMark: AHEAD_BYTES, encoding: 'utf8' })
    // A failure reaches whoever reads `ahead`, after what came before it.
    pipeline(response, ahead).catch(() => undefined)
    try {
      for await (const text of linesOf(ahead)) {
        const parsed = read.safeParse(jsonOf(text))
        if (!parsed.success) throw oddAnswer()
        yield parsed.data
      }
    } catch (error) {
      throw this.#unreachable(error)
    } finally {
      stop.abort()
    }
  }

  async #json<T>(
    method: Method,
    path: string,
    body: object | undefined,
    answer: z.ZodType<T>,
    { waitMs = 0, signal, key }: CallOptions & { readonly key?: string },
  ): Promise<T> {
    const deadline = AbortSignal.timeout(CALL_TIMEOUT_MS + waitMs)
    const stop = signal === undefined ? deadline : AbortSignal.any([deadline, signal])
    const response = await this.#send(method, path, body, stop, key)
    const text = await textOf(response).catch((error: unknown) => {
      throw this.#unreachable(error)
    })
    const { statusCode = 0 } = response
    if (statusCode < 200 || statusCode > 299) throw failureFrom(text)
    const parsed = tolerant(answer).safeParse(jsonOf(text))
    if (!parsed.success) throw oddAnswer()
    return parsed.data
  }

  async #send(
    method: Method,
    path: string,
    body: object | undefined,
    signal: AbortSignal,
    key?: string,
  ): Promise<IncomingMessage> {
    const { server, ca } = this.#address
    const payload = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      authorization: `Bearer ${await this.token()}`,
      accept: 'application/json',
      ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    }
    const options = { method, headers, signal, agent: false as const }
    const url = new URL(path, server)
    return await new Promise((settle, fail) => {
      const outgoing =
        url.protocol === 'https:'
          ? requestTls(url, { ...options, ca, minVersion: 'TLSv1.2' }, settle)
          : requestPlain(url, options, settle)
      outgoing.once('error', (error) => {
        fail(this.#unreachable(error))
      })
      outgoing.end(payload)
    })
  }

  #unreachable(error: unknown): CliFailure {
    const { origin } = this.#address.server
    if (error instanceof CliFailure) return error
    const why = error instanceof Error ? reasonOf(error) : 'no answer'
    return new CliFailure({
      message: `Warder at ${origin} can't be reached: ${why}.`,
      remedy: 'Check --server (WARDER_SERVER), --ca (WARDER_CA) and the network.',
      exitCode: EXIT.unreachable,
    })
  }
}

/** No answer came, or only that the same call is still running: nobody knows what it did. */
const isUnanswered = (error: unknown): boolean =>
  error instanceof CliFailure &&
  (error.code === 'IDEMPOTENCY_KEY_BUSY' ||
    (error.code === undefined && error.exitCode === EXIT.unreachable))

const reasonOf = (error: Error): string =>
  error.name === 'AbortError' || error.name === 'TimeoutError' ? 'no answer in time' : error.message

async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  let parts: string[] = []
  let length = 0
  for await (const chunk of chunks) {
    const [first = '', ...rest] = chunk.split('\n')
    parts.push(first)
    length += first.length
    if (length > LINE_CHARACTERS_MAX) throw oddAnswer()
    for (const next of rest) {
      yield parts.join('')
      parts = [next]
      length = next.length
    }
  }
  // What does not end in a line feed was cut off, and is no line.
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > ANSWER_BYTES_MAX) throw oddAnswer()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function failureFrom(text: string): CliFailure {
  const parsed = problem.safeParse(jsonOf(text))
  if (!parsed.success) return oddAnswer()
  const { detail, remedy, id, code } = parsed.data
  if (!isErrorCode(code))
    return new CliFailure({ message: detail, remedy, id, exitCode: EXIT.denied })
  return new CliFailure({ message: detail, remedy, id, code, exitCode: exitCodeOf(code) })
}

const oddAnswer = (): CliFailure =>
  failureOf('PROTOCOL_VIOLATION', { why: 'the answer is not one of the Warder API' })
