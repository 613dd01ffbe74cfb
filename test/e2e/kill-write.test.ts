// kill -9 in the middle of writing, again and again: whatever the target holds was on record before.

import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seeded, seedOfRun } from '../random.js'
import { Stage, type Conversation } from './stage.js'

const ROUNDS = 30
/** Writing goes on for up to this long before the kill. */
const WRITING_MS_MAX = 120

const seed = seedOfRun()
const random = seeded(seed)

let stage: Stage

beforeAll(async () => {
  // Store and Temporal live on, and one gateway will do, so that a round costs little but its start.
  stage = await Stage.open({ outside: true, variables: { WARDER_GATEWAY_PROCESSES: '1' } })
})

afterAll(async () => {
  await stage.close()
})

let lastId = 0

/** Writes until the connection breaks: plain statements, parameters, and transactions, in turn. */
async function writeUntilBroken({ client }: Conversation): Promise<void> {
  try {
    for (;;) {
      const id = (lastId += 1)
      const kind = id % 3
      if (kind === 0) await client.query(`INSERT INTO orders VALUES (${id}, 'plain ${id}')`)
      else if (kind === 1) {
        await client.query('INSERT INTO orders VALUES ($1, $2)', [id, `bound ${id}`])
      } else {
        await client.query('BEGIN')
        await client.query(`INSERT INTO orders VALUES (${id}, 'plain ${id}')`)
        await client.query('COMMIT')
      }
    }
  } catch (failure) {
    // Killed, as meant. Anything that the gateway itself says has a SQLSTATE.
    expect((failure as { code?: string }).code ?? '').not.toMatch(/^[0-9A-Z]{5}$/)
  }
}

/** The ids that the intents on record are about. */
async function intended(): Promise<ReadonlySet<string>> {
  const found = (await stage.log('command.intended')).map(({ fields }) => {
    const { text, parameters } = fields
    const [first] = Array.isArray(parameters) ? (parameters as readonly string[]) : []
    return /VALUES \((\d+),/.exec(String(text))?.[1] ?? /\d+/.exec(first ?? '')?.[0] ?? ''
  })
  return new Set(found)
}

test(`after a kill -9 at any instant each row of the target has its intent on record (seed ${seed})`, async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const run = await stage.start()
    const callers = await Promise.all([stage.connect(), stage.connect()])
    const writers = callers.map((caller) => writeUntilBroken(caller))
    await pause(random() * WRITING_MS_MAX)
    await run.kill()
    await Promise.all(writers)
  }
  await stage.start()
  const rows = await stage.askTarget('SELECT id::text FROM orders ORDER BY id')
  const onRecord = await intended()
  expect(rows.length).toBeGreaterThan(ROUNDS)
  expect(rows.filter((id) => !onRecord.has(String(id)))).toEqual([])
  expect(await stage.logProblems()).toEqual([])
  expect(stage.secretsFound()).toEqual([])
}, 480_000)
