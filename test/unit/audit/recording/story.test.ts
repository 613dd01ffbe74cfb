// One story out of a recording and the log: nothing is told twice, and nothing is left out.

import { expect, test } from 'vitest'
import { chunkName } from '../../../../audit/recording/chunk.js'
import { sessionStory, type StoryLine } from '../../../../audit/recording/story.js'
import { finished, finishedMany } from '../fixtures.js'
import { ABOUT, command, EVENTS, rows, Studio } from './fixtures.js'

const SESSION = { sessionId: 'ses_1', requestId: 'req_1', grantId: 'grt_1' }

/** A session with a request before it, three commands in three chunks, and an end. */
async function played(studio = new Studio()): Promise<Studio> {
  const request = { requestId: 'req_1', resource: 'orders-db', role: 'reader' }
  await studio.write('request.opened', { ...request, principal: 'ci/job', reason: 'r' })
  await studio.write('session.opened', { ...SESSION, principal: 'ci/job', peer: '::1' })
  const recording = await (await studio.recorder()).open(ABOUT)
  for (const number of [1, 2, 3]) {
    await studio.append(finished(number))
    recording.add([command(number), rows(number)])
    await recording.flush()
  }
  await recording.close()
  await studio.write('session.ended', { ...SESSION, end: 'closed-by-caller', commands: 3 })
  return studio
}

async function told(studio: Studio, sessionId = 'ses_1'): Promise<readonly StoryLine[]> {
  await studio.logged('recording.stored')
  const story = await sessionStory(studio.sources, sessionId)
  const lines: StoryLine[] = []
  for await (const line of story?.lines ?? []) lines.push(line)
  return lines
}

/** `kind`, with the number of a command. */
const short = (lines: readonly StoryLine[]): readonly string[] =>
  lines.map((line) => {
    if (line.type === 'record') {
      const { command: number } = line.fields
      return typeof number === 'number' ? `${line.kind} ${number}` : line.kind
    }
    if (line.type === 'finding') return `${line.fault} ${line.chunk ?? '-'}`
    return 'number' in line ? `${line.type} ${line.number}` : line.type
  })

const wrong = (studio: Studio, chunk: number): void => {
  studio.chunks.chunks.set(chunkName({ sessionId: 'ses_1', chunk }), new Uint8Array(100))
}

test('commands whose chunk was altered are told from the log, in their place', async () => {
  const studio = await played()
  wrong(studio, 2)
  const lines = await told(studio)
  expect(short(lines)).toEqual([
    ...['request.opened', 'session.opened', 'command 1', 'rows 1'],
    ...['altered 2', 'command.finished 2', 'command 3', 'rows 3', 'session.ended', 'end'],
  ])
  expect(lines.at(-1)).toEqual({ type: 'end', isRecorded: true, faults: { altered: 1 } })
})

test('without its key a session is told from the log alone', async () => {
  const studio = await played()
  await studio.keys.destroy('ses_1')
  const kinds = short(await told(studio))
  expect(kinds[0]).toBe('key-destroyed -')
  expect(kinds.filter((kind) => kind.startsWith('command'))).toEqual([
    ...['command.finished 1', 'command.finished 2', 'command.finished 3'],
  ])
  expect(kinds).toContain('session.ended')
})

test('what came after the last chunk of a gateway that died is told from the log', async () => {
  const studio = new Studio()
  await studio.write('session.opened', { ...SESSION, principal: 'ci/job' })
  const recording = await (await studio.recorder()).open(ABOUT)
  recording.add([command(1)])
  await recording.flush()
  await studio.append(finishedMany([1, 2]))
  expect(short(await told(studio))).toEqual([
    ...['session.opened', 'command 1', 'unfinished -', 'command.finished 2', 'end'],
  ])
})

test('commands that could not be recorded are told from the log', async () => {
  const studio = new Studio()
  await studio.write('session.opened', { ...SESSION, principal: 'ci/job' })
  const recording = await (await studio.recorder()).open(ABOUT)
  await studio.append(finishedMany([1, 2]))
  studio.chunks.isFull = true
  recording.add([command(1), command(2)])
  await expect(recording.flush()).rejects.toThrow()
  expect(short(await told(studio))).toEqual([
    ...['missing -', 'session.opened', 'command.finished 1', 'command.finished 2', 'end'],
  ])
})

test('a session that nobody knows has no story', async () => {
  const studio = await played()
  expect(await sessionStory(studio.sources, 'ses_2')).toBeUndefined()
})

test('a session without a recording is told from the log, and said to be', async () => {
  const studio = new Studio()
  await studio.write('session.opened', { ...SESSION, principal: 'ci/job' })
  await studio.append(finished(1))
  const lines = await told(studio)
  expect(short(lines)).toEqual(['session.opened', 'command.finished 1', 'end'])
  expect(lines.at(-1)).toMatchObject({ isRecorded: false })
})

test('a command is told once, from the recording, and who read it before is left out', async () => {
  const studio = await played()
  await studio.write('recording.read', { sessionId: 'ses_1', by: 'okta/ada' })
  expect(short(await told(studio))).toEqual([
    ...['request.opened', 'session.opened', 'command 1', 'rows 1', 'command 2', 'rows 2'],
    ...['command 3', 'rows 3', 'session.ended', 'end'],
  ])
})

test('a decision is told by the log where it has it, else by the recording', async () => {
  const studio = new Studio()
  await studio.write('session.opened', { ...SESSION, principal: 'ci/job' })
  const recording = await (await studio.recorder()).open(ABOUT)
  recording.add(EVENTS)
  await recording.close()
  expect(short(await told(studio))).toContain('decision 2')
  const about = { requestId: 'req_1', sessionId: 'ses_1', reviewId: 'cmd_1' }
  await studio.write('review.decided', { ...about, answer: 'deny', by: 'okta/dana' })
  const kinds = short(await told(studio))
  expect(kinds).not.toContain('decision 2')
  expect(kinds).toContain('review.decided')
})

test('a decision is told before what it let through, though the log hears of it later', async () => {
  const studio = new Studio()
  await studio.write('session.opened', { ...SESSION, principal: 'ci/job' })
  const recording = await (await studio.recorder()).open(ABOUT)
  const decision = { number: 1, reviewId: 'cmd_7', state: 'approved', by: 'okta/dana' }
  recording.add([
    { kind: 'decision', atMs: 1, ...decision },
    { ...command(1), atMs: 2 },
  ])
  await recording.close()
  for (let tick = 0; tick < 100; tick += 1) studio.clock.now()
  const about = { requestId: 'req_1', sessionId: 'ses_1', reviewId: 'cmd_7' }
  await studio.write('review.decided', { ...about, answer: 'approve', by: 'okta/dana' })
  const lines = await told(studio)
  expect(short(lines)).toEqual(['session.opened', 'review.decided', 'command 1', 'end'])
  expect(lines[1]).toMatchObject({ offsetMs: 1 })
})

test('rows are told as text, output too, and what is no row is said to be none', async () => {
  const studio = new Studio()
  const recording = await (await studio.recorder()).open(ABOUT)
  recording.add([...EVENTS, { ...rows(4), bytes: Buffer.from('00000001', 'hex') }])
  await recording.close()
  const lines = await told(studio)
  expect(lines[1]).toEqual({
    ...{ type: 'rows', offsetMs: 12, number: 1, omittedRows: 3 },
    ...{
      columns: [
        { name: 'id', typeOid: 23 },
        { name: 'name', typeOid: 25 },
      ],
    },
    rows: [
      ['1', 'ann'],
      ['2', null],
    ],
  })
  expect(lines[4]).toMatchObject({ type: 'output', text: 'a\tb\n', omittedBytes: 9 })
  expect(lines[5]).toMatchObject({ rows: [], unreadable: /rows that are none/ })
})
