// One wrapper around every route: what comes in and what goes out is checked against a schema, a
// refusal becomes a problem, a failure too. Routes never see a token, a header or a reply.

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

/** One authenticated call. */
export interface Call<P, Q, B> extends CallContext {
  readonly params: P
  readonly query: Q
  readonly body: B
}

/** Who calls, from where. */
export interface CallContext {
  readonly caller: Authenticated
  /** Address and port of the caller's socket. */
  readonly peer: string
  /** Aborted when the caller hangs up. */
  readonly signal: AbortSignal
}

/** What a call brings, not yet checked. */
export interface CallInput {
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
}

/** What a route answers: one JSON value, lines that are sent as they come, or a refusal. */
export type Answer =
  | { readonly kind: 'json'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'lines'; readonly lines: AsyncIterable<string> }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

type Method = 'GET' | 'POST' | 'PUT'

/** What any route may refuse with: who calls, how often, in which form, and a fault of our own. */
export const COMMON_REFUSALS = [
  'UNAUTHENTICATED',
  'LIMIT_EXCEEDED',
  'INVALID_ARGUMENT',
  'INTERNAL',
  'CONTROL_PLANE_UNAVAILABLE',
] as const satisfies readonly ErrorCode[]

/** What any POST may refuse with besides: it takes an Idempotency-Key. */
export const KEYED_REFUSALS = [
  'IDEMPOTENCY_KEY_BUSY',
  'IDEMPOTENCY_KEY_REUSED',
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
  /** What it refuses with, beside what every route does (`COMMON_REFUSALS`, `KEYED_REFUSALS`). */
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
  /** One line, for the reference; a part that streams from elsewhere is not checked against it. */
  readonly line: z.ZodType
  readonly handle: (call: Call<P, Q, B>) => Promise<Outcome<Lines>>
}

/** A route, ready to be mounted, with what its description is made of. */
export interface ApiRoute {
  readonly method: Method
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly refuses: readonly ErrorCode[]
  readonly schemas: {
    readonly params: z.ZodType
    readonly query: z.ZodType
    readonly body: z.ZodType
    /** Of a whole answer, or of each of its lines. */
    readonly answer: z.ZodType
  }
  readonly answersWith: 'json' | 'lines'
  /** Of a success. */
  readonly status: number
  readonly bodyBytesMax?: number | undefined
  readonly run: (input: CallInput, context: CallContext) => Promise<Answer>
}

/** Builds a route that answers with JSON; the answer is cut to its schema. */
export const jsonRoute = <P, Q, B, R>(spec: JsonSpec<P, Q, B, R>): ApiRoute => {
  const status = spec.status ?? 200
  return {
    ...described(spec, spec.response),
    ...{ answersWith: 'json', status },
    run: (input, context) =>
      runChecked(spec, input, context, spec.handle, (value) => {
        const body = spec.response.safeParse(value)
        if (body.success) return { kind: 'json', status, body: body.data }
        const why = 'an answer does not fit its schema'
        throw new WarderError('INTERNAL', { why }, { cause: body.error })
      }),
  }
}

/** Builds a route that streams JSON Lines; a failure in the middle breaks the connection. */
export const linesRoute = <P, Q, B>(spec: LinesSpec<P, Q, B>): ApiRoute => ({
  ...described(spec, spec.line),
  ...{ answersWith: 'lines', status: 200 },
  run: (input, context) =>
    runChecked(spec, input, context, spec.handle, ({ lines }) => ({ kind: 'lines', lines })),
})

const described = <P, Q, B>(spec: Spec<P, Q, B>, answer: z.ZodType) => ({
  method: spec.method,
  path: spec.path,
  operationId: spec.operationId,
  summary: spec.summary,
  refuses: spec.refuses,
  schemas: { params: spec.params, query: spec.query, body: spec.body, answer },
  bodyBytesMax: spec.bodyBytesMax,
})

async function runChecked<P, Q, B, V>(
  spec: Spec<P, Q, B>,
  input: CallInput,
  context: CallContext,
  handle: (call: Call<P, Q, B>) => Promise<Outcome<V>>,
  answerOf: (value: V) => Answer,
): Promise<Answer> {
  const checked = inputOf(spec, input)
  if (!checked.ok) return { kind: 'refused', refusal: checked.refusal }
  const outcome = await handle({ ...checked.value, ...context })
  return outcome.ok ? answerOf(outcome.value) : { kind: 'refused', refusal: outcome.refusal }
}

function inputOf<P, Q, B>(
  spec: Spec<P, Q, B>,
  input: CallInput,
): Outcome<{ params: P; query: Q; body: B }> {
  const params = checked(spec.params, input.params, 'The path')
  if (!params.ok) return params
  const query = checked(spec.query, input.query, 'The query')
  if (!query.ok) return query
  const body = checked(spec.body, input.body, 'The body')
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
