// Many commands in one event: what was packed comes out again, and lists that were changed don't.

import { expect, test } from 'vitest'

import type { AuditValue } from '../../../core/audit.js'
import {
  CommandPack,
  PACKED_CHARACTERS_MAX,
  PACKED_COUNT_MAX,
  unpackCommands,
  type CommandToPack,
  type PackedMeaning,
} from '../../../core/finished-commands.js'
import { seeded, seedOfRun } from '../../random.js'

const SESSION = { grantId: 'grt_1', requestId: 'req_1', sessionId: 'ses_1' }
const READ: PackedMeaning = {
  ...{ command: { effect: 'read' }, kinds: ['select'], relations: ['read public.t'] },
}
const seed = seedOfRun()

const command = (number: number, more: Partial<CommandToPack> = {}): CommandToPack => ({
  ...{ number, meaning: READ, statement: { text: 'select 1' }, parameters: { shown: [] } },
  ...{ reviewId: undefined, outcome: 'done', tag: 'SELECT 1', sqlstate: '', rows: 1 },
  ...{ startedAt: 1_000 + number, durationMs: 2 },
  ...more,
})

/** Everything packed, event by event. */
function packAll(commands: readonly CommandToPack[]) {
  const events: Readonly<Record<string, AuditValue>>[] = []
  const pack = new CommandPack(SESSION)
  const take = () => {
    const event = pack.take()
    if (event !== undefined) events.push(event.fields)
  }
  for (const one of commands) {
    if (pack.add(one)) continue
    take()
    expect(pack.add(one)).toBe(true)
  }
  take()
  expect(pack.take()).toBeUndefined()
  return events
}

/** The fields that are there. */
const without = (fields: Readonly<Record<string, AuditValue | undefined>>) =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  ) as Record<string, AuditValue>

const unpacked = (one: CommandToPack) => ({
  ...{ command: one.number, effect: one.meaning.command.effect },
  ...{ kinds: one.meaning.kinds, relations: one.meaning.relations },
  ...{ outcome: one.outcome, tag: one.tag, sqlstate: one.sqlstate, rows: one.rows },
  ...{ startedAt: one.startedAt, durationMs: one.durationMs },
  ...(one.reviewId === undefined ? {} : { reviewId: one.reviewId }),
  ...{ text: one.statement.text, parameters: one.parameters.shown },
})

/** Commands of every form, with texts that are out to break lines and lists. */
function anyCommands(random: () => number): CommandToPack[] {
  const below = (max: number) => Math.floor(random() * max)
  const odd = () =>
    String.fromCharCode(...Array.from({ length: below(12) }, () => below(0x3000))) +
    (['', ' ', '\n', '"', '\u2028', ' - - '][below(6)] ?? '')
  const meanings = Array.from({ length: 3 }, (): PackedMeaning => ({
    command: { effect: random() < 0.5 ? 'read' : 'write' },
    kinds: Array.from({ length: below(3) }, odd),
    relations: Array.from({ length: below(3) }, odd),
  }))
  const texts = Array.from({ length: 4 }, odd)
  return Array.from({ length: 1 + below(40) }, (_, at) =>
    command(at * 2 + 1, {
      ...{ meaning: meanings[below(3)] ?? READ, statement: { text: texts[below(4)] ?? '' } },
      parameters: { shown: Array.from({ length: below(4) }, odd) },
      reviewId: random() < 0.2 ? `cmd_${below(1_000)}` : undefined,
      outcome: (['done', 'failed', 'unknown'] as const)[below(3)] ?? 'done',
      ...{ tag: odd(), sqlstate: random() < 0.3 ? '42P01' : '', rows: below(1_000_000) },
      ...{ startedAt: 1_800_000_000_000 + below(100), durationMs: below(9_999) / 1_000 },
    }),
  )
}

test(`any commands come out as they went in (seed ${seed})`, () => {
  const random = seeded(seed)
  for (let round = 0; round < 300; round += 1) {
    const commands = anyCommands(random)
    const events = packAll(commands)
    expect(events).toHaveLength(1)
    expect(unpackCommands(events[0] ?? {}), `round ${round}`).toEqual(commands.map(unpacked))
  }
})

test(`damaged fields are never an exception (seed ${seed})`, () => {
  const random = seeded(seed + 1)
  const below = (max: number) => Math.floor(random() * max)
  for (let round = 0; round < 2_000; round += 1) {
    const [fields = {}] = packAll(anyCommands(random))
    const names = Object.keys(fields)
    const name = names[below(names.length)] ?? ''
    const value = fields[name]
    const list = Array.isArray(value) ? (value as string[]) : []
    const at = below(list.length)
    const line = list[at] ?? ''
    const cut = below(line.length)
    const changed: (AuditValue | undefined)[] = [
      ...[undefined, 1, -1, Number.MAX_VALUE, true, '', 'x', [], ['', ''], ['['], ['[1,2,3]']],
      ...[list.slice(1), list.toSpliced(at, 1), [...list, ...list], list.toReversed()],
      list.toSpliced(at, 1, line.slice(0, cut) + line.slice(cut + 1)),
    ]
    for (const other of changed) {
      const damaged = without({ ...fields, [name]: other })
      expect(() => unpackCommands(damaged), `round ${round}: ${name}`).not.toThrow()
    }
  }
})

test.each<[string, Record<string, AuditValue | undefined>]>([
  ['no runs', { runs: undefined }],
  ['runs that are no list', { runs: '1 0 0 0 1 1 done 0 - - SELECT 1' }],
  ['no statements', { statements: undefined }],
  ['a statement that is no JSON', { statements: ['read select'] }],
  ['a statement of other things', { statements: ['["read",[1],[]]'] }],
  ['a statement too few', { statements: [] }],
  ['a text too few', { texts: [] }],
  ['texts that are no list', { texts: 'select 1' }],
  ['a parameter too few', { parameters: ['a'] }],
  ['a parameter too many', { parameters: ['a', 'b', 'c'] }],
  ['parameters that are no list', { parameters: 'a' }],
  ['another count', { count: 3 }],
  ['another first number', { first: 2 }],
  ['another last number', { last: 9 }],
  ['no time', { startedAt: undefined }],
  ['a run cut short', { runs: ['1 0 0 0 1 1 done 2 - -', '2 0 0 1 2 1 done 0 - - T'] }],
  [
    'a run with an unknown outcome',
    { runs: ['1 0 0 0 1 1 gone 2 - - T', '2 0 0 1 2 1 done 0 - - T'] },
  ],
  [
    'a run of a statement that is not there',
    { runs: ['1 7 0 0 1 1 done 2 - - T', '2 0 0 1 2 1 done 0 - - T'] },
  ],
  [
    'a run of a text that is not there',
    { runs: ['1 0 7 0 1 1 done 2 - - T', '2 0 0 1 2 1 done 0 - - T'] },
  ],
])('%s: nothing is unpacked', (_, change) => {
  const [fields = {}] = packAll([command(1, { parameters: { shown: ['a', 'b'] } }), command(2)])
  expect(unpackCommands(fields)).toHaveLength(2)
  expect(unpackCommands(without({ ...fields, ...change }))).toBeUndefined()
})

test('more runs than an event takes are not unpacked', () => {
  const [fields = {}] = packAll([command(1)])
  const runs = Array.from(
    { length: PACKED_COUNT_MAX + 1 },
    () => (fields['runs'] as string[])[0] ?? '',
  )
  expect(unpackCommands({ ...fields, runs, count: runs.length })).toBeUndefined()
})

test('without what is sealed the public facts are still there', () => {
  const [fields = {}] = packAll([command(1, { parameters: { shown: ['a'] } }), command(2)])
  const commands = unpackCommands(without({ ...fields, texts: undefined, parameters: undefined }))
  expect(commands?.map(({ command: number, tag }) => [number, tag])).toEqual([
    [1, 'SELECT 1'],
    [2, 'SELECT 1'],
  ])
  expect(commands?.some((one) => 'text' in one || 'parameters' in one)).toBe(false)
})

test('what a target makes up as a SQLSTATE or a count shifts nothing', () => {
  for (const sqlstate of ['4 P 1', '\n', '-', 'x'.repeat(65), 'é']) {
    for (const number of [Number.NaN, -1, Infinity, 1e21, 0.1 + 0.2]) {
      const odd = { sqlstate, rows: number, durationMs: number, tag: ' 1 2\n3 ' }
      const [fields = {}] = packAll([command(1, odd), command(2)])
      const [first, second] = unpackCommands(fields) ?? []
      expect(first).toMatchObject({ command: 1, sqlstate: '?', tag: ' 1 2\n3 ' })
      expect(second).toMatchObject({ command: 2, sqlstate: '' })
    }
  }
})

test(`beyond ${PACKED_COUNT_MAX} commands, or ${PACKED_CHARACTERS_MAX} characters, another event begins`, () => {
  const numbers = Array.from({ length: PACKED_COUNT_MAX + 1 }, (_, at) => at + 1)
  expect(packAll(numbers.map((number) => command(number))).map(({ count }) => count)).toEqual([
    PACKED_COUNT_MAX,
    1,
  ])
  // Repetitions count: the same text is stored once, but unpacked each time.
  const text = 'x'.repeat(PACKED_CHARACTERS_MAX / 4)
  const long = [1, 2, 3, 4, 5].map((number) => command(number, { statement: { text }, tag: '' }))
  expect(packAll(long).map(({ count }) => count)).toEqual([4, 1])
  const shown = ['x'.repeat(PACKED_CHARACTERS_MAX - 8)]
  const valued = [1, 2].map((number) => command(number, { parameters: { shown }, tag: '' }))
  expect(packAll(valued).map(({ count }) => count)).toEqual([1, 1])
  const alone = command(1, { statement: { text: text.repeat(40) } })
  expect(packAll([alone, command(2)]).map(({ count }) => count)).toEqual([1, 1])
})
