// One session's work is no other's wait: while one has long texts parsed and judged, a second one goes
// on at its own pace. Measured is how long the event loop's thread was busy with anything else between
// a question of the second session and its answer: the machine's other work does not count.

import { afterAll, beforeAll, expect, test } from 'vitest'

import { startPostgresWorld, type PostgresWorld } from '../../postgres-world.js'
import { collectGarbage, mainThreadMs } from './own-process.js'
import { WireClient } from './wire-client.js'

const TEXT_BYTES = 256 * 1024
const STALL_MS_MAX = 20
/** The median of the longest stalls of so many texts counts. */
const TEXT_COUNT = 7

let world: PostgresWorld
let busy: WireClient
let other: WireClient

beforeAll(async () => {
  world = await startPostgresWorld({ schema: 'create table t (a int, x text)' })
  busy = await WireClient.login({ port: world.port })
  other = await WireClient.login({ port: world.port })
})
afterAll(async () => {
  await busy.close()
  await other.close()
  await world.stop()
})

/** Repeats `piece` up to the limit, each time with another number. */
function filled(head: string, piece: (number: number) => string, tail = ''): string {
  const pieces: string[] = []
  let sizeBytes = Buffer.byteLength(head + tail)
  for (let number = 0; ; number += 1) {
    const next = piece(number)
    sizeBytes += Buffer.byteLength(next)
    if (sizeBytes > TEXT_BYTES) return head + pieces.join('') + tail
    pieces.push(next)
  }
}

/** The longest stall of the other session, ms, while the busy one waits for the answer to `text`. */
async function longestStallMs(text: string): Promise<number> {
  collectGarbage()
  const asked = { isAnswered: false }
  const answered = busy.query(text).finally(() => {
    asked.isAnswered = true
  })
  let longestMs = 0
  while (!asked.isAnswered) {
    const from = mainThreadMs()
    await other.query('select a from t')
    longestMs = Math.max(longestMs, mainThreadMs() - from)
  }
  await answered
  return longestMs
}

test.each([
  ['numbers', (n: number) => filled('select a from t where a in (0', (at) => `,${n + at}`, ')')],
  ['strings beyond ASCII', (n: number) => filled(`select ${n}`, (at) => `, 'ä ${n + at}'`)],
  ['columns', (n: number) => filled(`select ${n}`, (at) => `, t.a as a${at}`, ' from t')],
  ['calls', (n: number) => filled(`select ${n}`, (at) => `, a + ${at} * length(x)`, ' from t')],
  ['functions', (n: number) => filled(`select ${n}`, (at) => `, f${at}(a)`, ' from t')],
  ['tables', (n: number) => filled(`select ${n} from t`, (at) => `, s${at % 1500}.t${at % 1500}`)],
  ['conditions', (n: number) => filled(`select ${n} from t where a = 0`, (at) => ` or a = ${at}`)],
  ['statements', (n: number) => filled(`select ${n}`, (at) => `; select ${at}, '${PADDING}'`)],
  ['nonsense', (n: number) => filled(`select ${n}`, (at) => ` ${at}`)],
])(
  'a session that sends 256 KiB of %s again and again stalls no other',
  async (_, text) => {
    await busy.query(text(0))
    await other.query('select a from t')
    const stalls: number[] = []
    for (let number = 1; number <= TEXT_COUNT; number += 1) {
      // Numbers of the same length, so that each text is as long as the others, and new.
      stalls.push(await longestStallMs(text(number * 1_000_000)))
    }
    const sorted = stalls.toSorted((one, two) => one - two)
    const medianMs = sorted[Math.floor(TEXT_COUNT / 2)]
    const all = sorted.map((ms) => ms.toFixed(1)).join(', ')
    expect(medianMs, `longest stalls in ms: ${all}`).toBeLessThanOrEqual(STALL_MS_MAX)
  },
  120_000,
)

/** As many statements as a text may have fit the limit only when each is this long. */
const PADDING = 'x'.repeat(260)
