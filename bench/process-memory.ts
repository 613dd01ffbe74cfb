// Resident memory of processes from Linux's /proc. Looks at them only.

import { readFileSync } from 'node:fs'
import { relayPids } from './process-cpu.js'

/** Reads `VmRSS` of /proc/PID/status (proc(5)), kB; undefined when it is not there. */
export function readResidentKb(status: string): number | undefined {
  const kb = /^VmRSS:\s+([0-9]+) kB$/m.exec(status)?.[1]
  return kb === undefined ? undefined : Number(kb)
}

/**
 * Resident memory of the process, kB, with that of its children that run the same program. Undefined
 * when there is no such process.
 */
export function residentKb(pid: number): number | undefined {
  const sizes = relayPids(pid).flatMap((one) => residentOf(one) ?? [])
  return sizes.length === 0 ? undefined : sizes.reduce((sum, size) => sum + size, 0)
}

function residentOf(pid: string): number | undefined {
  try {
    return readResidentKb(readFileSync(`/proc/${pid}/status`, 'latin1'))
  } catch {
    return undefined
  }
}
