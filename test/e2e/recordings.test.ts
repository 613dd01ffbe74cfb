// Recordings as an auditor meets them: made by a real `warder up`, played by the real command line.
// Files are altered, hidden and cut short; who plays a recording is told, and who can't be recorded
// doesn't get in, or is put out.

import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { CommandLine, type Ended } from './command-line.js'
import { API_POLL_MS, codeOf, Stage, type WireFailure } from './stage.js'
import { until, within } from './until.js'

/** Written by the test's target as a value, and masked on its way to anybody. */
const EMAIL = 'ada.byron@example.com'
const MASKS = `masks:
  - { detect: [email], how: redact }
`

let stage: Stage
let cli: CommandLine

beforeAll(async () => {
  stage = await Stage.open({
    policy: (policy) =>
      policy
        .replace('access:\n', `${MASKS}access:\n`)
        .replace('audience: https://warder.test', 'audience: https://warder.test\n  audit: strict'),
  })
  await stage.start()
  cli = new CommandLine(stage)
})

afterEach(async () => {
  await stage.running()
  expect(await stage.logProblems()).toEqual([])
  expect(stage.secretsFound()).toEqual([])
})

afterAll(async () => {
  cli.close()
  await stage.close()
})

const replay = (session: string, ...options: readonly string[]): Promise<Ended> =>
  cli.run('ana', ['replay', session, ...options])

/** The id of the session that was opened last. */
async function lastSession(): Promise<string> {
  const id = (await stage.log('session.opened')).at(-1)?.fields['sessionId']
  if (typeof id !== 'string') throw new Error('the log knows no session')
  return id
}

/** A session that reads, writes and is refused; its id once it is over. */
async function recordedSession(): Promise<string> {
  const { client, ended } = await stage.connect()
  const session = await lastSession()
  await client.query('DELETE FROM orders WHERE id > 0')
  await client.query(`INSERT INTO orders VALUES (1, 'for ${EMAIL}'), (2, 'a lamp')`)
  await client.query('SELECT id, item FROM orders WHERE id < $1 ORDER BY id', [3])
  expect(await codeOf(client.query('DROP TABLE orders'))).toBe('42501')
  await client.end()
  await ended
  await until('the recording is closed', 10_000, () => isClosed(session), API_POLL_MS)
  return session
}

const isClosed = async (session: string): Promise<boolean> =>
  (await stage.log('recording.closed')).some(({ fields }) => fields['sessionId'] === session)

const directory = (): string => join(stage.data, 'recordings')

/** The file of a session's chunk. */
const chunk = (session: string, number: number): string =>
  join(directory(), session, String(number).padStart(8, '0'))

/** Puts a plain file in the place of the directory, which stops root, too. */
async function withoutDirectory(work: () => Promise<void>): Promise<void> {
  const aside = `${directory()}.aside`
  renameSync(directory(), aside)
  writeFileSync(directory(), '')
  try {
    await work()
  } finally {
    rmSync(directory())
    renameSync(aside, directory())
  }
}

test('a session is played as the job had it: statements, masked rows, refusals', async () => {
  const session = await recordedSession()
  const { code, out, err } = await replay(session)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  for (const shown of [
    /session\.opened .*test\/migrate-job connected to orders-db as migrator/,
    /command 2 \(write\)\n +│ INSERT INTO orders VALUES \(1, 'for \[redacted\]'\)/,
    /command 3 \(read\)\n +│ SELECT id, item FROM orders WHERE id < \$1 ORDER BY id\n +│ with \$1 = 3\n/,
    /command 3 done SELECT 2 in .* ms\n +id +item\n +1 +for \[redacted\]\n +2 +a lamp\n/,
    /command 4 refused COMMAND_BLOCKED: role migrator, block line 1/,
    /session\.ended .*closed-by-caller/,
  ]) {
    expect(out).toMatch(shown)
  }
  expect(out).not.toContain(EMAIL)
})

test('as JSON it is one line for each thing that happened, and an end', async () => {
  const session = await recordedSession()
  const { code, out } = await replay(session, '--json')
  expect(code).toBe(0)
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
  expect(lines).toContainEqual(
    expect.objectContaining({
      type: 'rows',
      number: 3,
      omittedRows: 0,
      rows: [
        ['1', 'for [redacted]'],
        ['2', 'a lamp'],
      ],
    }),
  )
  expect(lines).toContainEqual(
    expect.objectContaining({ type: 'command', number: 4, outcome: 'refused' }),
  )
  expect(lines.at(-1)).toEqual({ type: 'end', isRecorded: true, faults: {} })
})

test('with --only statements no row is shown, and every statement is', async () => {
  const { code, out } = await replay(await recordedSession(), '--only', 'statements')
  expect(code).toBe(0)
  expect(out.match(/^\S+ {2}command \d \(/gm)).toHaveLength(4)
  expect(out).not.toContain('for [redacted]\n')
  expect(out).not.toContain('session.opened')
})

test('who plays a recording is on the log, and a job may not', async () => {
  const session = await recordedSession()
  expect((await cli.run('migrate-job', ['replay', session])).code).toBe(77)
  await replay(session)
  const reads = (await stage.log('recording.read')).map(({ fields }) => [
    fields['sessionId'],
    fields['by'],
  ])
  expect(reads.filter(([id]) => id === session)).toEqual([[session, 'test/ana']])
})

test('nothing of a session can be read in its files', async () => {
  const session = await recordedSession()
  const files = readdirSync(join(directory(), session))
  expect(files.length).toBeGreaterThan(1)
  for (const file of files) {
    const bytes = readFileSync(join(directory(), session, file))
    for (const word of ['SELECT', 'orders', 'lamp', 'migrate-job']) {
      expect(bytes.includes(word)).toBe(false)
    }
  }
})

test('one flipped bit of a chunk is told, with 65, and what it held comes from the log', async () => {
  const session = await recordedSession()
  const bytes = readFileSync(chunk(session, 1))
  const middle = bytes.length >> 1
  bytes[middle] = (bytes[middle] ?? 0) ^ 1
  rmSync(chunk(session, 1))
  writeFileSync(chunk(session, 1), bytes)
  const { code, out, err } = await replay(session)
  expect(code).toBe(65)
  expect(err).toMatch(/^warder: WARNING: chunk 1 was altered: its hash is not the one on the log/)
  expect(err).toMatch(/WARNING: this recording is not whole \(1 altered\)\n$/)
  expect(out).toContain('SELECT id, item FROM orders')
  expect(out).not.toContain('a lamp\n')
})

test('a chunk that is gone is told, with 65', async () => {
  const session = await recordedSession()
  rmSync(chunk(session, 1))
  const { code, err } = await replay(session, '--json')
  expect(code).toBe(65)
  expect(err).toContain('chunk 1 is missing from the store')
})

test('a chunk that the log doesn’t know is told, with 65', async () => {
  const session = await recordedSession()
  const count = readdirSync(join(directory(), session)).length
  writeFileSync(chunk(session, count), readFileSync(chunk(session, 1)))
  const { code, err } = await replay(session)
  expect(code).toBe(65)
  expect(err).toContain('(1 unlogged)')
})

test('a session that nobody knows is not found', async () => {
  const { code, err } = await replay('ses_00000000000000000000')
  expect(code).toBe(77)
  expect(err).toContain('There is no')
})

test('where nothing can be stored no session begins, and the caller is told why', async () => {
  await withoutDirectory(async () => {
    const { client } = stage.dial('migrate-job')
    const failure = await client.connect().then(
      () => undefined,
      (error: unknown) => error as WireFailure,
    )
    expect(failure?.code).toBe('57P03')
    expect(failure?.message).toMatch(/^Nothing can be recorded right now, so nothing may run/)
    expect(failure?.message).not.toContain(stage.data)
  })
  const { client } = await stage.connect()
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  await client.end()
})

test('a store that takes no more ends the sessions that run, and the replay says what is lost', async () => {
  const { client, lastWords, ended } = await stage.connect()
  const session = await lastSession()
  await withoutDirectory(async () => {
    await client.query('SELECT item FROM orders')
    await within('the session ends', 15_000, ended)
  })
  expect(lastWords[0]?.code).toBe('57P03')
  expect(stage.warder.isRunning).toBe(true)
  const { code, out, err } = await replay(session)
  expect(code).toBe(65)
  expect(err).toContain('a part could not be stored when it happened')
  expect(out).toMatch(/session\.ended .*record-lost/)
  expect(out).toContain('SELECT item FROM orders')
})

test('a read is on the log before its answer where the policy says strict', async () => {
  const { client } = await stage.connect()
  await client.query("SELECT item FROM orders WHERE item <> 'asked strictly'")
  await stage.warder.kill()
  await stage.start()
  const texts = (await stage.log('command.intended')).map(({ fields }) => String(fields['text']))
  expect(texts.filter((text) => text.includes('asked strictly'))).toHaveLength(1)
})

test('what a killed gateway leaves behind is told as unfinished, without an alarm', async () => {
  const { client } = await stage.connect()
  const session = await lastSession()
  await client.query("SELECT item FROM orders WHERE item <> 'before the kill'")
  await stage.warder.kill()
  await stage.start()
  const { code, err } = await replay(session)
  expect(err).toMatch(/^warder: note: the recording .*: the session runs, or its gateway died/m)
  expect(err).not.toContain('WARNING')
  expect(code).toBe(0)
})
