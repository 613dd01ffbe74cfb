// The description of the API (OpenAPI 3.1.1), made from the very schemas that calls and answers are
// checked with. Pure; it knows nothing that a route does not say.

import { z } from 'zod'
import { problem } from '../../contract/answers.js'
import type { ErrorCode } from '../../core/errors.js'
import { messageOf } from '../../core/errors.js'
import { noBody } from './fields.js'
import { HTTP_STATUS } from './problem.js'
import { COMMON_REFUSALS, KEYED_REFUSALS, type ApiRoute } from './route.js'

type Schema = z.core.JSONSchema.BaseSchema

/** One operation of the description. */
export interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly tags: readonly string[]
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { readonly required: boolean; readonly content: Content }
  readonly responses: Readonly<Record<string, Response>>
}

/** A parameter of the path, the query or the header. */
export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly description?: string
  readonly schema: Schema
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>

interface Response {
  readonly description: string
  readonly headers?: Readonly<Record<string, object>>
  readonly content: Content
}

/** The whole description. */
export interface Description {
  readonly openapi: '3.1.1'
  readonly info: object
  readonly security: readonly object[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: object
}

/** Describes the routes, in their order. */
export function describeApi(routes: readonly ApiRoute[]): Description {
  const paths: Record<string, Record<string, Operation>> = {}
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    const operations = (paths[path] ??= {})
    operations[route.method.toLowerCase()] = operationOf(route)
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Warder',
      version: 'v1',
      description:
        'Everything that the command line does. Every call carries a token of a configured issuer; times are epoch milliseconds.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token of a configured issuer.' },
      },
      schemas: { Problem: problemSchema() },
      headers: HEADERS,
    },
  }
}

/** Every code that a route may refuse with, the common ones included. */
export const refusalsOf = ({ method, refuses }: ApiRoute): readonly ErrorCode[] => [
  ...new Set<ErrorCode>([
    ...COMMON_REFUSALS,
    ...(method === 'POST' ? KEYED_REFUSALS : []),
    ...refuses,
  ]),
]

function operationOf(route: ApiRoute): Operation {
  const { schemas, operationId, summary, path } = route
  return {
    ...{ operationId, summary, tags: [path.split('/')[2] ?? ''] },
    parameters: [
      ...parametersOf(schemas.params, 'path'),
      ...parametersOf(schemas.query, 'query'),
      ...(route.method === 'POST' ? [IDEMPOTENCY_KEY] : []),
    ],
    ...bodyOf(route),
    responses: {
      [String(route.status)]: successOf(route),
      ...refusalResponses(refusalsOf(route)),
    },
  }
}

const IDEMPOTENCY_KEY: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'A new quoted text for every call, such as a UUID; whoever repeats the call with it within 24 hours gets the first answer.',
  schema: { type: 'string', maxLength: 130 },
}

function parametersOf(schema: z.ZodType, place: 'path' | 'query'): readonly Parameter[] {
  const { properties = {}, required = [] } = inputSchema(schema)
  return Object.entries(properties).map(([name, property]) => ({
    ...{ name, in: place, required: required.includes(name) },
    schema: typeof property === 'boolean' ? {} : property,
  }))
}

function bodyOf({ method, schemas: { body } }: ApiRoute): Pick<Operation, 'requestBody'> {
  if (method === 'GET' || body === noBody) return {}
  const isRequired = !body.safeParse(undefined).success
  return {
    requestBody: {
      required: isRequired,
      content: { 'application/json': { schema: inputSchema(body) } },
    },
  }
}

function successOf({ status, answersWith, schemas }: ApiRoute): Response {
  const schema = z.toJSONSchema(schemas.answer, { ...OPTIONS, io: 'input' })
  return {
    description:
      answersWith === 'lines' ? 'JSON Lines, each of this form' : (DONE[status] ?? 'Done'),
    headers: RATE_HEADERS,
    content: {
      [answersWith === 'lines' ? 'application/x-ndjson' : 'application/json']: {
        schema: plain(schema),
      },
    },
  }
}

const DONE: Readonly<Record<number, string>> = { 200: 'Done', 201: 'Made' }

function refusalResponses(codes: readonly ErrorCode[]): Record<string, Response> {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of codes) {
    const status = HTTP_STATUS[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  // What the HTTP layer itself refuses.
  for (const status of [413, 415]) byStatus.set(status, [FORM_REFUSALS[status] ?? 'INTERNAL'])
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, some]) => [String(status), refusalResponse(status, some)]),
  )
}

const FORM_REFUSALS: Readonly<Record<number, ErrorCode>> = {
  413: 'LIMIT_EXCEEDED',
  415: 'INVALID_ARGUMENT',
}

function refusalResponse(status: number, codes: readonly ErrorCode[]): Response {
  const words = codes.map((code) => `\`${code}\`: ${messageOf({ code, details: {} })}`)
  return {
    description: words.join(' '),
    ...(status === 429 || status === 409 ? { headers: RETRY_HEADERS } : {}),
    content: {
      'application/problem+json': {
        schema: {
          allOf: [
            { $ref: '#/components/schemas/Problem' },
            { type: 'object', properties: { code: { enum: [...codes] } } },
          ],
        },
      },
    },
  }
}

const HEADERS = {
  RateLimit: {
    description: 'Calls left (`r`) and seconds until there is one more (`t`).',
    schema: { type: 'string' },
  },
  RateLimitPolicy: {
    description: 'Calls (`q`) that fill up within so many seconds (`w`).',
    schema: { type: 'string' },
  },
  RetryAfter: { description: 'Seconds after which to try again.', schema: { type: 'integer' } },
}

const RATE_HEADERS = {
  RateLimit: { $ref: '#/components/headers/RateLimit' },
  'RateLimit-Policy': { $ref: '#/components/headers/RateLimitPolicy' },
}

const RETRY_HEADERS = { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } }

/** What no JSON Schema can say (an absent body) is left out. */
const OPTIONS = { unrepresentable: 'any', reused: 'inline' } as const

const inputSchema = (schema: z.ZodType): Schema =>
  plain(z.toJSONSchema(schema, { ...OPTIONS, io: 'input' }))

const problemSchema = (): Schema => plain(z.toJSONSchema(problem, { ...OPTIONS, io: 'input' }))

/** The dialect is OpenAPI's own; and that a list is read-only in TypeScript is nothing to callers. */
function plain(schema: Schema): Schema {
  const text = JSON.stringify(schema, (key, value: unknown) =>
    key === '$schema' || (key === 'readOnly' && value === true) ? undefined : value,
  )
  return JSON.parse(text) as Schema
}
