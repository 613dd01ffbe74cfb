// The HTTP API: routes mounted, callers authenticated before a body is read, failures turned into
// problems, and nothing secret in the log. It decides nothing itself.

import { isIP } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { nanoid } from 'nanoid'
import { WarderError, type Refusal } from '../../core/errors.js'
import type { Authenticated } from '../../core/ports.js'
import { Authentication, peerOf } from './authentication.js'
import { runOnce } from './idempotency.js'
import {
  bodyBytesMax,
  callRate,
  headerBytesMax,
  idleTimeoutMs,
  receiveTimeoutMs,
} from './limits.js'
import { describeApi } from './openapi.js'
import type { ApiDependencies } from './ports.js'
import { HTTP_STATUS, problemOf } from './problem.js'
import { sendAnswer, sendKept, sendRefusal } from './reply.js'
import type { ApiRoute } from './route.js'
import { auditRoutes } from './routes/audit.js'
import { inboxRoutes } from './routes/inbox.js'
import { policyRoutes } from './routes/policies.js'
import { readinessRoutes } from './routes/readiness.js'
import { requestRoutes } from './routes/requests.js'
import { secretRoutes } from './routes/secrets.js'
import { revocationRoutes } from './routes/revocations.js'
import { serviceKeyRoutes } from './routes/service-keys.js'
import { whoamiRoutes } from './routes/whoami.js'

/** How the API serves. */
export interface ApiOptions {
  /** PEM; without it the API serves plain HTTP, and then listens on loopback only. */
  readonly tls?: { readonly certificate: string; readonly key: string } | undefined
  /** Where log lines (JSON) go; no log when absent. */
  readonly log?: { readonly level: string; readonly write: (line: string) => void } | undefined
}

/** Header and field names whose values never reach the log. */
const REDACTED = [
  'req.headers.authorization',
  '*.authorization',
  '*.token',
  '*.value',
  '*.password',
]

/** Builds the API; nothing listens yet. */
export function buildApi(parts: ApiDependencies, options: ApiOptions = {}): FastifyInstance {
  const api = construct(options)
  const authentication = new Authentication(parts.identity, parts.clock, parts.onRefusedCaller)
  const callers = new WeakMap<FastifyRequest, Authenticated>()

  /** Runs before the body is read, so that strangers can't make us parse anything. */
  const authenticate = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const outcome = await authentication.authenticate(request)
    if (!outcome.ok) {
      await sendRefusal(reply, outcome.refusal)
      return
    }
    callers.set(request, outcome.value)
    const { left, nextS } = authentication.standing(outcome.value.principalKey)
    reply.headers({
      'ratelimit-policy': RATE_POLICY,
      ratelimit: `"principal";r=${left};t=${nextS}`,
    })
  }

  api.removeContentTypeParser('text/plain')
  // With a callback: a reply is thenable, and awaiting it here would wait for itself.
  api.addHook('onSend', (_request, reply, _payload, done) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    done()
  })
  api.setErrorHandler(onFailure)
  api.setNotFoundHandler(async (_request, reply) => {
    await sendRefusal(reply, { code: 'NOT_FOUND', details: { what: 'such path' } })
  })
  api.get('/healthz', () => ({ status: 'ok' }))
  // Whoever asks here may be anybody: which part is down says /v1/readiness.
  api.get('/readyz', async (_request, reply) => {
    const { status } = await parts.readiness()
    return reply.code(status === 'ready' ? 200 : 503).send({ status })
  })
  const routes = routesOf(parts)
  const description = JSON.stringify(describeApi(routes))
  api.get('/v1/openapi.json', (_request, reply) => reply.type('application/json').send(description))
  for (const route of routes) {
    api.route({
      method: route.method,
      url: route.path,
      bodyLimit: route.bodyBytesMax ?? bodyBytesMax,
      onRequest: authenticate,
      handler: async (request, reply) => {
        const caller = callers.get(request)
        if (caller === undefined) throw new WarderError('INTERNAL', { why: 'nobody called' })
        const answer = await answerOf(parts, route, request, reply, caller)
        if (answer.kind === 'kept') await sendKept(reply, answer.kept)
        else await sendAnswer(reply, answer)
        return reply
      },
    })
  }
  return api
}

/** The quota of a principal (draft-ietf-httpapi-ratelimit-headers-10): what fills up within how long. */
const RATE_POLICY = `"principal";q=${callRate.burst};w=${callRate.burst / callRate.perSecond}`

/** Runs the route; a POST with a key only once. */
function answerOf(
  parts: ApiDependencies,
  route: ApiRoute,
  request: FastifyRequest,
  reply: FastifyReply,
  caller: Authenticated,
) {
  const { params, query, body } = request
  const context = { caller, peer: peerOf(request), signal: hangUp(reply) }
  const run = () => route.run({ params, query, body }, context)
  if (route.method !== 'POST') return run()
  const header = request.headers['idempotency-key']
  return runOnce(parts.idempotency, {
    key: typeof header === 'string' ? header : undefined,
    principalKey: caller.principalKey,
    what: [route.method, request.url, body ?? null],
    callId: request.id,
    run,
  })
}

function hangUp(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => {
    controller.abort()
  })
  return controller.signal
}

/**
 * Listens; answers with the port.
 *
 * @throws WarderError `TLS_REQUIRED` for plain HTTP anywhere but on loopback.
 */
export async function listenApi(
  api: FastifyInstance,
  options: ApiOptions,
  address: { readonly host: string; readonly port: number },
): Promise<number> {
  if (options.tls === undefined && !isLoopback(address.host)) throw new WarderError('TLS_REQUIRED')
  await api.listen({ ...address })
  return boundPort(api, address.port)
}

function boundPort(api: FastifyInstance, asked: number): number {
  const bound = api.server.address()
  return typeof bound === 'object' && bound !== null ? bound.port : asked
}

const isLoopback = (host: string): boolean =>
  host === '::1' || host === 'localhost' || (isIP(host) === 4 && host.startsWith('127.'))

function construct({ tls, log }: ApiOptions): FastifyInstance {
  const common = {
    logger:
      log === undefined
        ? false
        : { level: log.level, redact: REDACTED, stream: { write: log.write } },
    bodyLimit: bodyBytesMax,
    requestTimeout: receiveTimeoutMs,
    keepAliveTimeout: idleTimeoutMs,
    // A long poll or an export must not hold up the end of the process.
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 128 },
    // An id that a caller sends is never taken for ours.
    requestIdHeader: false as const,
    genReqId: () => `api_${nanoid()}`,
  }
  return tls === undefined
    ? Fastify({ ...common, http: { maxHeaderSize: headerBytesMax } })
    : Fastify({
        ...common,
        https: {
          cert: tls.certificate,
          key: tls.key,
          minVersion: 'TLSv1.2',
          maxHeaderSize: headerBytesMax,
        },
      })
}

/** Every route, for its description; nothing is called while it is made. */
export const describedRoutes = (): readonly ApiRoute[] => routesOf(nothingBehind)

/** Stands where only the form of the routes is looked at. */
const nothingBehind = new Proxy({} as ApiDependencies, {
  get: (_, name) => {
    throw new WarderError('INTERNAL', { why: `${String(name)} is not there to be described` })
  },
})

function routesOf(parts: ApiDependencies): readonly ApiRoute[] {
  return [
    ...requestRoutes(parts),
    ...inboxRoutes(parts),
    ...revocationRoutes(parts),
    ...auditRoutes(parts),
    ...policyRoutes(parts),
    ...secretRoutes(parts),
    ...serviceKeyRoutes(parts),
    ...whoamiRoutes(parts),
    ...readinessRoutes(parts),
  ]
}

async function onFailure(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const refusal = refusalOf(error)
  if (refusal.code === 'INTERNAL') request.log.error({ err: error }, 'a call failed')
  // What Fastify itself refuses (size, media type, JSON) keeps its own status.
  const status = error instanceof WarderError ? HTTP_STATUS[refusal.code] : statusOf(error)
  await reply
    .code(status)
    .type('application/problem+json')
    .send(problemOf(refusal, request.id, status))
}

const statusOf = (error: unknown): number =>
  error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : 500

function refusalOf(error: unknown): Refusal {
  if (error instanceof WarderError) return error.refusal
  const status = statusOf(error)
  if (status === 413) return { code: 'LIMIT_EXCEEDED', details: { why: 'the body is too long' } }
  if (status === 415)
    return { code: 'INVALID_ARGUMENT', details: { what: 'The body', why: 'send JSON' } }
  if (status >= 400 && status < 500)
    return { code: 'INVALID_ARGUMENT', details: { what: 'The request', why: 'it is malformed' } }
  return { code: 'INTERNAL', details: {} }
}
