// Calls that must not be run twice: who made one, under which key, and what it was answered. Keeps
// digests of keys and calls; answers are sealed.

import { sql, type Kysely } from 'kysely'
import type { Idempotency, KeptAnswer, KeyedCall, KeyState } from '../core/idempotency.js'
import type { Clock } from '../core/ports.js'
import type { Sealer } from '../core/record.js'
import { storeCall } from './call.js'
import type { Schema } from './schema.js'
import { openJson, sealJson, type Place } from './sealed.js'

/** How long an answer is kept for whoever asks again. */
const KEEP = sql`interval '24 hours'`
/** Longer than any call runs; then its process is taken to be dead, and the call may be run again. */
const RUNNING = sql`interval '60 seconds'`
/** How often expired rows are removed, at most. */
const PURGE_EVERY_MS = 60_000
/** Rows removed at a time, so that no caller waits for a long delete. */
const PURGE_COUNT_MAX = 5_000

/** Keyed calls on PostgreSQL. Every call rejects with `CONTROL_PLANE_UNAVAILABLE` on failure. */
export class PostgresIdempotency implements Idempotency {
  readonly #db: Kysely<Schema>
  readonly #sealer: Sealer
  readonly #clock: Clock
  #purgedAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: { db: Kysely<Schema>; sealer: Sealer; clock: Clock }) {
    this.#db = parts.db
    this.#sealer = parts.sealer
    this.#clock = parts.clock
  }

  /** One statement decides, so that of any number of processes exactly one runs the call. */
  claim(call: KeyedCall): Promise<KeyState> {
    return storeCall(async () => {
      await this.#purgeSometimes()
      const { principalKey, keyDigest, fingerprint } = call
      const claimed = await this.#db
        .insertInto('idempotency_keys')
        .values({
          ...{ principal_key: principalKey, key_digest: keyDigest, fingerprint },
          running_until: sql`now() + ${RUNNING}`,
          expires_at: sql`now() + ${KEEP}`,
        })
        .onConflict((conflict) =>
          conflict
            .columns(['principal_key', 'key_digest'])
            .doUpdateSet({
              ...{ fingerprint, status: null, sealed: null },
              running_until: sql`now() + ${RUNNING}`,
              expires_at: sql`now() + ${KEEP}`,
            })
            .where((eb) =>
              eb.or([
                eb('idempotency_keys.expires_at', '<', sql<Date>`now()`),
                eb.and([
                  eb('idempotency_keys.fingerprint', '=', fingerprint),
                  eb('idempotency_keys.status', 'is', null),
                  eb('idempotency_keys.running_until', '<', sql<Date>`now()`),
                ]),
              ]),
            ),
        )
        .returning('key_digest')
        .executeTakeFirst()
      return claimed === undefined ? await this.#standing(call) : { state: 'run' }
    })
  }

  keep(call: KeyedCall, answer: KeptAnswer): Promise<void> {
    return storeCall(async () => {
      await this.#db
        .updateTable('idempotency_keys')
        .set({ status: answer.status, sealed: sealJson(this.#sealer, answer, placeOf(call)) })
        .where('principal_key', '=', call.principalKey)
        .where('key_digest', '=', call.keyDigest)
        .where('fingerprint', '=', call.fingerprint)
        .where('status', 'is', null)
        .execute()
    })
  }

  drop(call: KeyedCall): Promise<void> {
    return storeCall(async () => {
      await this.#db
        .deleteFrom('idempotency_keys')
        .where('principal_key', '=', call.principalKey)
        .where('key_digest', '=', call.keyDigest)
        .where('fingerprint', '=', call.fingerprint)
        .where('status', 'is', null)
        .execute()
    })
  }

  async #standing(call: KeyedCall): Promise<KeyState> {
    const row = await this.#db
      .selectFrom('idempotency_keys')
      .select(['fingerprint', 'sealed'])
      .where('principal_key', '=', call.principalKey)
      .where('key_digest', '=', call.keyDigest)
      .executeTakeFirst()
    // Dropped between the two statements: whoever repeats it may run it.
    if (row === undefined) return { state: 'running' }
    if (row.fingerprint !== call.fingerprint) return { state: 'other' }
    if (row.sealed === null) return { state: 'running' }
    const answer = openJson(this.#sealer, row.sealed, placeOf(call)) as KeptAnswer
    return { state: 'answered', answer }
  }

  async #purgeSometimes(): Promise<void> {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#purgedAtMs < PURGE_EVERY_MS) return
    this.#purgedAtMs = nowMs
    await sql`delete from idempotency_keys where (principal_key, key_digest) in (
      select principal_key, key_digest from idempotency_keys
      where expires_at < now() order by expires_at limit ${PURGE_COUNT_MAX})`.execute(this.#db)
  }
}

const placeOf = (call: KeyedCall): Place => [
  'idempotency_keys',
  call.principalKey,
  call.keyDigest,
  call.fingerprint,
]
