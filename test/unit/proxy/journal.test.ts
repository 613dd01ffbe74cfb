// Finished commands on their way to the record: none is lost, none changes places, and what can't be
// recorded ends the session.

import { expect, test } from 'vitest'

import { commandsOf } from '../../../audit/view.js'
import type { AuditEvent, AuditKind } from '../../../core/audit.js'
import { WarderError } from '../../../core/errors.js'
import { PACKED_CHARACTERS_MAX, PACKED_COUNT_MAX } from '../../../core/finished-commands.js'
import type { RecordingEvent } from '../../../core/recording.js'
import { Journals, type Finish, type JournalCommand } from '../../../proxy/journal.js'

/** Time that passes when the test says so. */
class ManualTimer {
  nowMs = 0
  readonly #due: { atMs: number; run: () => void }[] = []

  readonly after = (ms: number, run: () => void): void => {
    this.#due.push({ atMs: this.nowMs + ms, run })
  }

  get waitingCount(): number {
    return this.#due.length
  }

  /** Lets time pass, and runs what becomes due, in its order. */
  pass(ms: number): void {
    this.nowMs += ms
    const due = this.#due.filter(({ atMs }) => atMs <= this.nowMs)
    for (const one of due) this.#due.splice(this.#due.indexOf(one), 1)
    for (const { run } of due) run()
  }
}

const MEANING = {
  command: { effect: 'read' },
  kinds: ['select'],
  relations: ['read public.t'],
} as const

const command = (number: number, more: Partial<JournalCommand> = {}): JournalCommand => ({
  ...{ number, judged: MEANING, parameters: { shown: ['a'] } },
  statement: { text: 'select $1' },
  ...more,
})

const DONE: Finish = {
  ...{ outcome: 'done', tag: 'SELECT 1', sqlstate: '', rows: 1, startedAt: 1_005, durationMs: 2 },
}

/** Journals with everything around them; `broken` lets the log or the recording fail. */
function world() {
  const timer = new ManualTimer()
  const events: AuditEvent[] = []
  const broken = { log: false, recording: false }
  const failures: unknown[] = []
  const recorded: RecordingEvent[] = []
  const journals = new Journals({
    audit: {
      append: <K extends AuditKind>(event: AuditEvent<K>): number => {
        if (broken.log) throw new WarderError('RECORD_UNAVAILABLE')
        return events.push(event)
      },
    },
    after: timer.after,
  })
  const recording = {
    add: (more: readonly RecordingEvent[]): void => {
      if (broken.recording) throw new WarderError('RECORD_UNAVAILABLE')
      recorded.push(...more)
    },
  }
  const open = (sessionId = 'ses_1') =>
    journals.open({
      ...{ grantId: 'grt_1', requestId: 'req_1', sessionId, startedAt: 1_000, recording },
      onFailure: (failure) => failures.push(failure),
    })
  const numbers = () => events.map(({ fields }) => commandsOf(fields)?.map((one) => one['command']))
  return { timer, events, broken, failures, recorded, open, numbers }
}

test('a log that fails ends the session once, and what comes later is dropped', () => {
  const { timer, broken, failures, open, events } = world()
  const journal = open()
  broken.log = true
  journal.finished(command(1), DONE)
  expect(failures).toEqual([])
  timer.pass(50)
  expect(failures).toMatchObject([{ code: 'RECORD_UNAVAILABLE' }])
  broken.log = false
  journal.finished(command(2), DONE)
  journal.flush()
  timer.pass(1_000)
  expect(failures).toHaveLength(1)
  expect(events).toEqual([])
})

test('one session that can’t be recorded does not keep the others from being recorded', () => {
  const { timer, broken, failures, open, numbers } = world()
  const [first, second] = [open('ses_1'), open('ses_2')]
  broken.log = true
  first.finished(command(1), DONE)
  first.flush()
  broken.log = false
  second.finished(command(7), DONE)
  timer.pass(50)
  expect(failures).toHaveLength(1)
  expect(numbers()).toEqual([[7]])
})

test('a recording that fails ends the session; the log has the commands all the same', () => {
  const { broken, failures, open, numbers } = world()
  const journal = open()
  broken.recording = true
  journal.finished(command(1), DONE)
  journal.flush()
  expect(failures).toMatchObject([{ code: 'RECORD_UNAVAILABLE' }])
  expect(numbers()).toEqual([[1]])
})

test('a log that fails while a command is taken is told at once', () => {
  const { broken, failures, open } = world()
  const journal = open()
  broken.log = true
  for (let number = 1; number <= PACKED_COUNT_MAX; number += 1) {
    expect(failures).toEqual([])
    journal.finished(command(number), DONE)
  }
  expect(failures).toHaveLength(1)
})

test('nothing is put on record before the tick, everything with it, and no timer runs without need', () => {
  const { timer, open, numbers } = world()
  const [first, second] = [open('ses_1'), open('ses_2')]
  expect(timer.waitingCount).toBe(0)
  first.finished(command(1), DONE)
  timer.pass(30)
  first.finished(command(2), DONE)
  second.finished(command(1), DONE)
  expect(timer.waitingCount).toBe(1)
  timer.pass(19)
  expect(numbers()).toEqual([])
  timer.pass(1)
  expect(numbers()).toEqual([[1, 2], [1]])
  expect(timer.waitingCount).toBe(0)
  timer.pass(1_000)
  expect(numbers()).toHaveLength(2)
})

test('when there are many of them commands don’t wait for the tick', () => {
  const { timer, open, numbers } = world()
  const journal = open()
  for (let number = 1; number <= PACKED_COUNT_MAX + 1; number += 1) {
    journal.finished(command(number), DONE)
  }
  expect(numbers().map((one) => one?.length)).toEqual([PACKED_COUNT_MAX])
  timer.pass(50)
  expect(numbers().at(-1)).toEqual([PACKED_COUNT_MAX + 1])
})

test('when they are long commands don’t wait for the tick', () => {
  const { timer, open, numbers } = world()
  const journal = open()
  const text = 'x'.repeat(PACKED_CHARACTERS_MAX / 2)
  const long = { statement: { text } }
  journal.finished(command(1, long), DONE)
  expect(numbers()).toEqual([])
  journal.finished(command(2, long), DONE)
  expect(numbers()).toEqual([[1]])
  timer.pass(50)
  expect(numbers()).toEqual([[1], [2]])
})

test('parameters that are too long for one record are put into several, in order', () => {
  const { open, numbers } = world()
  const journal = open()
  const parameters = { shown: ['x'.repeat(PACKED_CHARACTERS_MAX / 2)] }
  for (const number of [1, 2, 3]) journal.finished(command(number, { parameters }), DONE)
  journal.flush()
  expect(numbers()).toEqual([[1], [2], [3]])
})

test('what is left when the session ends is put on record first, and the tick finds nothing more', () => {
  const { timer, open, numbers } = world()
  const journal = open()
  journal.finished(command(1), DONE)
  journal.flush()
  expect(numbers()).toEqual([[1]])
  journal.flush()
  timer.pass(50)
  expect(numbers()).toEqual([[1]])
})

test('a finish that is used again for the next command changes nothing', () => {
  const { open, events } = world()
  const journal = open()
  const finish = { ...DONE, tag: 'SELECT 1' }
  journal.finished(command(1, { reviewId: 'cmd_abc' }), finish)
  Object.assign(finish, { tag: 'SELECT 2', sqlstate: '42P01', outcome: 'failed', rows: 9 })
  journal.finished(command(2), finish)
  journal.flush()
  const commands = commandsOf(events[0]?.fields as Parameters<typeof commandsOf>[0])
  expect(commands).toMatchObject([
    { command: 1, tag: 'SELECT 1', sqlstate: '', outcome: 'done', rows: 1, reviewId: 'cmd_abc' },
    { command: 2, tag: 'SELECT 2', sqlstate: '42P01', outcome: 'failed', rows: 9 },
  ])
  expect(commands?.[1]).not.toHaveProperty('reviewId')
})

test('the recording gets the same commands, placed where they were over', () => {
  const { open, recorded } = world()
  const journal = open()
  journal.finished(command(1, { reviewId: 'cmd_abc' }), DONE)
  journal.finished(command(2), { ...DONE, startedAt: 900 })
  journal.flush()
  expect(recorded).toEqual([
    {
      ...{ kind: 'command', atMs: 7, number: 1, text: 'select $1', parameters: ['a'] },
      ...{ effect: 'read', outcome: 'done', tag: 'SELECT 1', sqlstate: '', rows: 1, durationMs: 2 },
      reviewId: 'cmd_abc',
    },
    {
      ...{ kind: 'command', atMs: 0, number: 2, text: 'select $1', parameters: ['a'] },
      ...{ effect: 'read', outcome: 'done', tag: 'SELECT 1', sqlstate: '', rows: 1, durationMs: 2 },
    },
  ])
})

test('a tick with very many sessions lets bytes pass in between, and comes to its end', () => {
  const { timer, open, numbers } = world()
  const journals = Array.from({ length: 150 }, (_, at) => open(`ses_${at}`))
  for (const journal of journals) journal.finished(command(1), DONE)
  timer.pass(50)
  expect(numbers().length).toBeLessThan(150)
  for (let turn = 0; turn < 5; turn += 1) timer.pass(0)
  expect(numbers()).toHaveLength(150)
  expect(timer.waitingCount).toBe(0)
  journals[0]?.finished(command(2), DONE)
  timer.pass(50)
  expect(numbers().at(-1)).toEqual([2])
})
