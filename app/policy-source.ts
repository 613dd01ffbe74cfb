// The policy by which this process judges: followed in the store, never changed here.

import { createHash } from 'node:crypto'

import { EMPTY_POLICY, loadPolicy } from '../policy/load.js'
import type { Policy } from '../policy/policy.js'
import { problemText } from '../policy/problem.js'
import type { PostgresPolicyStore } from '../store/policies.js'
import type { PostgresPolicyProcesses } from '../store/policy-processes.js'

/** How often another process's new version is looked for, whatever hints come or don't. */
const POLL_MS = 1_000
/** How long what this process said of itself stands: a few polls, so that a slow store drops nobody. */
const REPORT_MS = 8 * POLL_MS
/** An unchanged report is repeated well before it lapses. */
const REPORT_POLL_COUNT = 3

/** Hex SHA-256 of the UTF-8 form of a text: the digest of a policy. */
export const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex')

/** What the source is built from. */
export interface PolicySourceParts {
  readonly store: Pick<PostgresPolicyStore, 'current' | 'currentNumber'>
  readonly processes: Pick<PostgresPolicyProcesses, 'report' | 'forget'>
  /** The name of this process, as the audit log has it. */
  readonly process: string
  /** Called with each policy that comes into force; must not throw. */
  readonly onChange: (policy: Policy) => void
  /** Told when the store or a stored version can't be read, once for each trouble; the policy stays. */
  readonly onTrouble: (failure: unknown) => void
}

/** Where everything that judges takes its policy from. No version applied yet means deny all. */
export class PolicySource {
  readonly #parts: PolicySourceParts
  #policy: Policy = EMPTY_POLICY
  #version = 0
  /** A newer version that this process can't read. */
  #unreadable: { readonly version: number; readonly why: string } | undefined
  #storeTrouble: string | undefined
  #refreshing: Promise<void> | undefined
  /** How often a look was asked for: one that comes during another is followed by one more. */
  #askedCount = 0
  #reported = ''
  #pollCount = 0
  #timer: NodeJS.Timeout | undefined

  private constructor(parts: PolicySourceParts) {
    this.#parts = parts
  }

  /** Reads the version in force and follows the store from then on. */
  static async open(parts: PolicySourceParts): Promise<PolicySource> {
    const source = new PolicySource(parts)
    await source.#follow()
    source.#timer = setInterval(() => void source.refresh(), POLL_MS)
    return source
  }

  /** The policy by which this process judges now. */
  get policy(): Policy {
    return this.#policy
  }

  /** Its number; 0 before there is one. */
  get version(): number {
    return this.#version
  }

  /** Why this process may not judge by the version in force; undefined when it does. */
  get trouble(): string | undefined {
    return this.#unreadable?.why ?? this.#storeTrouble
  }

  /** Looks now: on a hint, or after a change of one's own. Never rejects; failures are told. */
  refresh(): Promise<void> {
    this.#askedCount += 1
    // What a running look has read may be older than what the hint is about; it looks once more.
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#refreshing
    await this.#parts.processes.forget(this.#parts.process).catch(this.#parts.onTrouble)
  }

  async #refresh(): Promise<void> {
    for (let seen = 0; seen !== this.#askedCount;) {
      seen = this.#askedCount
      try {
        await this.#follow()
        this.#storeTrouble = undefined
      } catch (failure) {
        const why = failure instanceof Error ? failure.message : 'the store failed'
        if (this.#storeTrouble !== why) this.#parts.onTrouble(failure)
        this.#storeTrouble = why
        return
      }
    }
  }

  async #follow(): Promise<void> {
    const { store } = this.#parts
    const number = await store.currentNumber()
    if (number !== this.#version && number !== this.#unreadable?.version) {
      const current = await store.current()
      if (current !== undefined) this.#take(current)
    }
    await this.#report()
  }

  #take({ version, source }: { readonly version: number; readonly source: string }): void {
    const loaded = loadPolicy(source, sha256Hex)
    if (!loaded.ok) {
      const [first] = loaded.problems
      const what = first === undefined ? '' : `: ${problemText(first)}`
      this.#unreadable = { version, why: `policy version ${version} can't be read${what}` }
      this.#parts.onTrouble(new Error(this.#unreadable.why))
      return
    }
    this.#unreadable = undefined
    this.#version = version
    if (loaded.policy.digest === this.#policy.digest) return
    this.#policy = loaded.policy
    this.#parts.onChange(loaded.policy)
  }

  /** Says by which version this process judges: at each change, and before it would be forgotten. */
  async #report(): Promise<void> {
    const said = { process: this.#parts.process, version: this.#version, trouble: this.trouble }
    const text = JSON.stringify(said)
    this.#pollCount += 1
    if (text === this.#reported && this.#pollCount % REPORT_POLL_COUNT !== 0) return
    await this.#parts.processes.report(said, REPORT_MS)
    this.#reported = text
  }
}
