// Requests that this process is opening: bounded, and remembered until the inbox knows them. A request
// lives in its workflow; when this process ends, nothing of it is lost.

import { LRUCache } from 'lru-cache'
import { refused, WarderError, type Outcome, type Refusal } from '../../core/errors.js'
import type { RequestId } from '../../core/ids.js'
import type { AccessItem } from '../../core/inbox.js'
import type { AccessService, Cancellation, Clock } from '../../core/ports.js'
import type { AccessQuestion } from '../../core/question.js'
import {
  openingCountMax,
  openingCountTotalMax,
  openWaitMs,
  refusalCountMax,
  refusalMs,
} from './limits.js'

/** How far a request has come when its caller gets the id. */
export type OpeningState = 'verifying' | 'pending' | 'active'

/** A request outlives the HTTP call that made it: it is never cancelled by this process. */
const NEVER: Cancellation = {
  aborted: false,
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
}

interface Remembered {
  readonly question: AccessQuestion
  readonly refusal: Refusal
}

/** Opens requests and keeps those that are not yet settled. */
export class Openings {
  readonly #access: AccessService
  readonly #clock: Clock
  readonly #running = new Map<RequestId, AccessItem>()
  readonly #refusals: LRUCache<RequestId, Remembered>

  constructor(access: AccessService, clock: Clock) {
    this.#access = access
    this.#clock = clock
    this.#refusals = new LRUCache({ max: refusalCountMax, ttl: refusalMs })
  }

  /**
   * Starts a request; answers when it is active, over, or durably waiting for people, and after 5 s
   * in any case. Refuses with what `AccessService.open` refuses with, or `LIMIT_EXCEEDED`.
   */
  async open(question: AccessQuestion): Promise<Outcome<OpeningState>> {
    const full = this.#objection(question)
    if (full !== undefined) return refused('LIMIT_EXCEEDED', { why: full })
    return await new Promise((answer) => {
      const timer = setTimeout(() => {
        answer({ ok: true, value: 'verifying' })
      }, openWaitMs)
      const settle = (outcome: Outcome<OpeningState>): void => {
        clearTimeout(timer)
        answer(outcome)
      }
      const onPending = (): void => {
        settle({ ok: true, value: 'pending' })
      }
      void this.#follow(question, onPending).then(settle)
    })
  }

  /** A request that the inbox does not know yet. */
  find(id: RequestId): AccessItem | undefined {
    return this.#running.get(id)
  }

  /** Why a request came to nothing, for the one who asked for it. */
  refusalOf(id: RequestId, principalKey: string): Refusal | undefined {
    const remembered = this.#refusals.get(id)
    return remembered?.question.principalKey === principalKey ? remembered.refusal : undefined
  }

  #objection({ principalKey }: AccessQuestion): string | undefined {
    if (this.#running.size >= openingCountTotalMax) return 'too many requests are being opened'
    let count = 0
    for (const { question } of this.#running.values())
      if (question.principalKey === principalKey) count += 1
    return count < openingCountMax ? undefined : 'you have too many open requests'
  }

  /** Never rejects. */
  async #follow(question: AccessQuestion, onPending: () => void): Promise<Outcome<OpeningState>> {
    const { requestId: id } = question
    this.#running.set(id, {
      kind: 'access',
      id,
      state: 'verifying',
      revision: 0,
      openedAt: this.#clock.now(),
      decisions: [],
      reasons: [],
      question,
    })
    const outcome = await this.#access.open(question, NEVER, onPending).catch(asRefused)
    this.#running.delete(id)
    if (outcome.ok) return { ok: true, value: 'active' }
    const refusal = { ...outcome.refusal, details: { id, ...outcome.refusal.details } }
    this.#refusals.set(id, { question, refusal })
    return { ok: false, refusal }
  }
}

const asRefused = (error: unknown): Outcome<never> =>
  error instanceof WarderError
    ? { ok: false, refusal: error.refusal }
    : refused('CONTROL_PLANE_UNAVAILABLE')
