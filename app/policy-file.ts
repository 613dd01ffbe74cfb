// The policy file of an operator: applied at start and whenever it changes. A broken one changes
// nothing.

import { readFile } from 'node:fs/promises'
import { unwatchFile, watchFile } from 'node:fs'

import { messageOf, WarderError } from '../core/errors.js'
import type { ProcessOptions } from './foundation.js'
import type { PolicyLife } from './policy-life.js'

const POLL_MS = 1_000

/**
 * Applies the file and follows it until the returned function is called. Where the policy in force asks
 * for two people another file is only warned of: nobody drops that demand alone.
 *
 * @throws WarderError `POLICY_INVALID` when it can't be applied at start.
 */
export async function followPolicyFile(
  file: string,
  policies: PolicyLife,
  { progress, report }: Pick<ProcessOptions, 'progress' | 'report'>,
): Promise<() => void> {
  const apply = async () => {
    const outcome = await policies.applyFile(file, await readFile(file, 'utf8'))
    if (!outcome.ok && outcome.refusal.code === 'NOT_ENTITLED') {
      progress(`WARNING: ${messageOf(outcome.refusal)} The stored policy stays in force.`)
      return
    }
    if (!outcome.ok) throw new WarderError(outcome.refusal.code, outcome.refusal.details)
    const { version, rights } = outcome.value
    const wider = rights.filter(({ direction }) => direction === 'widens').length
    progress(
      `Policy ${file} is in force as version ${version ?? 0} (${rights.length} rights changed, ${wider} of them wider).`,
    )
  }
  await apply()
  watchFile(file, { interval: POLL_MS }, () => {
    apply().catch((failure: unknown) => report('policy file', failure))
  })
  return () => unwatchFile(file)
}
