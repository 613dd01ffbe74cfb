// The policy file of an operator: applied at start and whenever it changes. A broken one changes
// nothing.

import { readFile } from 'node:fs/promises'
import { unwatchFile, watchFile } from 'node:fs'

import { WarderError } from '../core/errors.js'
import type { ProcessOptions } from './foundation.js'
import type { PolicySource } from './policy-source.js'

const POLL_MS = 1_000

/**
 * Applies the file and follows it until the returned function is called.
 *
 * @throws WarderError `POLICY_INVALID` when it can't be applied at start.
 */
export async function followPolicyFile(
  file: string,
  policies: PolicySource,
  { progress, report }: Pick<ProcessOptions, 'progress' | 'report'>,
): Promise<() => void> {
  const apply = async () => {
    const outcome = await policies.apply(await readFile(file, 'utf8'), `file ${file}`, false)
    if (!outcome.ok) throw new WarderError(outcome.refusal.code, outcome.refusal.details)
    const { version, changes } = outcome.value
    progress(`Policy ${file} is in force as version ${version ?? 0} (${changes.length} changes).`)
  }
  await apply()
  watchFile(file, { interval: POLL_MS }, () => {
    apply().catch((failure: unknown) => report('policy file', failure))
  })
  return () => unwatchFile(file)
}
