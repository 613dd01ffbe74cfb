// Chunks as files: private, whole or not there, and never outside their directory.

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CHUNK_BYTES_MAX } from '../../../../audit/recording/chunk.js'
import { FileChunkStore } from '../../../../audit/recording/file-store.js'

const unavailable = { code: 'RECORD_UNAVAILABLE' }
let directory: string
let store: FileChunkStore

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'warder-recordings-'))
  store = new FileChunkStore(directory)
})
afterEach(() => {
  rmSync(directory, { recursive: true })
})

test.each(['../x/y', 'a/../b', 'a', 'a/b/c', '/etc/passwd', 'a/b.part', 'a/.b', '', 'a/', 'a/\0'])(
  'the name %j is refused',
  async (name) => {
    await expect(store.put(name, Buffer.from('x'))).rejects.toMatchObject({ code: 'INTERNAL' })
    await expect(store.get(name)).rejects.toMatchObject({ code: 'INTERNAL' })
  },
)

test.each(['', '..', '../', '/', 'a', 'a/b/'])('the prefix %j is refused', async (prefix) => {
  await expect(store.list(prefix)).rejects.toMatchObject({ code: 'INTERNAL' })
})

test('what a crash left half written is no chunk', async () => {
  await store.put('ses_1/00000000', Buffer.from('whole'))
  writeFileSync(join(directory, 'ses_1', '00000001.abc.part'), 'ha')
  expect(await store.list('ses_1/')).toEqual(['ses_1/00000000'])
  expect(await store.get('ses_1/00000001')).toBeUndefined()
})

test('a write that fails leaves nothing behind, and says why without a path', async () => {
  mkdirSync(join(directory, 'ses_1', '00000001'), { recursive: true })
  const failure = store.put('ses_1/00000001', Buffer.from('x'))
  await expect(failure).rejects.toMatchObject(unavailable)
  await expect(failure).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/)
  await expect(failure).rejects.not.toThrow(directory)
  expect(readdirSync(join(directory, 'ses_1'))).toEqual(['00000001'])
})

test('a directory that is gone refuses chunks', async () => {
  const lost = new FileChunkStore(join(directory, 'nowhere'))
  await expect(lost.put('ses_1/0', Buffer.from('x'))).rejects.toMatchObject(unavailable)
})

test('a link in a chunk’s place is not followed', async () => {
  await store.put('ses_1/00000000', Buffer.from('x'))
  symlinkSync('/etc/hostname', join(directory, 'ses_1', '00000001'))
  await expect(store.get('ses_1/00000001')).rejects.toMatchObject(unavailable)
})

test('what is too long for a chunk is not read', async () => {
  mkdirSync(join(directory, 'ses_1'))
  const file = join(directory, 'ses_1', '00000000')
  writeFileSync(file, '')
  const { truncate } = await import('node:fs/promises')
  await truncate(file, CHUNK_BYTES_MAX + 1)
  await expect(store.get('ses_1/00000000')).rejects.toMatchObject(unavailable)
})

test('nobody else may read a chunk or see its name', async () => {
  await store.put('ses_1/00000000', Buffer.from('x'))
  expect(statSync(join(directory, 'ses_1')).mode & 0o777).toBe(0o700)
  expect(statSync(join(directory, 'ses_1', '00000000')).mode & 0o777).toBe(0o600)
})

test('a chunk comes back as it was put, again after it was put again', async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at))
  await store.put('ses_1/00000000', bytes)
  await store.put('ses_1/00000000', bytes)
  expect(Buffer.from((await store.get('ses_1/00000000')) ?? []).equals(bytes)).toBe(true)
  expect(await store.list('ses_1/')).toEqual(['ses_1/00000000'])
})

test('of a session that nobody recorded there is nothing', async () => {
  expect(await store.list('ses_9/')).toEqual([])
  expect(await store.get('ses_9/00000000')).toBeUndefined()
})
