// Chunks as files of one directory, private to this process's user. A file that has its name is
// whole and durable; whatever else lies there is the rest of a write that a crash cut short.

import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { assert, WarderError } from '../../core/errors.js'
import type { ChunkStore } from '../../core/recording.js'
import { CHUNK_BYTES_MAX } from './chunk.js'

const DIRECTORY_MODE = 0o700
const FILE_MODE = 0o600
/** `SESSION/PART`: no dots, so that no name leads out of the directory or looks like an unfinished one. */
const NAME = /^[A-Za-z0-9_-]{1,64}\/[A-Za-z0-9_-]{1,64}$/
const PREFIX = /^[A-Za-z0-9_-]{1,64}\/$/
/** What a write leaves behind when it is cut short ends so. */
const UNFINISHED = '.part'

/**
 * ChunkStore on a directory that exists. Rejects with `RECORD_UNAVAILABLE`, which says the system's
 * word (`ENOSPC` …) and no path.
 */
export class FileChunkStore implements ChunkStore {
  readonly #directory: string

  /** @param directory absolute; only this process's user may enter it. */
  constructor(directory: string) {
    this.#directory = directory
  }

  /** Written aside, synchronized, renamed; then the directory is synchronized too. */
  async put(name: string, bytes: Uint8Array): Promise<void> {
    assert(NAME.test(name), 'a chunk is named SESSION/PART')
    const file = join(this.#directory, name)
    const folder = join(file, '..')
    const aside = `${file}.${randomBytes(6).toString('hex')}${UNFINISHED}`
    await attempt(async () => {
      await this.#makeFolder(folder)
      try {
        await write(aside, bytes)
        await rename(aside, file)
      } catch (failure) {
        await rm(aside, { force: true }).catch(() => undefined)
        throw failure
      }
      await synchronize(folder)
    })
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    assert(NAME.test(name), 'a chunk is named SESSION/PART')
    return attempt(async () => {
      // No link is followed: what lies there was written by this store, or it is not read.
      const handle = await open(
        join(this.#directory, name),
        constants.O_RDONLY | constants.O_NOFOLLOW,
      ).catch(absent)
      if (handle === undefined) return undefined
      try {
        const { size } = await handle.stat()
        if (size > CHUNK_BYTES_MAX) throw unavailable('a chunk is too long')
        return await handle.readFile()
      } finally {
        await handle.close()
      }
    })
  }

  async list(prefix: string): Promise<readonly string[]> {
    assert(PREFIX.test(prefix), 'chunks are listed by SESSION/')
    return attempt(async () => {
      const files = await readdir(join(this.#directory, prefix)).catch(absent)
      return (files ?? []).map((file) => prefix + file).filter((name) => NAME.test(name))
    })
  }

  async #makeFolder(folder: string): Promise<void> {
    const made = await mkdir(folder, { mode: DIRECTORY_MODE }).then(
      () => true,
      (failure: unknown) => {
        if (codeOf(failure) !== 'EEXIST') throw failure
        return false
      },
    )
    if (made) await synchronize(this.#directory)
  }
}

async function write(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx', FILE_MODE)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** A name is durable only when its directory is (fsync(2)). */
async function synchronize(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (failure) {
    if (failure instanceof WarderError) throw failure
    throw unavailable(
      `the directory of recordings failed (${codeOf(failure) ?? 'unknown'})`,
      failure,
    )
  }
}

function absent(failure: unknown): undefined {
  if (codeOf(failure) === 'ENOENT') return undefined
  throw failure
}

const codeOf = (failure: unknown): string | undefined =>
  failure instanceof Error && 'code' in failure && typeof failure.code === 'string'
    ? failure.code
    : undefined

const unavailable = (why: string, cause?: unknown): WarderError =>
  new WarderError('RECORD_UNAVAILABLE', { why }, { cause })
