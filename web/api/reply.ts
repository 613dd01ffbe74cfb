// From an answer of a route to bytes on the wire: one JSON value, JSON Lines, or a problem. What was
// answered once under an idempotency key is sent again as it was.

import type { FastifyReply } from 'fastify'
import { Readable } from 'node:stream'
import type { Refusal } from '../../core/errors.js'
import type { KeptAnswer } from '../../core/idempotency.js'
import { busyRetryS } from './limits.js'
import { HTTP_STATUS, problemOf } from './problem.js'
import type { Answer } from './route.js'

const JSON_TYPE = 'application/json; charset=utf-8'
const PROBLEM_TYPE = 'application/problem+json'

/** Sends what a route answered. */
export async function sendAnswer(reply: FastifyReply, answer: Answer): Promise<void> {
  if (answer.kind === 'lines')
    await reply.type('application/x-ndjson').send(Readable.from(answer.lines))
  else if (answer.kind === 'refused') await sendRefusal(reply, answer.refusal)
  else await reply.code(answer.status).send(answer.body)
}

/** Answers with the problem of a refusal. */
export async function sendRefusal(reply: FastifyReply, refusal: Refusal): Promise<void> {
  const { code } = refusal
  if (code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer')
  if (code === 'LIMIT_EXCEEDED' || code === 'IDEMPOTENCY_KEY_BUSY')
    // A rate limit knows better how long; it has set its own.
    if (!reply.hasHeader('retry-after')) reply.header('retry-after', String(busyRetryS))
  await reply.code(HTTP_STATUS[code]).type(PROBLEM_TYPE).send(problemOf(refusal, reply.request.id))
}

/** An answer as it is kept under a key; lines are never kept. */
export function keptOf(answer: Exclude<Answer, { kind: 'lines' }>, callId: string): KeptAnswer {
  if (answer.kind === 'json')
    return { status: answer.status, type: JSON_TYPE, body: JSON.stringify(answer.body) }
  const problem = problemOf(answer.refusal, callId)
  return { status: problem.status, type: PROBLEM_TYPE, body: JSON.stringify(problem) }
}

/** Sends a kept answer, and says that it is one. */
export async function sendKept(reply: FastifyReply, { status, type, body }: KeptAnswer) {
  await reply.code(status).type(type).header('idempotency-replayed', 'true').send(body)
}
