// Who waits for an access request: gateway processes, each with one parked update. Never lets so
// many in that a decision would find no room.

import type { AccessQuestion } from '../core/question.js'
import type { Join } from './messages.js'
import { rejection, settled } from './shell.js'

/** Parked callers at a time: Temporal lets ten updates in, and a decision must always get through. */
const parkedCountMax = 6
/** Processes remembered as waiting; older ones are forgotten first. */
const waiterCountMax = 64

/** The waiting callers of one request. */
export class Callers {
  readonly #question: AccessQuestion
  readonly #waiters: Set<string>
  #parkedCount = 0

  constructor(question: AccessQuestion, waiters: readonly string[]) {
    this.#question = question
    this.#waiters = new Set(waiters)
  }

  /** Who waits, for the next run. */
  get names(): readonly string[] {
    return [...this.#waiters]
  }

  /** Rejects with `FORBIDDEN` whoever wishes for something else, with `LIMIT_EXCEEDED` the seventh. */
  admit({ principalKey, resource, role }: Join): void {
    const isSame =
      principalKey === this.#question.principalKey &&
      resource === this.#question.resource &&
      role === this.#question.role
    if (!isSame) throw rejection({ code: 'FORBIDDEN', details: { what: resource } })
    if (this.#parkedCount >= parkedCountMax) {
      const why = `${parkedCountMax} gateways already wait for this request`
      throw rejection({ code: 'LIMIT_EXCEEDED', details: { why, id: this.#question.requestId } })
    }
  }

  /** Keeps the caller's update parked until the condition holds. */
  async park({ waiter }: Join, holds: () => boolean): Promise<void> {
    this.#waiters.add(waiter)
    const [oldest] = this.#waiters
    if (this.#waiters.size > waiterCountMax && oldest !== undefined) this.#waiters.delete(oldest)
    this.#parkedCount += 1
    try {
      await settled(holds)
    } finally {
      this.#parkedCount -= 1
    }
  }

  /** Forgets a process; true when nobody is left. */
  leave(waiter: string): boolean {
    this.#waiters.delete(waiter)
    return this.#waiters.size === 0
  }
}
