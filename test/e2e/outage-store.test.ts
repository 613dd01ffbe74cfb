// The store dies, or falls silent. No write reaches the target without its record, and a session
// whose grant can't be looked up any more is ended.

import { spawnSync } from 'node:child_process'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { isRunning } from '../../app/embedded/process-identity.js'
import { codeOf, Stage, type WireFailure } from './stage.js'
import { until, within } from './until.js'

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

/** The postmaster and all that it has started. */
function storeProcesses(): readonly number[] {
  const { pid } = stage.warder.engines().store
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
  const rows = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number))
  return [pid, ...rows.flatMap(([child, parent]) => (parent === pid && child ? [child] : []))]
}

const signalAll = (pids: readonly number[], signal: NodeJS.Signals): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // Gone by itself meanwhile.
    }
  }
}

/** Rows of the target without an intent on record. */
async function unrecorded(): Promise<unknown[]> {
  const texts = (await stage.log('command.intended')).map(({ fields }) => String(fields['text']))
  const rows = await stage.askTarget('SELECT item FROM orders')
  return rows.filter((item) => !texts.some((text) => text.includes(`'${String(item)}'`)))
}

test('a store that is killed and comes back in time costs nothing that was recorded', async () => {
  await stage.running()
  const { client, lastWords } = await stage.connect()
  const { store } = stage.warder.engines()
  let written = 0
  let failure: WireFailure | undefined
  const writing = (async () => {
    for (; written < 500 && failure === undefined; written += 1) {
      const id = 1_000 + written
      await client.query(`INSERT INTO orders VALUES (${id}, 'over the kill ${id}')`)
    }
  })().catch((error: unknown) => {
    failure = error as WireFailure
  })
  await until('writing has begun', 10_000, () => written > 5)
  process.kill(store.pid, 'SIGKILL')
  await until('the store is started again', 30_000, () => {
    const next = stage.warder.engines().store
    return next.pid !== store.pid && isRunning(next)
  })
  await within('writing ends, well or with a clear error', 30_000, writing)
  if (failure !== undefined) expect([failure.code, lastWords[0]?.code]).toContain('57P03')
  await stage.running()
  expect(
    await until('the log can be read', 15_000, async () => ({ rows: await unrecorded() })),
  ).toEqual({ rows: [] })
})

test('a silent store ends sessions within the limit, and lets no write through', async () => {
  await stage.running()
  const { client, lastWords, ended } = await stage.connect()
  const idle = await stage.connect()
  const processes = storeProcesses()
  signalAll(processes, 'SIGSTOP')
  try {
    const written = codeOf(client.query("INSERT INTO orders VALUES (2, 'unrecorded')"))
    await within('both sessions end', 12_000, Promise.all([ended, idle.ended]))
    expect(await written).not.toBe('it ran')
    expect(idle.lastWords[0]?.code).toBe('57P03')
    expect([lastWords[0]?.code, await written]).toContain('57P03')
    // A log that failed is over for good: its process gives up, and another one takes its place.
    const { warder } = stage
    await until('a process gives up', 20_000, () => warder.output.includes('can’t go on'))
  } finally {
    signalAll(processes, 'SIGCONT')
  }
  expect(await stage.askTarget('SELECT item FROM orders WHERE id = 2')).toEqual([])
  const again = await until('callers are let in again', 60_000, () => stage.connect())
  await again.client.query("INSERT INTO orders VALUES (3, 'recorded again')")
  await again.client.end()
  expect(stage.warder.isRunning).toBe(true)
  expect(await unrecorded()).toEqual([])
})
