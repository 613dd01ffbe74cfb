// Temporal dies, or falls silent. What waits for people goes on waiting, what needs nobody goes on
// working, and a revoke cuts as ever.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { isRunning } from '../../app/embedded/process-identity.js'
import { API_POLL_MS, codeOf, Stage } from './stage.js'
import { until, within } from './until.js'

let stage: Stage

beforeAll(async () => {
  stage = await Stage.open()
  await stage.start()
})

afterEach(async () => {
  expect(await stage.logProblems()).toEqual([])
  expect(stage.secretsFound()).toEqual([])
})

afterAll(async () => {
  await stage.close()
})

test('a review that was pending when Temporal died can be approved, and the command goes on', async () => {
  const { client } = await stage.connect()
  const held = client.query('CREATE TABLE survived (id int)')
  held.catch(() => undefined)
  const review = await stage.pendingReview('survived')
  const { temporal } = stage.warder.engines()
  process.kill(temporal.pid, 'SIGKILL')
  await until('Temporal is started again', 30_000, () => {
    const next = stage.warder.engines().temporal
    return next.pid !== temporal.pid && isRunning(next)
  })
  expect((await stage.item(review.id)).state).toBe('pending')
  await until(
    'the approval is taken',
    30_000,
    async () => {
      return (await stage.decide(review.id, 'approve')).status === 200
    },
    API_POLL_MS,
  )
  await within('the held command runs', 30_000, held)
  expect(
    await stage.askTarget("SELECT count(*)::int FROM pg_class WHERE relname = 'survived'"),
  ).toEqual([1])
  await client.end()
})

test('while Temporal is silent, reads and writes go on, questions are refused, and revoke cuts', async () => {
  const { client, lastWords, ended } = await stage.connect()
  const { temporal } = stage.warder.engines()
  process.kill(temporal.pid, 'SIGSTOP')
  try {
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    await client.query("INSERT INTO orders VALUES (1, 'while Temporal was silent')")
    const second = await stage.connect()
    await second.client.end()
    const asked = codeOf(client.query('CREATE TABLE asked_in_vain (id int)'))
    expect(await within('the question is refused', 10_000, asked)).toBe('57P03')
    expect((await client.query('SELECT 2 AS two')).rows).toEqual([{ two: 2 }])
    const stranger = stage.dial('guest-job', { role: 'reader' })
    const refusedLogin = codeOf(stranger.client.connect())
    expect(await within('a new grant is refused', 15_000, refusedLogin)).toBe('57P03')
    const receipt = stage.revoke('test/migrate-job')
    await within('the session is cut', 2_000, ended)
    expect(lastWords[0]?.code).toBe('57P01')
    expect((await receipt).body).toMatchObject({ sessionsCut: 1 })
  } finally {
    process.kill(temporal.pid, 'SIGCONT')
  }
  expect(await stage.askTarget("SELECT to_regclass('public.asked_in_vain')")).toEqual([null])
  expect(
    (await stage.log('command.intended')).some(({ fields }) =>
      String(fields['text']).includes('while Temporal was silent'),
    ),
  ).toBe(true)
})
