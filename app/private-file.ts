// Small files that belong to this process's user alone, written so that nobody ever sees half of
// one. Never changes a file that somebody else wrote first.

import { randomBytes } from 'node:crypto'
import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs'

const PRIVATE_MODE = 0o600

/** Creates the file with this text, whole; false when there already is one, which stays. */
export function createOnce(file: string, text: string): boolean {
  return throughAside(file, text, (aside) => {
    try {
      linkSync(aside, file)
      return true
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return false
      throw error
    }
  })
}

/** Writes the file anew, whole, in place of any earlier one. */
export function replaceFile(file: string, text: string): void {
  throughAside(file, text, (aside) => {
    renameSync(aside, file)
  })
}

/** The system's word for what went wrong (`ENOENT` …), if the error carries one. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error && 'code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

function throughAside<T>(file: string, text: string, publish: (aside: string) => T): T {
  const aside = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(aside, text, { mode: PRIVATE_MODE, flag: 'wx', flush: true })
    return publish(aside)
  } finally {
    rmSync(aside, { force: true })
  }
}
