// CPU time of processes from Linux's /proc. Looks at them only.

import { readFileSync, readdirSync, readlinkSync } from 'node:fs'

/** Clock ticks per second in /proc: 100 on every architecture that Node runs on (USER_HZ). */
const TICKS_PER_SECOND = 100
const TICK_US = 1_000_000 / TICKS_PER_SECOND

/** The part of /proc/PID/stat that matters here. */
export interface ProcessStat {
  readonly parentPid: number
  /** User and system time of all its threads, ticks. */
  readonly ownTicks: number
  /** The same of children that have ended and were waited for. */
  readonly endedChildrenTicks: number
}

/** Reads a stat line (proc(5)); the name in parentheses may hold spaces and parentheses itself. */
export function readStat(line: string): ProcessStat | undefined {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const field = (number: number) => Number(fields[number - 3])
  const stat = {
    parentPid: field(4),
    ownTicks: field(14) + field(15),
    endedChildrenTicks: field(16) + field(17),
  }
  return Object.values(stat).every(Number.isSafeInteger) ? stat : undefined
}

/**
 * CPU time that the process has used, µs, with that of its children that run the same program: a relay
 * may be several processes behind one port. Undefined when there is no such process.
 */
export function cpuUs(pid: number): number | undefined {
  const stats = relayPids(pid).flatMap((one) => statOf(one) ?? [])
  if (stats.length === 0) return undefined
  return stats.reduce((sum, { ownTicks }) => sum + ownTicks, 0) * TICK_US
}

/** The process and its children that run the same program; none when there is no such process. */
export function relayPids(pid: number): readonly string[] {
  if (statOf(String(pid)) === undefined) return []
  const program = programOf(String(pid))
  const same = (child: string) => program !== undefined && programOf(child) === program
  return [String(pid), ...childrenOf(pid).filter(same)]
}

/** CPU time of a server with a process for each connection, those that have ended included, µs. */
export function cpuWithChildrenUs(pid: number): number {
  const own = statOf(String(pid))
  const ticks = childrenOf(pid).reduce((sum, child) => sum + (statOf(child)?.ownTicks ?? 0), 0)
  return (ticks + (own?.ownTicks ?? 0) + (own?.endedChildrenTicks ?? 0)) * TICK_US
}

const childrenOf = (pid: number): readonly string[] =>
  readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name) && statOf(name)?.parentPid === pid)

/** Path of the program that the process runs; undefined when it is gone or somebody else's. */
function programOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`)
  } catch {
    return undefined
  }
}

function statOf(pid: string): ProcessStat | undefined {
  try {
    return readStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return undefined
  }
}
