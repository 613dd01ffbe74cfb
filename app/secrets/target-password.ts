// Changes the password of the gateway's own login at a PostgreSQL target. The only connection to a
// target without a permit: it runs these few fixed statements and nothing that anybody sent.

import { readFile } from 'node:fs/promises'
import { rootCertificates } from 'node:tls'
import pg from 'pg'
import { WarderError } from '../../core/errors.js'
import type { Resource } from '../../core/resource.js'
import { scramVerifier } from './scram-verifier.js'

const CONNECT_MS_MAX = 5_000
const STATEMENT_MS_MAX = 5_000
/** invalid_password, invalid_authorization_specification (PostgreSQL manual, appendix A). */
const PASSWORD_REFUSED: ReadonlySet<string> = new Set(['28P01', '28000'])

/** The target's side of a rotation. Calls reject with `TARGET_UNREACHABLE` or `TARGET_REFUSED`. */
export interface TargetPasswords {
  /** True when the target takes the password now. */
  accepts(resource: Resource, password: Uint8Array): Promise<boolean>
  /**
   * Logs in with `current` and makes `next` the password. `isWanted` is asked once nobody else can
   * change it: a rotation that has been overtaken changes nothing.
   */
  change(
    resource: Resource,
    passwords: { readonly current: Uint8Array; readonly next: Uint8Array },
    isWanted: () => Promise<boolean>,
  ): Promise<'changed' | 'refused' | 'overtaken'>
}

/** TargetPasswords over real connections. */
export const postgresPasswords: TargetPasswords = {
  async accepts(resource, password) {
    const target = await connect(resource, password)
    await target?.end()
    return target !== undefined
  },

  async change(resource, { current, next }, isWanted) {
    const target = await connect(resource, current)
    if (target === undefined) return 'refused'
    try {
      const verifier = target.escapeLiteral(await scramVerifier(next))
      await target.query('BEGIN')
      await target.query(
        "SELECT pg_advisory_xact_lock(hashtext('warder-rotation'), hashtext(current_user))",
      )
      if (!(await isWanted())) return 'overtaken'
      await target.query(`ALTER ROLE CURRENT_USER PASSWORD ${verifier}`)
      await target.query('COMMIT')
      return 'changed'
    } catch (failure) {
      if (failure instanceof WarderError) throw failure
      const state = stateOf(failure)
      throw state === undefined
        ? new WarderError('TARGET_UNREACHABLE', { what: resource.name, why: 'it broke off' })
        : new WarderError('TARGET_REFUSED', { what: resource.name, why: `SQLSTATE ${state}` })
    } finally {
      // Without COMMIT the target undoes what was begun.
      await target.end().catch(() => undefined)
    }
  },
}

/** Undefined when the target does not take the password. */
async function connect(resource: Resource, password: Uint8Array): Promise<pg.Client | undefined> {
  const target = new pg.Client({
    ...{ host: resource.host, port: resource.port, user: resource.credential.user },
    password: Buffer.from(password).toString('utf8'),
    database: resource.database ?? resource.credential.user,
    ssl: await tlsOf(resource),
    application_name: 'warder-rotation',
    connectionTimeoutMillis: CONNECT_MS_MAX,
    query_timeout: STATEMENT_MS_MAX,
    options: `-c statement_timeout=${String(STATEMENT_MS_MAX)} -c search_path=pg_catalog`,
  })
  // A break while nobody waits is told by the next statement.
  target.on('error', () => undefined)
  try {
    await target.connect()
    return target
  } catch (failure) {
    await target.end().catch(() => undefined)
    const state = stateOf(failure)
    if (state !== undefined && PASSWORD_REFUSED.has(state)) return undefined
    throw state === undefined
      ? new WarderError('TARGET_UNREACHABLE', { what: resource.name, why: 'no login came about' })
      : new WarderError('TARGET_REFUSED', { what: resource.name, why: `SQLSTATE ${state}` })
  }
}

async function tlsOf({ tls, tlsAuthority }: Resource) {
  if (tls === 'off') return false
  const ca = tlsAuthority === undefined ? [...rootCertificates] : await readFile(tlsAuthority)
  return {
    ca,
    rejectUnauthorized: tls !== 'require',
    ...(tls === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  }
}

const stateOf = (failure: unknown): string | undefined =>
  failure instanceof pg.DatabaseError ? failure.code : undefined
