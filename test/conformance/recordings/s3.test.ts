// Recordings in a bucket of a real S3 server, through AWS's own client.

import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { CHUNK_BYTES_MAX } from '../../../audit/recording/chunk.js'
import { readRecording } from '../../../audit/recording/reader.js'
import { S3ChunkStore, type S3Place } from '../../../audit/recording/s3-store.js'
import { ABOUT, command, Studio } from '../../unit/audit/recording/fixtures.js'
import { S3_PROGRAM, startS3, useOwnCredentials, type S3World } from './s3-world.js'

const unavailable = { code: 'RECORD_UNAVAILABLE' }
const stores: S3ChunkStore[] = []

function storeOf(
  world: Pick<S3World, 'endpoint' | 'bucket'>,
  more: Partial<S3Place> = {},
): S3ChunkStore {
  const { endpoint, bucket } = world
  const store = new S3ChunkStore({ endpoint, bucket, prefix: '', pathStyle: true, ...more })
  stores.push(store)
  return store
}

afterEach(() => {
  for (const store of stores.splice(0)) store.close()
})

describe.skipIf(S3_PROGRAM === undefined)('on a real server', () => {
  let world: S3World

  beforeAll(async () => {
    world = await startS3()
  })
  afterAll(() => {
    world.stop()
  })

  test('a bucket that is not there refuses the session', async () => {
    const studio = new Studio()
    const chunks = storeOf(world, { bucket: 'nowhere' })
    const recorder = await studio.recorder({ chunks })
    await expect(recorder.open(ABOUT)).rejects.toMatchObject(unavailable)
    await expect(recorder.open(ABOUT)).rejects.toThrow('NoSuchBucket')
    expect(studio.keys.entries.size).toBe(0)
  })

  test('credentials that the server does not know refuse the session', async () => {
    const secret = process.env['AWS_SECRET_ACCESS_KEY']
    process.env['AWS_SECRET_ACCESS_KEY'] = 'another'
    try {
      const chunks = storeOf(world)
      await expect(chunks.put('ses_9/00000000', Buffer.from('x'))).rejects.toThrow(
        'SignatureDoesNotMatch',
      )
      expect(existsSync(join(world.directory, 'ses_9'))).toBe(false)
    } finally {
      process.env['AWS_SECRET_ACCESS_KEY'] = secret
    }
  })

  test('a server that dies in the middle ends the recording', async () => {
    const dying = await startS3()
    const studio = new Studio()
    try {
      const recording = await (await studio.recorder({ chunks: storeOf(dying) })).open(ABOUT)
      const failed = new Promise((resolve) => recording.onFailure(resolve))
      dying.kill()
      recording.add([command(1)])
      await expect(recording.close()).rejects.toMatchObject(unavailable)
      expect(await failed).toMatchObject(unavailable)
      expect(await studio.logged('recording.failed')).toMatchObject([
        { firstCommand: 1, lastCommand: 1 },
      ])
    } finally {
      dying.stop()
    }
  })

  test('a chunk that was altered in the bucket is found, and the others are read', async () => {
    const studio = new Studio()
    const chunks = storeOf(world, { prefix: 'warder/prod' })
    const recording = await (await studio.recorder({ chunks })).open(ABOUT)
    for (const number of [1, 2, 3]) {
      recording.add([command(number)])
      await recording.flush()
    }
    await recording.close()
    await studio.logged('recording.closed')
    const directory = join(world.directory, 'warder/prod/ses_1')
    expect(readdirSync(directory)).toHaveLength(4)
    const file = join(directory, '00000002')
    const bytes = readFileSync(file)
    bytes[40] = (bytes[40] ?? 0) ^ 1
    writeFileSync(file, bytes)
    const told: unknown[] = []
    const sources = { ...studio.sources, chunks }
    for await (const item of (await readRecording(sources, 'ses_1')) ?? []) {
      told.push(item.kind === 'finding' ? `${item.fault} ${String(item.chunk)}` : item.number)
    }
    expect(told).toEqual([1, 'altered 2', 3])
  })

  test('chunks come back as they were put, and what is not there is not there', async () => {
    const chunks = storeOf(world, { prefix: 'p' })
    const bytes = randomBytes(300_000)
    await chunks.put('ses_2/00000001', bytes)
    await chunks.put('ses_2/00000001', bytes)
    await chunks.put('ses_20/00000001', Buffer.alloc(0))
    expect(Buffer.from((await chunks.get('ses_2/00000001')) ?? []).equals(bytes)).toBe(true)
    expect(await chunks.get('ses_2/00000002')).toBeUndefined()
    expect(await chunks.list('ses_2/')).toEqual(['ses_2/00000001'])
    expect(await chunks.list('ses_3/')).toEqual([])
  })

  test('more chunks than one page of the server’s list are all there', async () => {
    const chunks = storeOf(world, { prefix: 'many' })
    const names = Array.from({ length: 1_005 }, (_, at) => `ses_3/${String(at).padStart(8, '0')}`)
    for (let at = 0; at < names.length; at += 50) {
      await Promise.all(names.slice(at, at + 50).map((name) => chunks.put(name, Buffer.from('x'))))
    }
    expect((await chunks.list('ses_3/')).toSorted()).toEqual(names)
  })
})

describe('on a server that misbehaves', () => {
  let server: Server
  let answer: (response: ServerResponse) => void

  beforeAll(async () => {
    useOwnCredentials()
    server = createServer((_, response) => {
      answer(response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  function store(): S3ChunkStore {
    const address = server.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    return storeOf({ endpoint: `http://127.0.0.1:${String(port)}`, bucket: 'rec' })
  }

  test('an answer that is too long for a chunk is not read', async () => {
    answer = (response) => {
      response.writeHead(200, { 'content-length': CHUNK_BYTES_MAX + 1 }).write('x')
    }
    await expect(store().get('ses_1/00000000')).rejects.toThrow('a chunk is too long')
  })

  test.each([
    ['failure', 500, ''],
    ['refusal', 403, '<Error><Code>AccessDenied</Code></Error>'],
    ['page of somebody else', 404, '<html>'],
  ])(
    'a %s is never taken for a chunk that is not there, or for one that was put',
    async (_, status, body) => {
      answer = (response) => {
        response.writeHead(status, { 'content-type': 'application/xml' }).end(body)
      }
      await expect(store().put('ses_1/00000000', Buffer.from('x'))).rejects.toMatchObject(
        unavailable,
      )
      await expect(store().get('ses_1/00000000')).rejects.toMatchObject(unavailable)
      await expect(store().list('ses_1/')).rejects.toMatchObject(unavailable)
    },
  )

  test('a connection that breaks off in the middle of a chunk gives no chunk', async () => {
    answer = (response) => {
      response.writeHead(200, { 'content-length': 100 }).write('x'.repeat(50), () => {
        response.destroy()
      })
    }
    await expect(store().get('ses_1/00000000')).rejects.toMatchObject(unavailable)
  })
})
