// Today's workflow code on the histories of what ran before it. Needs no server.
import { readFileSync, readdirSync } from 'node:fs'
import { temporal } from '@temporalio/proto'
import { Worker } from '@temporalio/worker'
import { beforeAll, expect, test } from 'vitest'
import { bundlePath, quietTemporal, testDataConverter } from './servers.js'

const folder = new URL('histories/', import.meta.url)
const names = readdirSync(folder).filter((name) => name.endsWith('.history'))

let codePath: string

beforeAll(async () => {
  quietTemporal()
  codePath = await bundlePath()
}, 60_000)

const historyOf = (name: string) =>
  temporal.api.history.v1.History.decode(readFileSync(new URL(name, folder)))

const replay = (history: temporal.api.history.v1.IHistory, id: string) =>
  Worker.runReplayHistory(
    { workflowBundle: { codePath }, dataConverter: testDataConverter() },
    history,
    id,
  )

test('there are histories of both workflows to replay', () => {
  expect(names.filter((name) => name.startsWith('access-')).length).toBeGreaterThanOrEqual(8)
  expect(names.filter((name) => name.startsWith('review-')).length).toBeGreaterThanOrEqual(5)
})

test.each(names)('today’s code decides as it was recorded in %s', async (name) => {
  await replay(historyOf(name), name)
})

test('a history that today’s code would not have made is noticed', async () => {
  const history = historyOf('review-denied.history')
  const scheduled = history.events.find((event) => event.activityTaskScheduledEventAttributes)
  const attributes = scheduled?.activityTaskScheduledEventAttributes
  if (attributes == null) throw new Error('no activity in the history')
  attributes.activityType = { name: 'somethingElse' }
  await expect(replay(history, 'changed')).rejects.toThrow('somethingElse')
})
