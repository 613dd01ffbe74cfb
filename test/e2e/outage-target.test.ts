// The target is away, or does not take the gateway's credential: a clean FATAL, and no secret in it.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { Stage, type WireFailure } from './stage.js'
import { within } from './until.js'

let stage: Stage

beforeAll(async () => {
  stage = await Stage.open()
  await stage.start()
})

afterAll(async () => {
  await stage.close()
})

const refusal = async (): Promise<WireFailure> => {
  const { client } = stage.dial('migrate-job')
  const failure = await client.connect().then(
    () => new Error('connected'),
    (error: unknown) => error as Error,
  )
  return failure
}

test('a target that is down is a FATAL that says so, and the next connection works once it is up', async () => {
  const open = await stage.connect()
  await stage.target.stop()
  await within('the open session ends', 10_000, open.ended)
  expect(open.lastWords.length).toBeGreaterThan(0)
  const failure = await refusal()
  expect([failure.code, failure.message]).toEqual([
    '08006',
    "orders-db can't be reached: the connection was refused or reset.",
  ])
  await stage.restartTarget()
  const { client } = await stage.connect()
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  await client.end()
  expect(stage.secretsFound()).toEqual([])
})

test('a credential that the target does not take is a FATAL without a word of it', async () => {
  await stage.setTargetPassword('another password')
  const failure = await refusal()
  expect(failure.code).toBe('08006')
  expect(failure.message).toMatch(/^orders-db did not accept the gateway/)
  expect(JSON.stringify(failure)).not.toContain(stage.targetPassword)
  await stage.setTargetPassword(stage.targetPassword)
  const { client } = await stage.connect()
  await client.end()
  expect(stage.secretsFound()).toEqual([])
  expect(await stage.logProblems()).toEqual([])
})
