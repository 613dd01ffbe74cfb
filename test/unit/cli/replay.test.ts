// `warder replay` as somebody in front of a terminal, a pipe or a script sees it.

import { afterEach, beforeEach, expect, test } from 'vitest'
import { Terminal } from './run.js'

let terminal: Terminal

beforeEach(async () => {
  terminal = new Terminal()
  await terminal.start()
  terminal.warder.replayLines = LINES
})
afterEach(() => terminal.stop())

const record = (offsetMs: number, kind: string, text: string, statement: string[] = []) => ({
  ...{ type: 'record', offsetMs, at: 0, chain: 'gwy_a', seq: 1, kind, fields: {}, text, statement },
})
const command = (number: number, offsetMs: number, more: object = {}) => ({
  ...{ type: 'command', offsetMs, number, text: `select\n  ${String(number)}`, parameters: ['7'] },
  ...{ effect: 'read', outcome: 'done', tag: 'SELECT 1', sqlstate: '', rows: 1, durationMs: 500 },
  ...more,
})
const rows = {
  ...{ type: 'rows', offsetMs: 1_400, number: 1, omittedRows: 2 },
  columns: [{ name: 'id' }, { name: 'na\u001bme' }],
  rows: [
    ['1', null],
    ['2', 'x\u001b[2J'],
  ],
}
const end = { type: 'end', isRecorded: true, faults: {} }
const finding = {
  ...{ type: 'finding', fault: 'altered', chunk: 2, commands: { first: 4, last: 9 } },
  text: 'chunk 2 was altered: its hash is not the one on the log',
}

const LINES: readonly object[] = [
  record(-60_000, 'request.opened', 'ci/job asked for reader'),
  record(0, 'session.opened', 'ci/job connected'),
  command(1, 1_000),
  rows,
  command(2, 4_000, { outcome: 'refused', tag: '', reasons: ['role reader, block line 2'] }),
  record(10_000, 'session.ended', 'session ended'),
  record(3_600_000, 'grant.ended', 'grant ended'),
  end,
]

/** Plays it; `pauses` are the waits, during which the clock moves. */
async function play(argv: readonly string[], isWatched = false) {
  const pauses: number[] = []
  const ran = await terminal.run(['replay', 'ses_fake0001', ...argv], {
    ...{ as: 'ada', isWatched },
    pause: (ms) => {
      pauses.push(ms)
      terminal.warder.clock.advance(ms)
      return Promise.resolve()
    },
  })
  return { ...ran, pauses }
}

test.each(['0', '-1', 'fast', '1e3', 'NaN', ''])('the speed %j is wrong usage', async (speed) => {
  expect((await play(['--speed', speed])).code).toBe(64)
})

test('anything but statements is nothing that can be asked for alone', async () => {
  expect((await play(['--only', 'rows'])).code).toBe(64)
})

test('an altered chunk is a warning in its place and exit code 65, whatever is printed', async () => {
  terminal.warder.replayLines = [
    ...[command(1, 0), finding, command(10, 10)],
    { ...end, faults: { altered: 1, unfinished: 1 } },
  ]
  const { code, err, out } = await play([])
  expect(code).toBe(65)
  expect(err).toContain('WARNING: chunk 2 was altered')
  expect(err).toContain('(commands 4 to 9)')
  expect(err).toContain('not whole (1 altered)')
  expect(out).toContain('command 10')
  expect((await play(['--json'])).code).toBe(65)
  expect((await play(['--only', 'statements'])).code).toBe(65)
})

test('a story that breaks off is never taken for a whole one', async () => {
  terminal.warder.replayLines = LINES.slice(0, 3)
  const { code, err } = await play([])
  expect(code).toBe(70)
  expect(err).toContain('broke off before its end')
})

test('a connection that breaks in the middle is said to have, after what came before', async () => {
  terminal.warder.replayLines = LINES.slice(0, 3)
  terminal.warder.replayBreaks = true
  const { code, err, out } = await play([])
  expect(code).toBe(69)
  expect(err).toContain("can't be reached")
  expect(out).toContain('session.opened')
})

test('a line of a form that is not known ends the replay', async () => {
  terminal.warder.replayLines = [{ type: 'other' }, end]
  expect((await play([])).code).toBe(70)
})

test('a session that nobody knows has no replay', async () => {
  terminal.warder.replayLines = undefined
  const { code, err } = await play([])
  expect(code).toBe(77)
  expect(err).toContain('There is no session ses_fake0001.')
})

test('a job may not watch its own session', async () => {
  expect((await terminal.run(['replay', 'ses_fake0001'], { as: 'job' })).code).toBe(77)
})

test('a session that still runs is a note and nothing wrong', async () => {
  const text = 'the recording is not closed'
  terminal.warder.replayLines = [
    { type: 'finding', fault: 'unfinished', text },
    { ...end, faults: { unfinished: 1 } },
  ]
  const { code, err } = await play([])
  expect(code).toBe(0)
  expect(err).toBe(`warder: note: ${text}\n`)
})

test('a session without a recording is said to be one', async () => {
  terminal.warder.replayLines = [record(0, 'session.opened', 'x'), { ...end, isRecorded: false }]
  const { code, err } = await play([])
  expect(code).toBe(0)
  expect(err).toContain('has no recording')
})

test('into a pipe it plays at once, and nothing in it steers a terminal', async () => {
  const { out, pauses } = await play([])
  expect(pauses).toEqual([])
  expect(out).toBe(
    [
      '-00:01:00.000  request.opened  ci/job asked for reader',
      '+00:00:00.000  session.opened  ci/job connected',
      '+00:00:01.000  command 1 (read)',
      '               │ select',
      '               │   1',
      '               │ with $1 = 7',
      '+00:00:01.500  command 1 done SELECT 1 in 500 ms',
      '               id  na\\u{1b}me',
      '               1   NULL',
      '               2   x\\u{1b}[2J',
      '               … 2 more rows were not recorded',
      '+00:00:04.000  command 2 (read)',
      '               │ select',
      '               │   2',
      '               │ with $1 = 7',
      '+00:00:04.500  command 2 refused: role reader, block line 2',
      '+00:00:10.000  session.ended  session ended',
      '+01:00:00.000  grant.ended  grant ended',
      '',
    ].join('\n'),
  )
})

test('in a terminal it takes the time that it took, and nothing before or after the session is waited for', async () => {
  const { pauses } = await play([], true)
  expect(pauses).toEqual([1_000, 500, 2_500, 500, 5_500])
})

test('a speed divides the waits, in a pipe as well', async () => {
  expect((await play(['--speed', '4'])).pauses).toEqual([250, 125, 625, 125, 1_375])
  expect((await play(['--speed', 'max'], true)).pauses).toEqual([])
})

test('a wait longer than a timer can take is taken in parts', async () => {
  terminal.warder.replayLines = [record(10_000_000, 'session.ended', 'x'), end]
  expect((await play([], true)).pauses).toEqual([3_600_000, 3_600_000, 2_800_000])
})

test('only statements are commands with what came of them', async () => {
  const told = record(5_000, 'command.finished', 'command 4 done', ['select 4'])
  terminal.warder.replayLines = [...LINES.slice(0, 4), told, end]
  const { out } = await play(['--only', 'statements'])
  expect(out).toContain('command 1 done')
  expect(out).toContain('│ select 4')
  expect(out).not.toMatch(/session\.opened|NULL/)
})

test('as JSON every line is an object of its own, as it came', async () => {
  const { out, pauses } = await play(['--json'], true)
  expect(pauses).toEqual([])
  expect(out).not.toMatch(/[\u0000-\u0009\u001b]/)
  const lines = out.trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line) as object)).toEqual(LINES)
})
