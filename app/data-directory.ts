// The directory that everything embedded lives in: keys, databases, logs. Never changes one that
// is already there.

import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { WarderError } from '../core/errors.js'
import { errorCode } from './private-file.js'

const PRIVATE_MODE = 0o700
/**
 * As root others may pass through, to the parts that their own rights open to them: PostgreSQL
 * runs as another user there. Nobody but the owner can list it.
 */
const PASSABLE_MODE = process.getuid?.() === 0 ? 0o711 : PRIVATE_MODE

/**
 * Makes the part `name` of the data directory, and both if they are not there, so that only this
 * process's user can enter it; returns its path.
 *
 * @throws WarderError `INVALID_ARGUMENT` when it can't be made, or others may write to it.
 */
export function openPart(dataDirectory: string, name: string): string {
  open(dataDirectory, PASSABLE_MODE)
  return open(join(dataDirectory, name), PRIVATE_MODE)
}

/**
 * The same for a part below which a server runs as another user, when this process is root.
 *
 * @throws WarderError `INVALID_ARGUMENT` when it can't be made, or others may write to it.
 */
export function openPassablePart(dataDirectory: string, ...names: readonly string[]): string {
  let path = open(dataDirectory, PASSABLE_MODE)
  for (const name of names) path = open(join(path, name), PASSABLE_MODE)
  return path
}

function open(path: string, mode: number): string {
  try {
    mkdirSync(dirname(path), { recursive: true })
    mkdirSync(path)
    // Said again, because the mode of mkdir is narrowed by the umask.
    chmodSync(path, mode)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw unusable(path, errorCode(error) ?? String(error))
  }
  const entry = statSync(path)
  if (!entry.isDirectory()) throw unusable(path, 'it is not a directory')
  if ((entry.mode & 0o002) !== 0) throw unusable(path, 'others on this machine may write to it')
  return path
}

const unusable = (path: string, why: string): WarderError =>
  new WarderError('INVALID_ARGUMENT', {
    what: `The data directory ${path}`,
    why: `${why}; set WARDER_DATA to another`,
  })
