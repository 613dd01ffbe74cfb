// One wrapper around every route: what comes in and what goes out is checked against a schema, a
// refusal becomes a problem, a failure too. Routes never see a token, a header or a reply.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { Readable } from 'node:stream'
import type { z } from 'zod'
import {
  refused,
  WarderError,
  type ErrorCode,
  type Outcome,
  type Refusal,
} from '../../core/errors.js'
import type { Authenticated } from '../../core/ports.js'
import { visibleShort } from '../../core/visible.js'
import { HTTP_STATUS, problemOf } from './problem.js'

/** One authenticated call. */
export interface Call<P, Q, B> {
  readonly caller: Authenticated
  readonly params: P
  readonly query: Q
  readonly body: B
  /** Address and port of the caller's socket. */
  readonly peer: string
  /** Aborted when the caller hangs up. */
  readonly signal: AbortSignal
}

type Method = 'GET' | 'POST' | 'PUT'

/** What any route may refuse with: who calls, how often, in which form, and a fault of our own. */
export const COMMON_REFUSALS = [
  'UNAUTHENTICATED',
  'LIMIT_EXCEEDED',
  'INVALID_ARGUMENT',
  'INTERNAL',
] as const satisfies readonly ErrorCode[]

/** Lines that are sent as they come, instead of one JSON body. */
export interface Lines {
  readonly lines: AsyncIterable<string>
}

interface Spec<P, Q, B> {
  readonly method: Method
  readonly path: string
  /** What generated callers name the call: a verb and what it is done to, unique (`openRequest`). */
  readonly operationId: string
  /** What it does, in one line for the reference; ends without a full stop. */
  readonly summary: string
  /** What it refuses with, beside what every route does (`COMMON_REFUSALS`). */
  readonly refuses: readonly ErrorCode[]
  readonly params: z.ZodType<P>
  readonly query: z.ZodType<Q>
  readonly body: z.ZodType<B>
  /** Longest body, where it is not the usual limit. */
  readonly bodyBytesMax?: number
}

/** A route that answers with JSON. */
export interface JsonSpec<P, Q, B, R> extends Spec<P, Q, B> {
  readonly response: z.ZodType<unknown, R>
  readonly status?: number
  readonly handle: (call: Call<P, Q, B>) => Promise<Outcome<R>>
}

/** A route that answers with JSON Lines. */
export interface LinesSpec<P, Q, B> extends Spec<P, Q, B> {
  readonly handle: (call: Call<P, Q, B>) => Promise<Outcome<Lines>>
}

/** A route, ready to be mounted. */
export interface ApiRoute {
  readonly method: Method
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly refuses: readonly ErrorCode[]
  readonly bodyBytesMax?: number | undefined
  readonly run: (
    request: FastifyRequest,
    reply: FastifyReply,
    caller: Authenticated,
  ) => Promise<void>
}

/** Builds a route that answers with JSON; the answer is cut to its schema. */
export const jsonRoute = <P, Q, B, R>(spec: JsonSpec<P, Q, B, R>): ApiRoute =>
  routeOf(spec, spec.handle, async (value, reply) => {
    const body = spec.response.safeParse(value)
    if (!body.success)
      throw new WarderError(
        'INTERNAL',
        { why: 'an answer does not fit its schema' },
        { cause: body.error },
      )
    await reply.code(spec.status ?? 200).send(body.data)
  })

/** Builds a route that streams JSON Lines; a failure in the middle breaks the connection. */
export const linesRoute = <P, Q, B>(spec: LinesSpec<P, Q, B>): ApiRoute =>
  routeOf(spec, spec.handle, async ({ lines }, reply) => {
    await reply.type('application/x-ndjson').send(Readable.from(lines))
  })

function routeOf<P, Q, B, V>(
  spec: Spec<P, Q, B>,
  handle: (call: Call<P, Q, B>) => Promise<Outcome<V>>,
  send: (value: V, reply: FastifyReply) => Promise<void>,
): ApiRoute {
  return {
    method: spec.method,
    path: spec.path,
    operationId: spec.operationId,
    summary: spec.summary,
    refuses: spec.refuses,
    bodyBytesMax: spec.bodyBytesMax,
    run: async (request, reply, caller) => {
      const input = inputOf(spec, request)
      if (!input.ok) {
        await sendRefusal(reply, input.refusal)
        return
      }
      const outcome = await handle({
        ...input.value,
        caller,
        peer: peerOf(request),
        signal: hangUp(reply),
      })
      if (outcome.ok) await send(outcome.value, reply)
      else await sendRefusal(reply, outcome.refusal)
    },
  }
}

function inputOf<P, Q, B>(
  spec: Spec<P, Q, B>,
  request: FastifyRequest,
): Outcome<{ params: P; query: Q; body: B }> {
  const params = checked(spec.params, request.params, 'The path')
  if (!params.ok) return params
  const query = checked(spec.query, request.query, 'The query')
  if (!query.ok) return query
  const body = checked(spec.body, request.body, 'The body')
  if (!body.ok) return body
  return { ok: true, value: { params: params.value, query: query.value, body: body.value } }
}

function checked<T>(schema: z.ZodType<T>, input: unknown, what: string): Outcome<T> {
  const result = schema.safeParse(input)
  if (result.success) return { ok: true, value: result.data }
  const [issue] = result.error.issues
  const where = (issue?.path ?? []).map(String).join('.')
  const why = visibleShort(`${where === '' ? '' : `${where}: `}${issue?.message ?? ''}`, 300)
  return refused('INVALID_ARGUMENT', { what, why })
}

/** Answers with the problem of a refusal. */
export async function sendRefusal(reply: FastifyReply, refusal: Refusal): Promise<void> {
  if (refusal.code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer')
  if (refusal.code === 'LIMIT_EXCEEDED') reply.header('retry-after', '1')
  await reply
    .code(HTTP_STATUS[refusal.code])
    .type('application/problem+json')
    .send(problemOf(refusal, reply.request.id))
}

/** Address and port of the caller. */
export const peerOf = ({ ip, socket }: FastifyRequest): string =>
  `${ip.includes(':') ? `[${ip}]` : ip}:${String(socket.remotePort ?? 0)}`

function hangUp(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => {
    controller.abort()
  })
  return controller.signal
}
