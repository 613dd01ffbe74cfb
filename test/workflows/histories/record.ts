// Plays the main paths of both workflows on a real server and writes their histories down.
import { writeFileSync } from 'node:fs'
import { temporal } from '@temporalio/proto'
import { afterAll, beforeAll, test } from 'vitest'
import { grantIdOf } from '../../../core/ids.js'
import type { AccessQuestion, ReviewQuestion } from '../../../core/question.js'
import {
  accessQuestion,
  allows,
  approval,
  asks,
  blocks,
  decision,
  minuteMs,
  reviewQuestion,
} from '../questions.js'
import { startDevServer } from '../servers.js'
import { eventually, patient, startWorld, type World } from '../world.js'

let world: World

beforeAll(async () => {
  const limit = 'limit.historyCount.suggestContinueAsNew=60'
  world = await startWorld(
    await startDevServer({ extraArguments: ['--dynamic-config-value', limit] }),
  )
})

afterAll(async () => {
  await world.stop()
  await world.env.teardown()
})

async function write(name: string, id: string, runId?: string): Promise<void> {
  const handle = world.env.client.workflow.getHandle(id, runId)
  const history = await handle.fetchHistory()
  // The SDK's own JSON form does not load when two versions of protobufjs are installed.
  const bytes = temporal.api.history.v1.History.encode(history).finish()
  writeFileSync(new URL(`${name}.history`, import.meta.url), bytes)
}

async function over(name: string, id: string): Promise<void> {
  await world.env.client.workflow.getHandle(id).result()
  await write(name, id)
}

async function pending(question: AccessQuestion) {
  let isTold = false
  const outcome = world.access.open(question, patient(), () => {
    isTold = true
  })
  await eventually(() => isTold, 'the caller is told')
  return { id: question.requestId, outcome }
}

async function held(question: ReviewQuestion) {
  let isOpen = false
  const outcome = world.reviews.ask(question, patient(), () => {
    isOpen = true
  })
  await eventually(() => isOpen, 'the review is open')
  return { id: question.reviewId, outcome }
}

test('access requests', async () => {
  const { access, grants } = world
  world.verdict = blocks
  const blocked = accessQuestion()
  await access.open(blocked, patient(), () => undefined)
  await over('access-blocked', blocked.requestId)

  world.verdict = allows
  const extended = accessQuestion({ origin: 'exec' })
  await access.open(extended, patient(), () => undefined)
  await access.extend(extended.requestId, 5 * minuteMs, 'demo/ann')
  await access.complete(extended.requestId)
  await over('access-extended-completed', extended.requestId)

  world.verdict = asks({ quorum: 2 })
  const approved = await pending(accessQuestion({ origin: 'connect' }))
  await access.decide(approved.id, decision('approve', 'ann'))
  await access.decide(approved.id, decision('approve', 'bob'))
  await approved.outcome
  await access.idle(approved.id)
  await grants.end(grantIdOf(approved.id), { reason: 'revoked', by: 'demo/oncall', at: 1 })
  await access.ended(approved.id)
  await over('access-approved-revoked', approved.id)

  const denied = await pending(accessQuestion())
  await access.decide(denied.id, decision('deny', 'ann'))
  await over('access-denied', denied.id)

  const withdrawn = await pending(accessQuestion())
  await access.withdraw(withdrawn.id, 'enough')
  await over('access-withdrawn', withdrawn.id)

  world.verdict = asks({ timeoutMs: 500 })
  const expired = await pending(accessQuestion())
  await over('access-expired', expired.id)

  world.verdict = allows
  const cancelled = accessQuestion()
  await access.open(cancelled, patient(), () => undefined)
  await world.env.client.workflow.getHandle(cancelled.requestId).cancel()
  await over('access-cancelled', cancelled.requestId)
})

test('an access request over two runs', async () => {
  world.verdict = asks({ quorum: 2 })
  const moved = await pending(accessQuestion())
  await world.access.decide(moved.id, decision('approve', 'ann'))
  const handle = world.env.client.workflow.getHandle(moved.id)
  const { runId } = await handle.describe()
  while ((await handle.describe()).runId === runId) await handle.signal('idle')
  await world.access.decide(moved.id, decision('approve', 'bob'))
  await moved.outcome
  await world.access.complete(moved.id)
  await write('access-moved-first-run', moved.id, runId)
  await over('access-moved-second-run', moved.id)
})

test('command reviews', async () => {
  const approved = await held(reviewQuestion({ approval: { ...approval, quorum: 2 } }))
  await world.reviews.decide(approved.id, decision('approve', 'ann'))
  await world.reviews.decide(approved.id, decision('approve', 'bob'))
  await over('review-approved', approved.id)

  const denied = await held(reviewQuestion())
  await world.reviews.decide(denied.id, decision('deny', 'ann'))
  await over('review-denied', denied.id)

  const withdrawn = await held(reviewQuestion())
  await world.reviews.withdraw(withdrawn.id, 'enough')
  await over('review-withdrawn', withdrawn.id)

  const expired = await held(reviewQuestion({ approval: { ...approval, timeoutMs: 500 } }))
  await over('review-expired', expired.id)

  world.sessions.dead.add('gwy_dead')
  const lapsed = await held(reviewQuestion({ gatewayId: 'gwy_dead' }))
  await over('review-lapsed', lapsed.id)
})
