// What every process of Warder stands on: the store, its own chain of the audit log, and the policy
// in force. Starts nothing that callers could reach.

import type { Kysely } from 'kysely'
import { customAlphabet } from 'nanoid'

import { ChainedAuditLog } from '../audit/log.js'
import { WarderError } from '../core/errors.js'
import type { ProcessId, ProposalId, RequestId } from '../core/ids.js'
import type { Clock } from '../core/ports.js'
import type { Policy } from '../policy/policy.js'
import { PostgresBreakGlassLedger } from '../store/break-glass.js'
import { openDatabase } from '../store/database.js'
import { PostgresGrantStore } from '../store/grants.js'
import { PostgresIdempotency } from '../store/idempotency.js'
import { PostgresInbox } from '../store/inbox.js'
import { PostgresReleaseStore } from '../store/releases.js'
import { PostgresKeyStore } from '../store/keys.js'
import { migrate } from '../store/migrations.js'
import { PostgresPolicyStore } from '../store/policies.js'
import { PostgresPolicyProcesses } from '../store/policy-processes.js'
import { PostgresPolicyProposals } from '../store/policy-proposals.js'
import { PostgresRecordingKeys } from '../store/recordings.js'
import { PostgresRecordStore } from '../store/records.js'
import type { Schema } from '../store/schema.js'
import { PostgresSecretStore } from '../store/secrets.js'
import { PostgresServiceKeys } from '../store/service-keys.js'
import { PostgresSessionRegistry } from '../store/sessions.js'
import { PostgresTokenLedger } from '../store/tokens.js'
import { watchAbandonedSessions } from './abandoned-sessions.js'
import { createBus } from './bus.js'
import { systemClock } from './clock.js'
import type { Environment } from './environment.js'
import { openKeys, type Keys } from './keys.js'
import { PolicyLife } from './policy-life.js'
import { PolicySource } from './policy-source.js'
import { Vault } from './secrets/vault.js'

const POOL_MAX = 10
const RECORD_POOL_MAX = 3

/** Ids that people read out: no letters that look like digits, no vowels that make words. */
const unambiguous = customAlphabet('23456789bcdfghjkmnpqrstvwxz', 10)

/** What a process of Warder is started with. */
export interface ProcessOptions {
  readonly environment: Environment
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly version: string
  /** Lines for the person who started it. */
  readonly progress: (line: string) => void
  /** Failures of ours that no caller is told about in full. */
  readonly report: (what: string, failure: unknown) => void
  /** Called when the process can't go on. */
  readonly onFatal: (failure: Error) => void
}

/** The running foundation. */
export type Foundation = Awaited<ReturnType<typeof openFoundation>>

/**
 * Brings the store up to date, opens a chain of the log under the process's name, and reads the policy.
 *
 * @throws WarderError `INVALID_ARGUMENT` without DATABASE_URL; `CONTROL_PLANE_UNAVAILABLE`,
 * `RECORD_UNAVAILABLE` when the store can't be used.
 */
export async function openFoundation(options: ProcessOptions, prefix: 'gwy' | 'wrk') {
  const { environment, report, onFatal } = options
  const databaseUrl = named(environment.databaseUrl, 'DATABASE_URL')
  const temporalAddress = named(environment.temporal.address, 'TEMPORAL_ADDRESS')
  await migrate(databaseUrl)
  const name = `${prefix}_${unambiguous()}` as const
  const clock: Clock = systemClock
  const db = openDatabase(databaseUrl, { poolMax: POOL_MAX, applicationName: name })
  const { vault: vaultSettings } = environment
  const vault = vaultSettings && new Vault(vaultSettings, (why) => report('Vault', why))
  const keys = await openKeys({
    vault,
    ...{ store: new PostgresKeyStore(db), clock, report },
    source: environment.encryptionKey,
    dataDirectory: environment.dataDirectory,
  }).catch(async (failure: unknown) => {
    await db.destroy()
    throw failure
  })
  const stored = openStore({
    ...{ databaseUrl, redisUrl: environment.redisUrl, db, name, keys, clock, report },
  })
  const audit = await ChainedAuditLog.open({
    store: stored.records,
    sealer: stored.sealer,
    signer: keys.auditSigner,
    ...{ clock, chain: name, version: options.version },
  })
  audit.onFailure(onFatal)
  const followers = new Set<(policy: Policy) => void>()
  const policies = await PolicySource.open({
    ...{ store: stored.policies, processes: stored.policyProcesses, process: name },
    onChange: (policy) => {
      for (const follow of followers) follow(policy)
    },
    onTrouble: (failure) => report('policy', failure),
  })
  stored.bus.onPolicy(() => void policies.refresh())
  const policyLife = new PolicyLife({
    ...{ store: stored.policies, proposals: stored.policyProposals, audit, clock },
    processes: stored.policyProcesses,
    newProposalId: (): ProposalId => `pol_${unambiguous()}`,
    announce: () => {
      stored.bus.publishPolicy()
      return policies.refresh()
    },
  })
  const stopWatching = watchAbandonedSessions({
    ...{ registry: stored.registry, records: stored.records, sealer: stored.sealer },
    ...{ audit, clock, onTrouble: (failure: unknown) => report('abandoned sessions', failure) },
  })
  return {
    ...stored,
    ...{ name, keys, vault, clock, audit, policies, policyLife, temporalAddress },
    /** Calls `follow` with the policy in force, now and whenever it changes. */
    followPolicy(follow: (policy: Policy) => void) {
      followers.add(follow)
      follow(policies.policy)
    },
    newRequestId: (): RequestId => `req_${unambiguous()}`,
    async close() {
      stopWatching()
      await policies.close()
      keys.close()
      try {
        await audit.close()
      } finally {
        await Promise.all([stored.bus.close(), stored.recordDb.destroy(), stored.db.destroy()])
      }
    },
  }
}

interface StoreParts {
  readonly db: Kysely<Schema>
  readonly databaseUrl: string
  readonly redisUrl: string | undefined
  readonly name: ProcessId
  readonly keys: Keys
  readonly clock: Clock
  readonly report: ProcessOptions['report']
}

function openStore({ db, databaseUrl, redisUrl, name, keys, clock, report }: StoreParts) {
  const { sealer } = keys
  // The log has connections of its own: nothing else can keep it waiting.
  const recordDb = openDatabase(databaseUrl, {
    poolMax: RECORD_POOL_MAX,
    applicationName: `${name}-audit`,
    statementMsMax: 2_000,
  })
  const bus = createBus({
    ...{ databaseUrl, redisUrl, key: keys.bus, from: name },
    onTrouble: (trouble) => report('bus', trouble),
  })
  return {
    ...{ db, sealer, bus },
    grants: new PostgresGrantStore({ db, bus, sealer, clock }),
    inbox: new PostgresInbox({ db, sealer }),
    releases: new PostgresReleaseStore({ db, sealer, clock }),
    tokens: new PostgresTokenLedger({ db, clock }),
    breakGlass: new PostgresBreakGlassLedger(db),
    registry: new PostgresSessionRegistry(db),
    idempotency: new PostgresIdempotency({ db, sealer, clock }),
    policies: new PostgresPolicyStore(db),
    policyProposals: new PostgresPolicyProposals({ db, sealer }),
    policyProcesses: new PostgresPolicyProcesses(db),
    secrets: new PostgresSecretStore({ db, sealer }),
    serviceKeys: new PostgresServiceKeys(db),
    recordingKeys: new PostgresRecordingKeys({ db, sealer }),
    recordDb,
    records: new PostgresRecordStore(recordDb),
  }
}

function named(value: string | undefined, variable: string): string {
  if (value !== undefined) return value
  const why = 'it is not set; `warder up` starts one of its own, other processes must be told'
  throw new WarderError('INVALID_ARGUMENT', { what: variable, why })
}
