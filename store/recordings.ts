// The keys of recordings, sealed. Nothing that was recorded is here: that is in chunks, elsewhere.

import type { Kysely } from 'kysely'
import type { SessionId } from '../core/ids.js'
import type { Sealer } from '../core/record.js'
import type { RecordingEntry, RecordingKeys } from '../core/recording.js'
import { storeCall } from './call.js'
import type { Schema } from './schema.js'
import type { Place } from './sealed.js'

/** RecordingKeys on PostgreSQL. Every call rejects with `RECORD_UNAVAILABLE` on failure. */
export class PostgresRecordingKeys implements RecordingKeys {
  readonly #db: Kysely<Schema>
  readonly #sealer: Sealer

  constructor(parts: { db: Kysely<Schema>; sealer: Sealer }) {
    this.#db = parts.db
    this.#sealer = parts.sealer
  }

  /** A session is recorded once: a second key for it is refused. */
  open({ sessionId, key, startedAt }: RecordingEntry): Promise<void> {
    return recordCall(async () => {
      await this.#db
        .insertInto('recordings')
        .values({
          session_id: sessionId,
          started_at: startedAt,
          sealed_key: this.#sealer.seal(key, placeOf(sessionId, startedAt)),
          chunk_count: null,
          closed_at: null,
        })
        .execute()
    })
  }

  /** The first close stays. */
  closed(sessionId: SessionId, chunkCount: number, at: number): Promise<void> {
    return recordCall(async () => {
      await this.#db
        .updateTable('recordings')
        .set({ chunk_count: chunkCount, closed_at: at })
        .where('session_id', '=', sessionId)
        .where('closed_at', 'is', null)
        .execute()
    })
  }

  find(sessionId: string): Promise<RecordingEntry | undefined> {
    return recordCall(async () => {
      const row = await this.#db
        .selectFrom('recordings')
        .select(['session_id', 'started_at', 'sealed_key'])
        .where('session_id', '=', sessionId as SessionId)
        .executeTakeFirst()
      if (row === undefined) return undefined
      const startedAt = row.started_at
      const key = this.#sealer.open(row.sealed_key, placeOf(row.session_id, startedAt))
      return { sessionId: row.session_id, key, startedAt }
    })
  }

  destroy(sessionId: string): Promise<boolean> {
    return recordCall(async () => {
      const result = await this.#db
        .deleteFrom('recordings')
        .where('session_id', '=', sessionId as SessionId)
        .executeTakeFirst()
      return result.numDeletedRows > 0n
    })
  }
}

const recordCall = <T>(call: () => Promise<T>): Promise<T> => storeCall(call, 'RECORD_UNAVAILABLE')

const placeOf = (sessionId: string, startedAt: number): string =>
  JSON.stringify(['recordings', sessionId, startedAt] satisfies Place)
