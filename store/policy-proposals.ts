// Policies that wait for a second person. Its text and who proposed it are sealed; a proposal becomes a
// version in the same transaction in which it is confirmed, or not at all.

import type { Kysely, Selectable } from 'kysely'
import type { ProposalId } from '../core/ids.js'
import type { PolicyProposal, ProposalState } from '../core/policy-proposal.js'
import type { Sealer } from '../core/record.js'
import { storeCall } from './call.js'
import { addVersion, type PolicyVersion } from './policies.js'
import type { PolicyProposalTable, Schema } from './schema.js'
import { openJson, type Place, sealJson } from './sealed.js'

/** Longest list that is read at once. */
const LIST_COUNT_MAX = 100

type Row = Selectable<PolicyProposalTable>
type Sealed = Pick<PolicyProposal, 'source' | 'proposer' | 'reason'>

/** Proposals in PostgreSQL. Every call rejects with `CONTROL_PLANE_UNAVAILABLE` on failure. */
export class PostgresPolicyProposals {
  readonly #db: Kysely<Schema>
  readonly #sealer: Sealer

  constructor(parts: { db: Kysely<Schema>; sealer: Sealer }) {
    this.#db = parts.db
    this.#sealer = parts.sealer
  }

  /** Idempotent: one that is there stays as it is. */
  put({ id, baseVersion, digest, openedAt, expiresAt, ...rest }: PolicyProposal): Promise<void> {
    return storeCall(async () => {
      const clear = {
        ...{ id, digest, base_version: baseVersion },
        ...{ opened_at: openedAt, expires_at: expiresAt },
      }
      const sealed: Sealed = { source: rest.source, proposer: rest.proposer, reason: rest.reason }
      await this.#db
        .insertInto('policy_proposals')
        .values({
          ...clear,
          ...{ state: 'pending', decided_by: null, decided_at: null, version: null },
          sealed: sealJson(this.#sealer, sealed, placeOf(clear)),
        })
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute()
    })
  }

  find(id: ProposalId): Promise<PolicyProposal | undefined> {
    return storeCall(async () => {
      const row = await this.#db
        .selectFrom('policy_proposals')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst()
      return row === undefined ? undefined : this.#toProposal(row)
    })
  }

  /** Those that nobody has decided, for one version in force; newest first, at most 100. */
  pending(baseVersion: number, nowMs: number): Promise<readonly PolicyProposal[]> {
    return storeCall(async () => {
      const rows = await this.#db
        .selectFrom('policy_proposals')
        .selectAll()
        .where('state', '=', 'pending')
        .where('base_version', '=', baseVersion)
        .where('expires_at', '>', nowMs)
        .orderBy('opened_at', 'desc')
        .limit(LIST_COUNT_MAX)
        .execute()
      return rows.map((row) => this.#toProposal(row))
    })
  }

  /** False when it had been decided before. */
  reject(id: ProposalId, by: string, at: number): Promise<boolean> {
    return storeCall(async () => {
      const done = await this.#db
        .updateTable('policy_proposals')
        .set({ state: 'rejected', decided_by: by, decided_at: at })
        .where('id', '=', id)
        .where('state', '=', 'pending')
        .executeTakeFirst()
      return done.numUpdatedRows === 1n
    })
  }

  /**
   * Puts it in force. Undefined, and nothing is changed, when it was decided before or when another
   * version than its base is in force.
   */
  confirm(
    { id, baseVersion }: PolicyProposal,
    policy: Omit<PolicyVersion, 'version'>,
    by: string,
  ): Promise<PolicyVersion | undefined> {
    return storeCall(() =>
      this.#db.transaction().execute(async (transaction) => {
        const added = await addVersion(transaction, policy, baseVersion)
        if (added === undefined) return undefined
        const done = await transaction
          .updateTable('policy_proposals')
          .set({ state: 'applied', decided_by: by, decided_at: policy.at, version: added.version })
          .where('id', '=', id)
          .where('state', '=', 'pending')
          .executeTakeFirst()
        if (done.numUpdatedRows !== 1n) throw new DecidedBefore()
        return added
      }),
    ).catch((failure: unknown) => {
      if (failure instanceof Error && failure.cause instanceof DecidedBefore) return undefined
      throw failure
    })
  }

  #toProposal(row: Row): PolicyProposal {
    const sealed = openJson(this.#sealer, row.sealed, placeOf(row)) as Sealed
    return {
      ...sealed,
      id: row.id,
      state: row.state as ProposalState,
      baseVersion: row.base_version,
      digest: row.digest,
      openedAt: row.opened_at,
      expiresAt: row.expires_at,
      ...(row.decided_by === null ? {} : { decidedBy: row.decided_by }),
      ...(row.decided_at === null ? {} : { decidedAt: row.decided_at }),
      ...(row.version === null ? {} : { version: row.version }),
    }
  }
}

/** Rolls the transaction back. */
class DecidedBefore extends Error {}

const placeOf = (
  row: Pick<Row, 'id' | 'base_version' | 'digest' | 'opened_at' | 'expires_at'>,
): Place => [
  'policy_proposals',
  row.id,
  row.base_version,
  row.digest,
  row.opened_at,
  row.expires_at,
]
