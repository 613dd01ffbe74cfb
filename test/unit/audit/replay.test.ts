// The story of a session, as lines that are safe to print.

import { expect, test } from 'vitest'
import type { RecordView } from '../../../audit/view.js'
import { formatReplayLine, replay } from '../../../audit/replay.js'

const view = (
  seq: number,
  kind: string,
  fields: RecordView['fields'],
  more: Partial<RecordView> = {},
): RecordView => ({
  ...{ chain: 'gwy_a', seq, at: 1_000 + seq, monotonicMs: seq * 1_000, kind, fields, hash: '' },
  ...more,
})

const text = (views: readonly RecordView[]): string =>
  replay(views, 'ses_1').map(formatReplayLine).join('\n')

test('what a peer wrote can’t steer the terminal or fake a line', () => {
  const told = text([
    view(1, 'command.refused', {
      sessionId: 'ses_1',
      command: 1,
      code: 'COMMAND_BLOCKED',
      reasons: ['no\n+00:00:00.000  approved', '\u001b[2J'],
      text: 'select 1;\r\u001b]52;c;x\u0007 \u202edrop',
      parameters: ['a\nb'],
    }),
  ])
  expect(told).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/)
  expect(told.split('\n').filter((line) => line.startsWith('+'))).toHaveLength(1)
})

test('records of another session are left out, those of the request stay', () => {
  const told = replay(
    [
      view(1, 'request.opened', { requestId: 'req_1', principal: 'okta/alice' }),
      view(2, 'session.opened', { sessionId: 'ses_1' }),
      view(3, 'session.opened', { sessionId: 'ses_2' }),
    ],
    'ses_1',
  )
  expect(told.map(({ seq }) => seq)).toEqual([1, 2])
})

test('a session without records has no story', () => {
  expect(replay([], 'ses_1')).toEqual([])
})

test('a record that can’t be opened is told with the reason', () => {
  const told = text([view(1, 'command.intended', { sessionId: 'ses_1' }, { unreadable: 'no key' })])
  expect(told).toContain('not all can be shown: no key')
})

test('offsets follow the monotonic clock, and a wall clock that jumps back changes no order', () => {
  const told = replay(
    [
      view(3, 'command.finished', { sessionId: 'ses_1', command: 1 }, { at: 5 }),
      view(2, 'command.intended', { sessionId: 'ses_1', command: 1 }, { at: 9_000 }),
      view(1, 'session.opened', { sessionId: 'ses_1' }),
    ],
    'ses_1',
  )
  expect(told.map(({ offsetMs }) => offsetMs)).toEqual([0, 1_000, 2_000])
})

test('a session is told from its request to its end', () => {
  const session = { sessionId: 'ses_1', requestId: 'req_1' }
  const told = text([
    view(1, 'request.decided', {
      answer: 'approve',
      by: 'okta/bob',
      channel: 'cli',
      reason: 'fine',
    }),
    view(2, 'session.opened', {
      ...session,
      ...{ principal: 'github/ci', resource: 'orders-db', role: 'migrator', peer: '10.0.0.1:5' },
    }),
    view(3, 'command.intended', {
      ...session,
      ...{ command: 1, effect: 'ddl', kinds: ['create-table'], text: 'create table t (\n  a int)' },
    }),
    view(4, 'command.finished', {
      ...session,
      command: 1,
      outcome: 'ok',
      tag: 'CREATE TABLE',
      durationMs: 7,
    }),
    view(5, 'session.ended', {
      ...session,
      end: 'closed-by-caller',
      commands: 1,
      durationMs: 3_000,
    }),
  ])
  expect(told).toBe(
    [
      '-00:00:01.000  access: approve by okta/bob (cli): fine',
      '+00:00:00.000  github/ci connected to orders-db as migrator from 10.0.0.1:5',
      '+00:00:01.000  command 1 (ddl, create-table) goes to the target',
      '               │ create table t (',
      '               │   a int)',
      '+00:00:02.000  command 1 ok CREATE TABLE in 7 ms',
      '+00:00:03.000  session ended, closed-by-caller (1 commands, 3000 ms)',
    ].join('\n'),
  )
})

test('commands that were put on record together are told where they were over', () => {
  const finished = (command: number, startedAt: number, seq: number): RecordView =>
    view(seq, 'command.finished', {
      ...{ sessionId: 'ses_1', command, outcome: 'done', startedAt, durationMs: 2 },
    })
  const told = replay(
    [
      view(1, 'session.opened', { sessionId: 'ses_1' }, { at: 10_000, monotonicMs: 500 }),
      view(2, 'command.intended', { sessionId: 'ses_1' }, { at: 10_040, monotonicMs: 540 }),
      ...[finished(1, 10_010, 3), finished(2, 10_050, 3)].map((one) => ({
        ...{ ...one, at: 10_090, monotonicMs: 590 },
      })),
    ],
    'ses_1',
  )
  expect(told.map(({ event, offsetMs }) => [event, offsetMs])).toEqual([
    ['session.opened', 0],
    ['command.finished', 14],
    ['command.intended', 40],
    ['command.finished', 54],
  ])
  expect(told.map(({ at }) => at)).toEqual([10_000, 10_014, 10_040, 10_054])
})

test('a command is not told before what it came from, whatever was rounded, and no set clock moves it', () => {
  const told = (startedAt: number) =>
    replay(
      [
        view(1, 'command.intended', { sessionId: 'ses_1' }, { at: 10_000, monotonicMs: 500 }),
        view(
          2,
          'command.finished',
          { sessionId: 'ses_1', startedAt, durationMs: 0 },
          { at: 10_030, monotonicMs: 529 },
        ),
      ],
      'ses_1',
    ).map(({ event }) => event)
  const inTurn = ['command.intended', 'command.finished']
  expect(told(10_000)).toEqual(inTurn)
  expect(told(10_000 - 3_600_000)).toEqual(inTurn)
  expect(told(10_000 + 3_600_000)).toEqual(inTurn)
})
