// The all-in-one process dies at the worst moments. Nothing runs that was not agreed to, nothing that
// waits for people is lost, and the log holds.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { isRunning } from '../../app/embedded/process-identity.js'
import { API_POLL_MS, codeOf, Stage } from './stage.js'
import { until } from './until.js'

let stage: Stage

beforeAll(async () => {
  stage = await Stage.open()
})

afterEach(async () => {
  await stage.running()
  expect(await stage.logProblems()).toEqual([])
  expect(stage.secretsFound()).toEqual([])
})

afterAll(async () => {
  await stage.close()
})

test('commands that were held when the gateway died never run, whatever becomes of their reviews', async () => {
  await stage.running()
  const held = ['held_and_approved', 'held_and_left'].map(async (table) => {
    const { client } = await stage.connect()
    return codeOf(client.query(`CREATE TABLE ${table} (id int)`))
  })
  const approved = await stage.pendingReview('held_and_approved')
  const left = await stage.pendingReview('held_and_left')
  await stage.warder.kill()
  expect(await Promise.all(held)).toEqual(['the connection broke', 'the connection broke'])
  await stage.start()
  // Whoever approves now approves nothing: the gateway that held the command is gone for good.
  await stage.decide(approved.id, 'approve')
  await until(
    'the lease of the other lapses',
    60_000,
    async () => {
      return (await stage.item(left.id)).state === 'withdrawn'
    },
    API_POLL_MS,
  )
  const late = await stage.decide(left.id, 'approve')
  expect([late.status, late.body['code']]).toEqual([409, 'ALREADY_DECIDED'])
  expect((await stage.item(approved.id)).state).not.toBe('pending')
  const made = "SELECT relname FROM pg_class WHERE relname LIKE 'held_and_%'"
  expect(await stage.askTarget(made)).toEqual([])
})

test('an access request is still pending after the restart, and can be approved', async () => {
  await stage.running()
  const asked = await stage.call('guest-job', 'POST', '/v1/requests', {
    resource: 'orders-db',
    role: 'reader',
    reason: 'to look',
  })
  expect([asked.status, asked.body['state']]).toEqual([201, 'pending'])
  const id = String(asked.body['id'])
  await stage.warder.kill()
  await stage.start()
  expect((await stage.inbox()).map((item) => item.id)).toContain(id)
  expect((await stage.decide(id, 'approve')).body['state']).toBe('approved')
  await until(
    'the grant is open',
    10_000,
    async () => (await stage.item(id)).state === 'active',
    API_POLL_MS,
  )
  const { client } = await stage.connect('guest-job', { role: 'reader' })
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  await client.end()
})

test('what a killed process left running is stopped by the next start', async () => {
  await stage.running()
  const orphans = Object.values(stage.warder.engines())
  await stage.warder.kill()
  expect(orphans.every((orphan) => isRunning(orphan))).toBe(true)
  await stage.start()
  expect(orphans.some((orphan) => isRunning(orphan))).toBe(false)
  expect(Object.values(stage.warder.engines()).every((engine) => isRunning(engine))).toBe(true)
})

test('SIGTERM ends sessions with a clear FATAL and leaves no process', async () => {
  await stage.running()
  const { lastWords, ended } = await stage.connect()
  const engines = Object.values(stage.warder.engines())
  expect(await stage.warder.stop()).toEqual({ code: 0, signal: null })
  await ended
  expect(lastWords[0]).toMatchObject({
    code: '57P03',
    message: "Warder can't decide right now: the gateway is stopping.",
  })
  expect(engines.some((engine) => isRunning(engine))).toBe(false)
})
