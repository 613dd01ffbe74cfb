// Recordings as an auditor gets them: on record first, and as lines of JSON.

import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openRecordings, recordingsOn } from '../../../app/recordings.js'
import { ABOUT, command, Studio } from '../audit/recording/fixtures.js'
import { sealer } from '../audit/fixtures.js'

const partsOf = async (studio: Studio) => ({
  ...{ keys: studio.keys, records: studio.records, sealer, clock: studio.clock },
  audit: await studio.log(),
})

test('nothing is shown when it can’t be put on record who sees it', async () => {
  const studio = new Studio()
  await studio.recorded(1)
  const { replays } = recordingsOn(studio.chunks, await partsOf(studio))
  studio.records.failNext = Array.from({ length: 10 }, () => 'before')
  await expect(replays.replay('ses_1', 'okta/ada')).rejects.toMatchObject({
    code: 'RECORD_UNAVAILABLE',
  })
})

test('who is shown a recording is on the log before the first line', async () => {
  const studio = new Studio()
  await studio.recorded(1)
  const { replays } = recordingsOn(studio.chunks, await partsOf(studio))
  const lines = await replays.replay('ses_1', 'okta/ada')
  const read = studio.records.records.filter(({ kind }) => kind === 'recording.read')
  expect(read.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
    { by: 'okta/ada', sessionId: 'ses_1' },
  ])
  const told: unknown[] = []
  for await (const line of lines ?? []) told.push(JSON.parse(line))
  expect(told).toMatchObject([{ type: 'command', number: 1 }, { type: 'end' }])
})

test('a session that nobody knows is nothing that was shown', async () => {
  const studio = new Studio()
  const { replays } = recordingsOn(studio.chunks, await partsOf(studio))
  expect(await replays.replay('ses_9', 'okta/ada')).toBeUndefined()
  expect(await studio.logged('recording.read')).toEqual([])
})

test('without a bucket recordings are private files in the data directory', async () => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'warder-data-'))
  try {
    const studio = new Studio()
    const environment = { dataDirectory, recordings: undefined }
    const { service, replays } = await openRecordings(environment, await partsOf(studio))
    const recording = await service.open(ABOUT)
    recording.add([command(1)])
    await recording.close()
    await studio.logged('recording.closed')
    const directory = join(dataDirectory, 'recordings')
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(readdirSync(join(directory, 'ses_1'))).toEqual(['00000000', '00000001'])
    expect(await replays.replay('ses_1', 'okta/ada')).toBeDefined()
  } finally {
    rmSync(dataDirectory, { recursive: true })
  }
})
