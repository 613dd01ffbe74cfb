import { expect, test } from 'vitest'
import { createActivities } from '../../../activities/activities.js'
import type { AuditEvent } from '../../../core/audit.js'
import { WarderError } from '../../../core/errors.js'
import type { InboxItem } from '../../../core/inbox.js'
import { openAccessRequest } from '../../../core/access-request.js'
import { itemOf } from '../../../core/access-standing.js'
import {
  MemoryAudit,
  MemoryBreakGlass,
  MemoryGrants,
  MemoryInbox,
  MemoryReleases,
  MemorySessions,
  MemoryTokens,
} from '../../workflows/memory-ports.js'
import { accessQuestion, allows } from '../../workflows/questions.js'

function parts() {
  const audit = new MemoryAudit()
  const inbox = new MemoryInbox()
  const grants = new MemoryGrants()
  const releases = new MemoryReleases()
  const breakGlass = new MemoryBreakGlass()
  const state = { nowMs: 1_000, isSingleUse: true, digest: 'p1' }
  const activities = createActivities({
    ...{
      audit,
      inbox,
      grants,
      releases,
      breakGlass,
      sessions: new MemorySessions(),
      tokens: new MemoryTokens(),
    },
    clock: { now: () => state.nowMs, monotonicMs: () => 0 },
    rules: () => ({
      digest: state.digest,
      isSingleUse: () => state.isSingleUse,
      judge: () => allows,
    }),
  })
  return { activities, audit, inbox, grants, releases, breakGlass, state }
}

const question = accessQuestion({ tokenId: 'jti' })

function first(): { item: InboxItem; facts: readonly AuditEvent[] } {
  const { request, facts } = openAccessRequest(question, 0)
  return { item: itemOf(request), facts }
}

test('a record that is repeated after it was shown appends nothing', async () => {
  const { activities, audit } = parts()
  const { item, facts } = first()
  await activities.record(item, facts)
  await activities.record(item, facts)
  expect(audit.events).toHaveLength(1)
})

test('a record that the inbox did not take is not appended twice', async () => {
  const { activities, audit, inbox } = parts()
  const { item, facts } = first()
  const put = inbox.put.bind(inbox)
  inbox.put = () => Promise.reject(new Error('store away'))
  await expect(activities.record(item, facts)).rejects.toThrow('store away')
  inbox.put = put
  await activities.record(item, facts)
  expect(audit.events).toHaveLength(1)
  expect(inbox.items.has(item.id)).toBe(true)
})

test('nothing is shown before its facts are durable', async () => {
  const { activities, audit, inbox } = parts()
  const { item, facts } = first()
  audit.durable = () => Promise.reject(new WarderError('RECORD_UNAVAILABLE'))
  await expect(activities.record(item, facts)).rejects.toThrow('Nothing can be recorded')
  expect(inbox.items.size).toBe(0)
})

test('a token that expired on the way is refused', async () => {
  const { activities, state } = parts()
  state.nowMs = question.principal.tokenExpiresAt + 60_001
  expect(await activities.verifyAccess(question)).toMatchObject({
    refusal: { code: 'UNAUTHENTICATED' },
  })
})

test('a single-use token is good again for its own request, never for another', async () => {
  const { activities } = parts()
  expect((await activities.verifyAccess(question)).ok).toBe(true)
  expect((await activities.verifyAccess(question)).ok).toBe(true)
  expect((await activities.verifyAccess(accessQuestion({ tokenId: 'jti' }))).ok).toBe(false)
  expect((await activities.verifyAccess(accessQuestion())).ok).toBe(false)
})

test('each judgement is made under the policy in force, and says which that is', async () => {
  const { activities, state } = parts()
  expect((await activities.judgeAccess(question, 1)).policyDigest).toBe('p1')
  state.digest = 'p2'
  expect((await activities.judgeAccess(question, 1)).policyDigest).toBe('p2')
})

test('a grant that is unknown or over is not extended', async () => {
  const { activities, grants } = parts()
  expect(await activities.extendGrant('grt_none', 5)).toBeNull()
  expect(await activities.inspectGrant('grt_none')).toEqual({ end: null, openCount: 0 })
  const end = { reason: 'expired', by: 'time', at: 1 } as const
  expect(await activities.endGrant('grt_none', end)).toEqual(end)
  expect(grants.rows.size).toBe(0)
})

test('whoever owes an overdue review gets no further break-glass, and is told which it is', async () => {
  const { activities, breakGlass } = parts()
  const emergency = accessQuestion({ breakGlass: true })
  const outcomeAt = async (at: number, asked = emergency) =>
    (await activities.judgeAccess(asked, at)).verdict
  await activities.oweReview('req_open', 'demo/job', 50)
  expect((await outcomeAt(49)).outcome).toBe('allow')
  const late = await outcomeAt(50)
  expect(late.outcome).toBe('block')
  expect(late.reasons).toMatchObject([{ code: 'break-glass-overdue' }])
  expect(late.reasons[0]?.text).toContain('req_open')
  // What is agreed to in the ordinary way stays open to him.
  expect((await outcomeAt(50, accessQuestion())).outcome).toBe('allow')
  await activities.oweReview('req_open', 'demo/job', 9_000)
  expect((await outcomeAt(50)).outcome).toBe('block')
  await activities.settleReview('req_open', 60)
  expect((await outcomeAt(70)).outcome).toBe('allow')
  expect(breakGlass.owed.get('req_open')?.closedAt).toBe(60)
})
