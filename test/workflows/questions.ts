// What is asked, judged and answered in tests: one job, one resource, some people.
import { randomUUID } from 'node:crypto'
import type { Decision } from '../../core/decision.js'
import type { Principal } from '../../core/principal.js'
import type { AccessQuestion, ReviewQuestion } from '../../core/question.js'
import type { AccessVerdict, Approval } from '../../core/verdict.js'

export const minuteMs = 60_000

const reasons = [{ code: 'by-rule', text: 'rule 1 says so' }]

export const approval: Approval = { approvers: 'db-owners', quorum: 1, timeoutMs: 15 * minuteMs }

export const asks = (wanted: Partial<Approval> = {}): AccessVerdict => ({
  outcome: 'ask',
  reasons,
  durationMs: 30 * minuteMs,
  durationMsMax: 120 * minuteMs,
  approval: { ...approval, ...wanted },
})

export const allows: AccessVerdict = {
  outcome: 'allow',
  reasons,
  durationMs: 30 * minuteMs,
  durationMsMax: 60 * minuteMs,
}

export const blocks: AccessVerdict = { outcome: 'block', reasons }

export const principal = (name: string, parties: readonly string[] = []): Principal => ({
  issuer: 'demo',
  subject: name,
  groups: [],
  attributes: {},
  actors: [],
  parties,
  aliases: [`demo/${name}`],
  tokenExpiresAt: Date.now() + 600 * minuteMs,
})

export const decision = (
  answer: Decision['answer'],
  name: string,
  memberOf: readonly string[] = ['db-owners'],
): Decision => ({
  answer,
  approver: principal(name),
  memberOf,
  reason: `${name} says ${answer}`,
  channel: 'cli',
  at: 0,
})

export const accessQuestion = (fields: Partial<AccessQuestion> = {}): AccessQuestion => ({
  requestId: `req_${randomUUID()}`,
  principal: principal('job', ['demo/pusher']),
  principalKey: 'k'.repeat(64),
  tokenDigest: 'd'.repeat(64),
  resource: 'orders-db',
  role: 'orders-migrator',
  origin: 'request',
  reason: 'nightly migration',
  peer: '127.0.0.1:40000',
  ...fields,
})

export const reviewQuestion = (fields: Partial<ReviewQuestion> = {}): ReviewQuestion => ({
  reviewId: `cmd_${randomUUID()}`,
  requestId: 'req_one',
  grantId: 'grt_one',
  sessionId: 'ses_one',
  gatewayId: 'gwy_one',
  principal: principal('job', ['demo/pusher']),
  protocol: 'postgres',
  resource: 'orders-db',
  role: 'orders-migrator',
  effect: 'ddl',
  parts: [{ kind: 'create-table', effect: 'ddl', relations: [], traits: [], because: [] }],
  text: 'CREATE TABLE t (a int)',
  textBytes: 22,
  parameters: [],
  digest: 'a'.repeat(64),
  policyDigest: 'p'.repeat(64),
  reasons,
  approval,
  ...fields,
})
