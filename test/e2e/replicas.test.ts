// Two gateways and a Redis between them: what is said to one holds on the other, also while Redis is
// away, and when one of them dies.

import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type pg from 'pg'
import { isRedisMissing, startRedis, type RedisServer } from '../redis-server.js'
import { API_POLL_MS, codeOf, Stage, type Answer } from './stage.js'
import { until, within } from './until.js'
import type { WarderProcess } from './warder-process.js'

/** Runs for as long as nobody stops it. */
const ENDLESS = 'SELECT count(*) FROM generate_series(1, 100000000000)'

let redis: RedisServer
let stage: Stage
let here: WarderProcess
let there: WarderProcess

beforeAll(async () => {
  if (isRedisMissing()) return
  redis = await startRedis()
  stage = await Stage.open({
    outside: true,
    variables: {
      REDIS_URL: redis.url,
      WARDER_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    },
  })
  here = await stage.start()
  there = await stage.replica('there')
})

afterAll(async () => {
  if (isRedisMissing()) return
  await stage.close()
  await redis.stop()
})

/** Connects; who comes while a revoked grant is still being closed is told so, and comes again. */
const join = (at: WarderProcess) =>
  until('a new grant', 20_000, () => stage.connect('migrate-job', { at }), 200)

const revokeThere = (reason: string): Promise<Answer> =>
  stage.call('ana', 'POST', '/v1/revocations', { resource: 'orders-db', reason }, there)

/** A cancel request as libpq sends it ("Canceling Requests in Progress"), to a port of our choice. */
async function cancelAt(run: WarderProcess, client: pg.Client): Promise<void> {
  const { processID, secretKey } = client as pg.Client & { processID: number; secretKey: number }
  const message = Buffer.alloc(16)
  message.writeInt32BE(16, 0)
  message.writeInt32BE(80_877_102, 4)
  message.writeInt32BE(processID, 8)
  message.writeInt32BE(secretKey | 0, 12)
  const socket = connect(run.postgresPort, '127.0.0.1')
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.on('error', () => undefined).end(message)
  await within('the cancel request is taken', 10_000, closed)
}

/** True once the target works on a statement like this. */
const isRunning = (text: string) => async () =>
  (
    await stage.askTarget(
      `SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%${text}%'
       AND pid <> pg_backend_pid()`,
    )
  ).length > 0

test.skipIf(isRedisMissing())(
  'a revoke through one gateway has cut on the other when it answers',
  async () => {
    const mine = await join(here)
    const theirs = await join(there)
    const { status, body } = await revokeThere('a drill')
    expect([status, body['sessionsCut'], body['unconfirmed']]).toEqual([200, 2, []])
    expect(body['cuts']).toHaveLength(2)
    expect(Number(body['tookMs'])).toBeLessThan(900)
    await within('both are closed', 5_000, Promise.all([mine.ended, theirs.ended]))
    expect(mine.lastWords[0]?.code).toBe('57P01')
    expect(theirs.lastWords[0]?.code).toBe('57P01')
  },
)

test.skipIf(isRedisMissing())(
  'a cancel that reaches the wrong gateway stops the query on the right one',
  async () => {
    const { client } = await join(here)
    const running = codeOf(client.query(ENDLESS))
    await until('it runs', 20_000, isRunning('generate_series'))
    await cancelAt(there, client)
    expect(await within('it is cancelled', 20_000, running)).toBe('57014')
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    await client.end()
  },
)

test.skipIf(isRedisMissing())(
  'a command held on one gateway runs when it is approved through the other',
  async () => {
    const { client } = await join(here)
    const held = codeOf(client.query('CREATE TABLE approved_elsewhere (id int)'))
    const { id } = await stage.pendingReview('approved_elsewhere')
    await stage.call('ana', 'POST', '/v1/decisions', { id, answer: 'approve' }, there)
    expect(await within('it ran', 20_000, held)).toBe('it ran')
    await client.end()
  },
)

test.skipIf(isRedisMissing())(
  'with Redis killed a revoke still cuts everywhere, within two seconds',
  async () => {
    const { ended } = await join(here)
    await redis.kill()
    try {
      const { body } = await revokeThere('Redis is gone')
      expect([body['sessionsCut'], body['unconfirmed']]).toEqual([1, []])
      expect(Number(body['tookMs'])).toBeLessThan(2_000)
      await within('it is closed', 5_000, ended)
    } finally {
      await redis.restart()
    }
    // And once it is back, it is used again.
    await until('a cancel gets through again', 60_000, async () => {
      const { client } = await join(here)
      const running = codeOf(client.query(ENDLESS))
      await until('it runs', 20_000, isRunning('generate_series'))
      await cancelAt(there, client)
      const code = await within('it is cancelled', 5_000, running).catch(() => 'not cancelled')
      client.end().catch(() => undefined)
      return code === '57014'
    })
  },
)

test.skipIf(isRedisMissing())(
  'a gateway that dies takes its held command with it, and the other closes its books',
  async () => {
    const { client } = await join(there)
    const held = codeOf(client.query('CREATE TABLE held_by_the_dead (id int)'))
    const { id } = await stage.pendingReview('held_by_the_dead')
    await there.kill()
    expect(await held).toBe('the connection broke')
    await until(
      'its lease lapses',
      90_000,
      async () => (await stage.item(id)).state === 'withdrawn',
      API_POLL_MS,
    )
    const ended = await until(
      'its session is closed',
      60_000,
      async () =>
        (await stage.log('session.ended')).find(({ fields }) => fields['end'] === 'gateway-lost'),
      API_POLL_MS,
    )
    expect(ended.fields['grantId']).toMatch(/^grt_/)
    const made = "SELECT relname FROM pg_class WHERE relname = 'held_by_the_dead'"
    expect(await stage.askTarget(made)).toEqual([])
    expect((await stage.call('ana', 'GET', '/v1/audit/verify')).body['intact']).toBe(true)
  },
)
