// A lock between processes on one machine, as a file that names its holder. A holder that died
// gives it up by being dead; it is never broken while its holder lives.

import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { WarderError } from '../../core/errors.js'
import { createOnce } from '../private-file.js'
import { isRunning, ownIdentity, parseIdentity } from './process-identity.js'
import type { ProcessIdentity } from './process-identity.js'

/** How often a waiting process looks again. */
const POLL_MS = 100

/**
 * Runs `work` while no other process holds the lock; `onWait` is called once if it has to wait.
 *
 * @throws WarderError `CONTROL_PLANE_UNAVAILABLE` when the holder keeps it for longer than `waitMsMax`.
 */
export async function withFileLock<T>(
  file: string,
  waitMsMax: number,
  onWait: (holder: ProcessIdentity) => void,
  work: () => Promise<T>,
): Promise<T> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  let told = false
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const holder = take(file)
    if (holder === undefined) break
    if (waitedMs >= waitMsMax) {
      const why = `process ${holder.pid} holds ${file}; wait for it or stop it`
      throw new WarderError('CONTROL_PLANE_UNAVAILABLE', { why })
    }
    if (!told) onWait(holder)
    told = true
    await delay(POLL_MS)
  }
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

/** Takes the lock, or says who has it. */
function take(file: string): ProcessIdentity | undefined {
  if (createOnce(file, JSON.stringify(ownIdentity()))) return undefined
  const text = read(file)
  if (text === undefined) return take(file)
  const holder = parseIdentity(text)
  if (holder !== undefined && isRunning(holder)) return holder
  // Moved aside first, so that of two that find it abandoned only one removes it. Should the one
  // moved be a newer lock after all, it is put back unless a third has been quicker.
  const aside = `${file}.${randomBytes(6).toString('hex')}`
  try {
    renameSync(file, aside)
    const moved = read(aside)
    if (moved !== undefined && moved !== text) createOnce(file, moved)
  } catch {
    // Somebody else was quicker; look again.
  } finally {
    rmSync(aside, { force: true })
  }
  return take(file)
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
