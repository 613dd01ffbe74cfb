// Tells a process from a later one with the same number. Never signals anything.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { WarderError } from '../../core/errors.js'

/** A process for as long as it lives: its number, and when it started. */
export interface ProcessIdentity {
  readonly pid: number
  /** Opaque; equal only for the same process in the same boot of the machine. */
  readonly startedAt: string
}

/** The identity of a running process, or undefined when there is none (a zombie is none). */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === 'linux' ? startFromProc(pid) : startFromPs(pid)
  return startedAt === undefined ? undefined : { pid, startedAt }
}

/** True while the very process that the identity was taken of is running. */
export const isRunning = (identity: ProcessIdentity): boolean =>
  processIdentity(identity.pid)?.startedAt === identity.startedAt

/**
 * This process's own identity.
 *
 * @throws WarderError `INTERNAL` where the system tells nothing about processes.
 */
export function ownIdentity(): ProcessIdentity {
  const identity = processIdentity(process.pid)
  if (identity !== undefined) return identity
  throw new WarderError('INTERNAL', { why: 'neither /proc nor `ps` tells about processes here' })
}

/** The identity that the text holds, or undefined when it holds none. */
export function parseIdentity(text: string): ProcessIdentity | undefined {
  try {
    return asIdentity(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** The same for a value that was parsed as part of something larger. */
export function asIdentity(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (!('pid' in value) || !('startedAt' in value)) return undefined
  const { pid, startedAt } = value
  if (typeof pid !== 'number' || typeof startedAt !== 'string') return undefined
  return { pid, startedAt }
}

/** What `ps` would show as the process's command line; empty when there is no such process. */
export function commandLine(pid: number): string {
  try {
    if (process.platform === 'linux') {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    }
  } catch {
    return ''
  }
  return ps(pid, 'command=')
}

/** proc(5): field 3 is the state, field 22 the start in ticks since boot; the name may hold spaces. */
function startFromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${fields[19] ?? ''}`
  } catch {
    return undefined
  }
}

function startFromPs(pid: number): string | undefined {
  if (ps(pid, 'state=').startsWith('Z')) return undefined
  return ps(pid, 'lstart=') || undefined
}

function ps(pid: number, column: string): string {
  const { stdout } = spawnSync('ps', ['-o', column, '-p', String(pid)], { encoding: 'utf8' })
  return (stdout || '').trim()
}
