// Questions of the gateway's own to the target's catalog, asked in the caller's very session and
// between his messages, so that names mean what they would mean to his statement.

import { serialize } from 'pg-protocol'

import type { Outbox } from './codec.js'
import { FAILED, Reply, type Lookup, type Replies, type ReplyKind } from './replies.js'

/** Names that the gateway's own statements and portals bear; callers may not use them. */
export const OWN_NAME = 'warder_'

/** Thrown when the caller's transaction has failed: the catalog can't be read until it ends. */
export class TransactionFailed extends Error {
  override readonly name = 'TransactionFailed'
}

/** The part of a session that a lookup works on. */
export interface LookupSession {
  readonly replies: Replies
  readonly toTarget: Outbox
  /** Messages were sent that no Sync has ended yet. */
  readonly isOpen: boolean
  /** Resolves when no reply is awaited. */
  settled(): Promise<void>
}

/** Runs one fixed, parameterised SQL text; it is parsed once in a session. */
export class OwnLookup {
  readonly #session: LookupSession
  readonly #flush: () => void
  #parsedSql = ''

  /** @param flush Writes what the outboxes hold. */
  constructor(session: LookupSession, flush: () => void) {
    this.#session = session
    this.#flush = flush
  }

  /**
   * Returns the rows as text. Within a pipeline it flushes instead of syncing, which would commit
   * what the caller has not finished.
   *
   * @throws TransactionFailed
   * @throws WarderError `TARGET_UNREACHABLE` when the target refuses the lookup
   */
  async run(sql: string, values: readonly string[]): Promise<(string | null)[][]> {
    if (this.#session.replies.status === FAILED) throw new TransactionFailed()
    const rows: (string | null)[][] = []
    await new Promise<void>((resolve, reject) => {
      const done = (failure?: Error) => {
        if (failure === undefined) {
          resolve()
          return
        }
        this.#parsedSql = ''
        reject(failure)
      }
      this.#send(sql, values, { rows, done })
      this.#flush()
    })
    await this.#session.settled()
    return rows
  }

  #send(sql: string, values: readonly string[], lookup: Lookup): void {
    const name = `${OWN_NAME}lookup`
    if (this.#parsedSql !== sql) {
      // Closing what does not exist is no error, so a half-failed earlier attempt does no harm.
      const closing = { rows: lookup.rows, done: () => undefined }
      this.#one('close', serialize.close({ type: 'S', name }), closing)
      this.#one('parse', serialize.parse({ name, text: sql }), lookup)
      this.#parsedSql = sql
    }
    this.#one(
      'bind',
      serialize.bind({ portal: name, statement: name, values: [...values] }),
      lookup,
    )
    this.#one('execute', serialize.execute({ portal: name }), lookup)
    this.#one('close', serialize.close({ type: 'P', name }), lookup)
    if (this.#session.isOpen) this.#session.toTarget.add(serialize.flush())
    else this.#one('sync', serialize.sync(), lookup)
  }

  #one(kind: ReplyKind, bytes: Buffer, lookup: Lookup): void {
    this.#session.replies.push(new Reply(kind, 0, { lookup }))
    this.#session.toTarget.add(bytes)
  }
}
