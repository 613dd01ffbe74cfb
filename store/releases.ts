// Approvals that are used later than they are given: of commands that are run again, and of plans. One
// statement decides each use, so that of any number of gateways one gets it. Decides nothing else.

import { type Kysely, type Selectable, sql } from 'kysely'
import { assert } from '../core/errors.js'
import type { GrantId, ReviewId } from '../core/ids.js'
import type { Clock, ReleaseStore } from '../core/ports.js'
import type { Sealer } from '../core/record.js'
import type {
  ApprovedPlan,
  PlanStanding,
  RetryKey,
  RetryStanding,
  SettledRetry,
} from '../core/release.js'
import { storeCall } from './call.js'
import type { PlanTable, RetryTable, Schema } from './schema.js'
import { openJson, type Place, sealJson } from './sealed.js'

/** Questions that one grant may have open; more is flooding the approvers. */
const PENDING_COUNT_MAX = 20
/** How long a row that has lapsed is kept: somebody may want to look. */
const KEEP_MS = 24 * 60 * 60_000

type RetryRow = Selectable<RetryTable>
type PlanRow = Selectable<PlanTable>
type Said = Pick<SettledRetry, 'by' | 'reason'>

/** ReleaseStore on PostgreSQL. Every call rejects with `CONTROL_PLANE_UNAVAILABLE` on failure. */
export class PostgresReleaseStore implements ReleaseStore {
  readonly #db: Kysely<Schema>
  readonly #sealer: Sealer
  readonly #clock: Clock

  constructor(parts: { db: Kysely<Schema>; sealer: Sealer; clock: Clock }) {
    this.#db = parts.db
    this.#sealer = parts.sealer
    this.#clock = parts.clock
  }

  /** @throws WarderError `INTERNAL` when the approval was not written by Warder. */
  take({ grantId, digest }: RetryKey): Promise<RetryStanding> {
    return storeCall(async () => {
      const nowMs = this.#clock.now()
      const used = await this.#db
        .updateTable('retries')
        .set({ used_at: nowMs })
        .where('grant_id', '=', grantId)
        .where('digest', '=', digest)
        .where('state', '=', 'approved')
        .where('used_at', 'is', null)
        .where('until', '>', nowMs)
        .where(this.#isLive(grantId))
        .returningAll()
        .executeTakeFirst()
      if (used !== undefined) {
        return { state: 'released', reviewId: used.review_id, by: this.#said(used).by }
      }
      const row = await this.#db
        .selectFrom('retries')
        .selectAll()
        .where('grant_id', '=', grantId)
        .where('digest', '=', digest)
        .where('state', 'in', ['pending', 'denied'])
        .where('until', '>', nowMs)
        .executeTakeFirst()
      if (row === undefined) return { state: 'none' }
      if (row.state === 'pending') return { state: 'pending', reviewId: row.review_id }
      return { state: 'denied', reviewId: row.review_id, ...this.#said(row) }
    })
  }

  reserve(key: RetryKey & { reviewId: ReviewId; until: number }): Promise<ReviewId | undefined> {
    const { grantId, digest, reviewId, until } = key
    return storeCall(async () => {
      const nowMs = this.#clock.now()
      await this.#db
        .deleteFrom('retries')
        .where('until', '<', nowMs - KEEP_MS)
        .execute()
      // A row that counts for nothing any more makes room; any other one stays and is returned.
      const { rows } = await sql<{ review_id: ReviewId }>`
        insert into retries (grant_id, digest, review_id, state, until)
        select ${grantId}, ${digest}, ${reviewId}, 'pending', ${until}
        where (select count(*) from retries where grant_id = ${grantId} and digest <> ${digest}
          and state = 'pending' and until > ${nowMs}) < ${PENDING_COUNT_MAX}
        on conflict (grant_id, digest) do update set
          review_id = excluded.review_id, state = 'pending', until = excluded.until,
          used_at = null, sealed = null
        where retries.until <= ${nowMs} or retries.used_at is not null
        returning review_id`.execute(this.#db)
      if (rows[0] !== undefined) return rows[0].review_id
      const standing = await this.#db
        .selectFrom('retries')
        .select('review_id')
        .where('grant_id', '=', grantId)
        .where('digest', '=', digest)
        .where('until', '>', nowMs)
        .where('used_at', 'is', null)
        .executeTakeFirst()
      return standing?.review_id
    })
  }

  settle({ grantId, digest, reviewId, state, until, by, reason }: SettledRetry): Promise<void> {
    return storeCall(async () => {
      if (state === 'gone') {
        await this.#db
          .deleteFrom('retries')
          .where('review_id', '=', reviewId)
          .where('state', '=', 'pending')
          .execute()
        return
      }
      const row = { grant_id: grantId, digest, review_id: reviewId, state, until }
      const said: Said = { by, reason }
      await this.#db
        .updateTable('retries')
        .set({ state, until, sealed: sealJson(this.#sealer, said, retryPlace(row)) })
        .where('grant_id', '=', grantId)
        .where('digest', '=', digest)
        .where('review_id', '=', reviewId)
        .where('state', '=', 'pending')
        .execute()
    })
  }

  openCount(id: GrantId): Promise<number> {
    return storeCall(async () => {
      const row = await this.#db
        .selectFrom('retries')
        .select((eb) => eb.fn.countAll<string>().as('count'))
        .where('grant_id', '=', id)
        .where('state', 'in', ['pending', 'approved'])
        .where('used_at', 'is', null)
        .where('until', '>', this.#clock.now())
        .executeTakeFirstOrThrow()
      return Number(row.count)
    })
  }

  keepPlan(plan: ApprovedPlan): Promise<void> {
    return storeCall(async () => {
      const row = {
        grant_id: plan.grantId,
        request_id: plan.requestId,
        digest: plan.digest,
        policy_digest: plan.policyDigest,
        step_count: plan.steps.length,
      }
      const steps = plan.steps.map(({ text, digest }) => ({ text, digest }))
      await this.#db
        .insertInto('plans')
        .values({ ...row, next: 0, sealed: sealJson(this.#sealer, steps, planPlace(row)) })
        .onConflict((conflict) => conflict.column('grant_id').doNothing())
        .execute()
      const stored = await this.#plan(plan.grantId)
      assert(stored?.digest === plan.digest, 'a grant has one plan')
    })
  }

  plan(id: GrantId): Promise<PlanStanding | undefined> {
    return storeCall(() => this.#plan(id))
  }

  advance(id: GrantId, from: number, to: number): Promise<boolean> {
    return storeCall(async () => {
      const result = await this.#db
        .updateTable('plans')
        .set({ next: to })
        .where('grant_id', '=', id)
        .where('next', '=', from)
        .where(this.#isLive(id))
        .executeTakeFirst()
      return result.numUpdatedRows === 1n
    })
  }

  async #plan(id: GrantId): Promise<PlanStanding | undefined> {
    const row = await this.#db
      .selectFrom('plans')
      .selectAll()
      .where('grant_id', '=', id)
      .executeTakeFirst()
    if (row === undefined) return undefined
    return {
      grantId: row.grant_id,
      requestId: row.request_id,
      digest: row.digest,
      policyDigest: row.policy_digest,
      steps: openJson(this.#sealer, row.sealed, planPlace(row)) as PlanStanding['steps'],
      next: row.next,
    }
  }

  #isLive(id: GrantId) {
    return sql<boolean>`exists (select from grants where grants.id = ${id}
      and grants.end_reason is null and grants.expires_at > ${this.#clock.now()})`
  }

  #said(row: RetryRow): Said {
    assert(row.sealed !== null, 'an answer is sealed')
    return openJson(this.#sealer, row.sealed, retryPlace(row)) as Said
  }
}

/** Everything that an approval is about: who writes to the table alone can't make or widen one. */
const retryPlace = (row: Omit<RetryRow, 'sealed' | 'used_at'>): Place => [
  ...(['retries', row.grant_id, row.digest] as const),
  ...[row.review_id, row.state, row.until],
]

const planPlace = (row: Omit<PlanRow, 'sealed' | 'next'>): Place => [
  ...(['plans', row.grant_id, row.request_id] as const),
  ...[row.digest, row.policy_digest, row.step_count],
]
