// Tokens that were used: which request has spent one, which caller one belongs to. Keeps a digest of
// (issuer, token id), never a token.

import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { RequestId } from '../core/ids.js'
import type { Clock, TokenLedger } from '../core/ports.js'
import { storeCall } from './call.js'
import type { Schema } from './schema.js'

/** How long a spent token is remembered past its expiry: far more than any clock is off. */
const KEEP_MS = 60 * 60_000
/** How often expired rows are removed, at most. */
const PURGE_EVERY_MS = 60_000
/** Rows removed at a time, so that no caller waits for a long delete. */
const PURGE_COUNT_MAX = 5_000

/** TokenLedger on PostgreSQL. Every call rejects with `CONTROL_PLANE_UNAVAILABLE` on failure. */
export class PostgresTokenLedger implements TokenLedger {
  readonly #db: Kysely<Schema>
  readonly #clock: Clock
  #purgedAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: { db: Kysely<Schema>; clock: Clock }) {
    this.#db = parts.db
    this.#clock = parts.clock
  }

  /** One statement, so that of any number of holders exactly one gets it. */
  consume(token: {
    issuer: string
    tokenId: string
    expiresAt: number
    holder: RequestId
  }): Promise<boolean> {
    return storeCall(async () => {
      await this.#purgeSometimes()
      const row = await this.#db
        .insertInto('spent_tokens')
        .values({
          token_digest: digestOf(token.issuer, token.tokenId),
          holder: token.holder,
          expires_at: token.expiresAt,
        })
        .onConflict((conflict) =>
          conflict.column('token_digest').doUpdateSet((eb) => ({
            expires_at: eb.fn<number>('greatest', [
              'spent_tokens.expires_at',
              'excluded.expires_at',
            ]),
          })),
        )
        .returning('holder')
        .executeTakeFirstOrThrow()
      return row.holder === token.holder
    })
  }

  /** A row is never changed, so that the first caller stays the one. */
  bind(token: {
    issuer: string
    tokenId: string
    expiresAt: number
    caller: string
  }): Promise<boolean> {
    const digest = digestOf(token.issuer, token.tokenId)
    const find = () =>
      this.#db
        .selectFrom('token_bindings')
        .select('caller')
        .where('token_digest', '=', digest)
        .executeTakeFirst()
    return storeCall(async () => {
      await this.#purgeSometimes()
      const known = await find()
      if (known !== undefined) return known.caller === token.caller
      await this.#db
        .insertInto('token_bindings')
        .values({ token_digest: digest, caller: token.caller, expires_at: token.expiresAt })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
      // Whoever came first, in another process perhaps: his row is the one that is there now.
      return (await find())?.caller === token.caller
    })
  }

  /** Removes rows of tokens that expired over an hour ago; returns how many. */
  purge(): Promise<number> {
    return storeCall(() => this.#purge())
  }

  async #purgeSometimes(): Promise<void> {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#purgedAtMs < PURGE_EVERY_MS) return
    this.#purgedAtMs = nowMs
    await this.#purge()
  }

  async #purge(): Promise<number> {
    return (await this.#purgeTable('spent_tokens')) + (await this.#purgeTable('token_bindings'))
  }

  async #purgeTable(table: 'spent_tokens' | 'token_bindings'): Promise<number> {
    const result = await this.#db
      .deleteFrom(table)
      .where('token_digest', 'in', (eb) =>
        eb
          .selectFrom(table)
          .select('token_digest')
          .where('expires_at', '<', this.#clock.now() - KEEP_MS)
          .orderBy('expires_at')
          .limit(PURGE_COUNT_MAX),
      )
      .executeTakeFirst()
    return Number(result.numDeletedRows)
  }
}

/** JSON keeps issuer and id apart, whatever characters they hold. */
const digestOf = (issuer: string, tokenId: string): string =>
  createHash('sha256')
    .update(JSON.stringify(['warder-spent-token-v1', issuer, tokenId]))
    .digest('hex')
