// Thousands of sessions, each told by one seed: WARDER_TEST_SEED repeats a run. Every step of every
// one of them keeps what world.ts and fake-target.ts check.

import { expect, test } from 'vitest'
import { seeded, seedOfRun } from '../random.js'
import { frame, long, short } from './fake-target.js'
import { VERBS, World } from './world.js'

const SESSION_COUNT = 400
const OPERATION_COUNT_MAX = 10
const STEP_COUNT_MAX = 120

const seed = seedOfRun()

interface Conversation {
  readonly input: Buffer
  /** What the caller sent, in order; a list is one pipeline. */
  readonly operations: readonly (readonly string[])[]
  readonly readyCount: number
}

function conversation(random: () => number): Conversation {
  const parts: Buffer[] = []
  const operations: string[][] = []
  let number = 0
  const statement = () => `${VERBS[Math.floor(random() * VERBS.length)] ?? 'read'} ${(number += 1)}`
  const count = 1 + Math.floor(random() * OPERATION_COUNT_MAX)
  for (let at = 0; at < count; at += 1) {
    if (random() < 0.5) {
      const text = statement()
      operations.push([text])
      parts.push(frame('Q', text))
      continue
    }
    const pipeline = Array.from({ length: 1 + Math.floor(random() * 4) }, statement)
    operations.push(pipeline)
    for (const text of pipeline) {
      parts.push(frame('P', '', text, short(0)))
      parts.push(frame('B', '', '', short(0), short(0), short(0)), frame('E', '', long(0)))
      if (random() < 0.2) parts.push(frame('H'))
    }
    parts.push(frame('S'))
  }
  return { input: Buffer.concat(parts), operations, readyCount: operations.length }
}

/** How often the log says of each command that it is over: done, failed, or refused. */
function ends(world: World): Map<unknown, number> {
  const counts = new Map<unknown, number>()
  for (const { kind, fields } of world.events) {
    if (kind !== 'command.finished' && kind !== 'command.refused') continue
    const number = 'command' in fields ? fields['command'] : undefined
    counts.set(number, (counts.get(number) ?? 0) + 1)
  }
  return counts
}

const numberOf = (statement: string) => Number(statement.split(' ')[1])

test(`a session that nobody cuts answers every command once and in order (seed ${seed})`, async () => {
  const random = seeded(seed)
  for (let round = 0; round < SESSION_COUNT; round += 1) {
    const { input, operations } = conversation(random)
    const world = await World.open(random, input, Infinity)
    await world.play()
    const context = `round ${round} of seed ${seed}: ${JSON.stringify(operations)}`
    expect(world.failure, context).toBeUndefined()
    const groups = world.told.join(' ').split('ready')
    expect(groups.pop()?.trim(), context).toBe('')
    expect(groups.length, context).toBe(operations.length)
    groups.forEach((group, at) => {
      const tags = [...group.matchAll(/[a-z]+ \d+/g)].map(([tag]) => tag)
      const failed = /\b[0-9A-Z]{5}\b/.test(group)
      const sent = operations[at] ?? []
      // What succeeded is the beginning of what was sent; unless all of it did, one error follows.
      expect(tags, context).toEqual(sent.slice(0, tags.length))
      expect(failed, context).toBe(tags.length < sent.length)
    })
    const numbers = world.ran.map(numberOf)
    expect(numbers, context).toEqual(numbers.toSorted((a, b) => a - b))
    expect(new Set(world.ran).size, context).toBe(world.ran.length)
    for (const [number, count] of ends(world))
      expect(count, `${context}, ${String(number)}`).toBe(1)
    const over = world.events.filter(({ kind }) => kind === 'command.finished').length
    expect(over, context).toBeGreaterThanOrEqual(world.ran.length)
  }
}, 60_000)

test(`a session that is revoked at any instant sends its target nothing more (seed ${seed})`, async () => {
  const random = seeded(seed + 1)
  for (let round = 0; round < SESSION_COUNT; round += 1) {
    const { input, operations } = conversation(random)
    const world = await World.open(random, input, Math.floor(random() * STEP_COUNT_MAX))
    await world.play()
    const context = `round ${round} of seed ${seed}: ${JSON.stringify(operations)}`
    expect(world.failure, context).toBeUndefined()
    expect(new Set(world.ran).size, context).toBe(world.ran.length)
    for (const [number, count] of ends(world))
      expect(count, `${context}, ${String(number)}`).toBe(1)
  }
}, 60_000)
