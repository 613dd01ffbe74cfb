// The policy in force in this process: read from the store, changed only by applying a version.

import { createHash } from 'node:crypto'

import { granted, refused, type Outcome } from '../core/errors.js'
import type { AuditLog, Clock } from '../core/ports.js'
import { describeDifference } from '../policy/difference.js'
import { EMPTY_POLICY, loadPolicy } from '../policy/load.js'
import type { Policy } from '../policy/policy.js'
import { problemText } from '../policy/problem.js'
import type { PostgresPolicyStore } from '../store/policies.js'
import type { PolicyAdmin, PolicyDifference, PolicyInForce } from '../web/api/ports.js'

/** How often another process's new version is looked for. */
const POLL_MS = 1_000

const sha256Hex = (text: string) => createHash('sha256').update(text).digest('hex')

/** What the source is built from. */
export interface PolicySourceParts {
  readonly store: PostgresPolicyStore
  readonly audit: AuditLog
  readonly clock: Clock
  /** Called with each policy that comes into force; must not throw. */
  readonly onChange: (policy: Policy) => void
  /** Told when a stored version can't be used; the one in force stays. */
  readonly onTrouble: (failure: unknown) => void
}

/** Where everything that judges takes its policy from. No version applied yet means deny all. */
export class PolicySource implements PolicyAdmin {
  readonly #parts: PolicySourceParts
  #policy: Policy = EMPTY_POLICY
  #timer: NodeJS.Timeout | undefined

  private constructor(parts: PolicySourceParts) {
    this.#parts = parts
  }

  /** Reads the version in force and follows the store from then on. */
  static async open(parts: PolicySourceParts): Promise<PolicySource> {
    const source = new PolicySource(parts)
    await source.refresh()
    source.#timer = setInterval(() => {
      source.refresh().catch(parts.onTrouble)
    }, POLL_MS)
    return source
  }

  /** The policy by which this process judges now. */
  get policy(): Policy {
    return this.#policy
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async current(): Promise<PolicyInForce | undefined> {
    return this.#parts.store.current()
  }

  async apply(source: string, by: string, dryRun: boolean): Promise<Outcome<PolicyDifference>> {
    const loaded = loadPolicy(source, sha256Hex)
    if (!loaded.ok) {
      const why = loaded.problems.map((problem) => problemText(problem)).join('; ')
      return refused('POLICY_INVALID', { why })
    }
    const { policy } = loaded
    const changes = describeDifference(this.#policy, policy)
    if (dryRun) return granted({ digest: policy.digest, changes })
    const { store, audit, clock } = this.#parts
    const { digest } = policy
    const { version } = await store.add({ digest, source, by, at: clock.now() })
    await audit.durable(
      audit.append({
        kind: 'policy.applied',
        fields: { policyDigest: digest, version, by },
      }),
    )
    this.#take(policy)
    return granted({ digest, version, changes })
  }

  /** Reads the store now, instead of at the next look. */
  async refresh(): Promise<void> {
    const current = await this.#parts.store.current()
    if (current === undefined || current.digest === this.#policy.digest) return
    const loaded = loadPolicy(current.source, sha256Hex)
    if (loaded.ok) this.#take(loaded.policy)
    else this.#parts.onTrouble(new Error(`policy version ${current.version} can't be read`))
  }

  #take(policy: Policy): void {
    if (policy.digest === this.#policy.digest) return
    this.#policy = policy
    this.#parts.onChange(policy)
  }
}
