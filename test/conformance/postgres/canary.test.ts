// Every masked cell of the target holds a token that stands nowhere else; whatever statements are
// made up and however they are sent, no answer, record, recording or failure holds a piece of one.
// WARDER_TEST_CANARIES sets how many (2000), WARDER_TEST_SEED repeats a run.

import { serialize } from 'pg-protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { startPostgresWorld, type PostgresWorld } from '../../postgres-world.js'
import { seeded, seedOfRun } from '../../random.js'
import { TokenSearch } from './canary-search.js'
import { CanaryStatements, type Freedom, type Step } from './canary-statements.js'
import { CANARY_POLICY, town } from './canary-town.js'
import { frame, p, q, s, WireClient, type Message } from './wire-client.js'

const SEED = seedOfRun()
const COUNT = Number(process.env['WARDER_TEST_CANARIES'] ?? 2_000)
const TIMEOUT_MS = 120_000 + COUNT * 60
/** Statements between two looks at what was recorded, so that it does not pile up. */
const LOOK_EVERY = 500

const STRICT: Freedom = { derived: 0.07, conditions: 0.07 }
const OPEN: Freedom = { derived: 0.07, conditions: 0.6 }
const CLEARED: Freedom = { derived: 0.8, conditions: 0.8 }

let world: PostgresWorld
let search: TokenSearch

beforeAll(async () => {
  process.stderr.write(`canary: WARDER_TEST_SEED=${String(SEED)}\n`)
  const made = town(seeded(SEED))
  search = new TokenSearch(made.tokens)
  world = await startPostgresWorld({ schema: made.sql, policy: CANARY_POLICY })
})
afterAll(() => world.stop())

/** One caller: makes statements, sends them and looks at what comes back. */
class Caller {
  readonly #role: string
  readonly #statements: CanaryStatements
  #client: WireClient | undefined
  readonly leaks: string[] = []
  scripts = 0
  withRows = 0
  refused = 0
  failed = 0
  withheld = 0

  constructor(role: string, seed: number) {
    this.#role = role
    this.#statements = new CanaryStatements(seeded(seed))
  }

  async run(freedom: Freedom, count: number): Promise<void> {
    for (let round = 0; round < count; round += 1)
      await this.#script(this.#statements.next(freedom))
  }

  async #script(steps: readonly Step[]): Promise<void> {
    this.#client ??= await WireClient.login({ port: world.port, role: this.#role })
    const client = this.#client
    client.send(q('begin'), ...steps.map(sent), q('rollback'))
    const messages: Message[] = []
    for (let ready = steps.length + 2; ready > 0; ready -= 1)
      messages.push(...(await client.ready()))
    this.#look(steps, messages)
    if (messages.at(-1)?.type === 'Z') return
    this.withheld += 1
    this.#client = undefined
    await client.close()
  }

  #look(steps: readonly Step[], messages: readonly Message[]): void {
    this.scripts += 1
    const has = (type: string) => messages.some((message) => message.type === type)
    if (has('D') || has('d')) this.withRows += 1
    const errors = messages.filter(({ type }) => type === 'E').map(({ body }) => body.toString())
    if (errors.some((error) => error.includes('C42501'))) this.refused += 1
    else if (errors.length > 0) this.failed += 1
    const found = search.find(Buffer.concat(messages.map(({ body }) => body)))
    if (found !== undefined)
      this.leaks.push(`${this.#role} ${JSON.stringify(steps)} shows ${found}`)
  }

  async close(): Promise<void> {
    await this.#client?.close()
  }
}

/** Bind with one format for all of the result. */
const bound = (format: 0 | 1): Buffer =>
  frame('B', Buffer.from([0, 0, 0, 0, 0, 0, 0, 1, 0, format]))

function sent({ sql, way }: Step): Buffer {
  if (way === 'query') return q(sql)
  const format = way === 'binary' || way === 'limited' ? 1 : 0
  const executed = [serialize.execute({ rows: way === 'limited' ? 2 : 0 })]
  const parts = [
    p(sql),
    ...(way === 'described' ? [serialize.describe({ type: 'S', name: '' })] : []),
  ]
  parts.push(bound(format))
  if (way === 'limited') executed.push(...executed, serialize.execute({ rows: 0 }))
  else parts.push(serialize.describe({ type: 'P', name: '' }))
  return Buffer.concat([...parts, ...executed, s])
}

/**
 * A SHA-256 of what the caller sent can't show what he got, but its 64 digits hold eight characters of
 * one of hundreds of tokens by chance, in one run of three.
 */
const withoutDigests = (key: string, value: unknown): unknown =>
  /digest$/i.test(key) ? undefined : value

/** Everything that was written down since the last look. */
function writtenDown(): string | undefined {
  const { audit, recordings, failures } = world
  for (const event of audit.events.splice(0)) {
    const found = search.find(Buffer.from(JSON.stringify(event, withoutDigests)))
    if (found !== undefined) return `the log: ${JSON.stringify(event)} shows ${found}`
  }
  for (const { events } of recordings.recordings) {
    for (const event of events.splice(0)) {
      const { bytes, ...rest } = { bytes: new Uint8Array(), ...event }
      const found = search.find(Buffer.concat([Buffer.from(JSON.stringify(rest)), bytes]))
      if (found !== undefined) return `a recording: ${JSON.stringify(rest)} shows ${found}`
    }
  }
  for (const failure of failures.splice(0)) {
    const text = failure instanceof Error ? `${failure.message}\n${failure.stack ?? ''}` : ''
    const found = search.find(Buffer.from(`${text}${JSON.stringify(failure)}`))
    if (found !== undefined) return `a failure: ${text} shows ${found}`
  }
  return undefined
}

test(
  'no output holds a piece of a token, whatever is asked',
  async () => {
    const callers = [
      ...[1, 2].map((at) => ({ caller: new Caller('strict', SEED + at), freedom: STRICT })),
      ...[3, 4].map((at) => ({ caller: new Caller('open', SEED + at), freedom: OPEN })),
    ]
    for (let done = 0; done < COUNT; done += LOOK_EVERY) {
      const each = Math.ceil(Math.min(LOOK_EVERY, COUNT - done) / callers.length)
      await Promise.all(callers.map(({ caller, freedom }) => caller.run(freedom, each)))
      expect(callers.flatMap(({ caller }) => caller.leaks)).toEqual([])
      expect(writtenDown()).toBeUndefined()
    }
    for (const { caller } of callers) await caller.close()
    const sum = (of: (caller: Caller) => number) =>
      callers.reduce((total, { caller }) => total + of(caller), 0)
    const told = {
      scripts: sum((caller) => caller.scripts),
      withRows: sum((caller) => caller.withRows),
      refused: sum((caller) => caller.refused),
      failed: sum((caller) => caller.failed),
      withheld: sum((caller) => caller.withheld),
    }
    process.stderr.write(`canary: ${JSON.stringify(told)}\n`)
    expect(told.withRows / told.scripts).toBeGreaterThanOrEqual(0.25)
    expect(told.refused / told.scripts).toBeGreaterThanOrEqual(0.05)
    expect(told.withheld / told.scripts).toBeLessThan(0.05)
  },
  TIMEOUT_MS,
)

test('the same statements show tokens to a role that sees all', async () => {
  const caller = new Caller('cleared', SEED + 5)
  await caller.run(CLEARED, 100)
  await caller.close()
  expect(caller.leaks.length).toBeGreaterThan(20)
  expect(writtenDown()).toMatch(/shows/)
})

test.each([
  ['whole', 'QWERTYuiop1234567890asdf'],
  ['eight characters', 'iop12345'],
  ['reversed', 'fdsa0987'],
  ['in upper case', 'UIOP1234'],
  ['one by one', 'i, o, p, 1, 2, 3, 4, 5'],
  ['in hex', Buffer.from('iop12345').toString('hex')],
  ['in base64', Buffer.from('QWERTYuiop1234567890asdf').toString('base64').slice(5, 19)],
  ['in base64, moved by one', Buffer.from('xQWERTYuiop1234567890asdf').toString('base64')],
  ['in base64, moved by two', Buffer.from('xyQWERTYuiop1234567890asdf').toString('base64')],
])('a token is found %s', (_, shown) => {
  const one = new TokenSearch([{ text: 'QWERTYuiop1234567890asdf' }])
  expect(one.find(Buffer.from(`before ${shown} after`))).toBe('QWERTYuiop1234567890asdf')
})

test('seven characters of a token, and other texts, are not found', () => {
  const one = new TokenSearch([{ text: 'QWERTYuiop1234567890asdf' }])
  expect(one.find(Buffer.from('iop1234 & qwertyu & 890asdf & 0123 & UIOP'))).toBeUndefined()
})
