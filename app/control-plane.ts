// Store, log, policy, identity and workflows of one process: everything a gateway and an API ask.

import { setTimeout as sleep } from 'node:timers/promises'

import { NativeConnection } from '@temporalio/worker'
import type { Kysely } from 'kysely'
import { customAlphabet } from 'nanoid'

import { accessRulesOf } from '../activities/access-rules.js'
import { createActivities } from '../activities/activities.js'
import { ChainedAuditLog } from '../audit/log.js'
import type { GatewayId, RequestId } from '../core/ids.js'
import type { Clock } from '../core/ports.js'
import { OidcIdentity } from '../identity/oidc.js'
import { openDatabase } from '../store/database.js'
import { PostgresGrantStore } from '../store/grants.js'
import { PostgresInbox } from '../store/inbox.js'
import { PostgresKeyStore } from '../store/keys.js'
import { migrate } from '../store/migrations.js'
import { PostgresPolicyStore } from '../store/policies.js'
import { PostgresRecordingKeys } from '../store/recordings.js'
import { PostgresRecordStore } from '../store/records.js'
import type { Schema } from '../store/schema.js'
import { PostgresSecretStore } from '../store/secrets.js'
import { PostgresSessionRegistry } from '../store/sessions.js'
import { PostgresTokenLedger } from '../store/tokens.js'
import { createBus } from './bus.js'
import { Credentials } from './credentials.js'
import type { Engines } from './engines.js'
import { openKeys, type Keys } from './keys.js'
import { createDataConverter } from './payload-codec.js'
import type { Environment } from './environment.js'
import { PolicySource } from './policy-source.js'
import { openRecordings } from './recordings.js'
import { connectTemporal, executionMsMaxOf } from './temporal.js'
import { routeTemporalLog, startWorker } from './worker.js'

/** Queue that gateways and workers of one deployment share. */
const TASK_QUEUE = 'warder'
const POOL_MAX = 10
const RECORD_POOL_MAX = 3

/** Ids that people read out: no letters that look like digits, no vowels that make words. */
const unambiguous = customAlphabet('23456789bcdfghjkmnpqrstvwxz', 10)

/** What the control plane is built from. */
export interface ControlPlaneParts {
  readonly engines: Pick<Engines, 'databaseUrl' | 'temporalAddress'>
  readonly namespace: string
  /** Where keys are found and recordings are kept. */
  readonly places: Pick<Environment, 'dataDirectory' | 'encryptionKey' | 'recordings'>
  /** Carries hints between processes; the store does when absent. */
  readonly redisUrl: string | undefined
  readonly bundlePath: string
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly version: string
  readonly clock: Clock
  readonly report: (what: string, failure: unknown) => void
  /** Called when the process can't go on. */
  readonly onFatal: (failure: Error) => void
}

/** The running control plane. */
export type ControlPlane = Awaited<ReturnType<typeof startControlPlane>>

/** Brings the store up to date, opens the log, reads the policy, and starts the worker. */
export async function startControlPlane(parts: ControlPlaneParts) {
  const { engines, clock, report } = parts
  await migrate(engines.databaseUrl)
  const gatewayId: GatewayId = `gwy_${unambiguous()}`
  const db = openDatabase(engines.databaseUrl, { poolMax: POOL_MAX, applicationName: gatewayId })
  const keys = await openKeys({
    ...{ store: new PostgresKeyStore(db), clock, report },
    source: parts.places.encryptionKey,
    dataDirectory: parts.places.dataDirectory,
  }).catch(async (failure: unknown) => {
    await db.destroy()
    throw failure
  })
  const stored = openStore(parts, gatewayId, db, keys)
  const audit = await ChainedAuditLog.open({
    store: stored.records,
    sealer: stored.sealer,
    signer: keys.auditSigner,
    clock,
    chain: gatewayId,
    version: parts.version,
  })
  const { service: recordings, replays } = await openRecordings(parts.places, {
    ...{ keys: stored.recordingKeys, records: stored.records, sealer: stored.sealer },
    ...{ audit, clock },
  })
  const identity = new OidcIdentity([], {
    clock,
    onKeyTrouble: (issuer, trouble, level) => report(`${level}: keys of issuer ${issuer}`, trouble),
    bindings: stored.tokens,
  })
  const policies = await PolicySource.open({
    store: stored.policies,
    audit,
    clock,
    onChange: (policy) => identity.configure([...policy.issuers.values()]),
    onTrouble: (failure) => report('policy', failure),
  })
  const workflows = await startWorkflows(parts, gatewayId, stored, keys, audit, policies)
  return {
    ...stored,
    ...{ gatewayId, keys, audit, identity, policies, clock, recordings, replays },
    access: workflows.access,
    reviews: workflows.reviews,
    credentials: new Credentials({
      secrets: stored.secrets,
      variables: parts.variables,
      audit,
      clock,
    }),
    newRequestId: (): RequestId => `req_${unambiguous()}`,
    async stop() {
      policies.close()
      keys.close()
      try {
        await workflows.stop()
        await audit.close()
      } finally {
        await Promise.all([stored.bus.close(), stored.recordDb.destroy(), stored.db.destroy()])
      }
    },
  }
}

function openStore(
  parts: ControlPlaneParts,
  gatewayId: GatewayId,
  db: Kysely<Schema>,
  { sealer, bus: busKey }: Keys,
) {
  const { engines, clock, report } = parts
  // The log has connections of its own: nothing else can keep it waiting.
  const recordDb = openDatabase(engines.databaseUrl, {
    poolMax: RECORD_POOL_MAX,
    applicationName: `${gatewayId}-audit`,
    statementMsMax: 2_000,
  })
  const bus = createBus({
    ...{ databaseUrl: engines.databaseUrl, redisUrl: parts.redisUrl, key: busKey },
    from: gatewayId,
    onTrouble: (trouble) => report('bus', trouble),
  })
  return {
    ...{ db, sealer, bus },
    grants: new PostgresGrantStore({ db, bus, sealer, clock }),
    inbox: new PostgresInbox({ db, sealer }),
    tokens: new PostgresTokenLedger({ db, clock }),
    registry: new PostgresSessionRegistry(db),
    policies: new PostgresPolicyStore(db),
    secrets: new PostgresSecretStore({ db, sealer }),
    recordingKeys: new PostgresRecordingKeys({ db, sealer }),
    recordDb,
    records: new PostgresRecordStore(recordDb),
  }
}

async function startWorkflows(
  { engines, namespace, bundlePath, clock, report, onFatal }: ControlPlaneParts,
  gatewayId: GatewayId,
  stored: ReturnType<typeof openStore>,
  keys: Keys,
  audit: ChainedAuditLog,
  policies: PolicySource,
) {
  const dataConverter = createDataConverter(keys.payloads)
  const services = connectTemporal({
    connection: { address: engines.temporalAddress },
    ...{ namespace, dataConverter, clock, report },
    taskQueue: TASK_QUEUE,
    processName: gatewayId,
    executionMsMax: () => executionMsMaxOf(policies.policy),
    release: (id) => stored.grants.release(id),
  })
  routeTemporalLog((level, message) => report(`temporal ${level}`, message))
  const connection = await NativeConnection.connect({ address: engines.temporalAddress })
  const worker = await startWorker({
    ...{ connection, namespace, dataConverter, bundlePath },
    taskQueue: TASK_QUEUE,
    activities: createActivities({
      rules: () => accessRulesOf(policies.policy),
      grants: stored.grants,
      inbox: stored.inbox,
      tokens: stored.tokens,
      sessions: stored.registry,
      audit,
      clock,
    }),
  })
  let isStopping = false
  worker.ended.catch((failure: unknown) => {
    if (!isStopping) onFatal(new Error('the worker failed', { cause: failure }))
  })
  return {
    ...services,
    async stop() {
      isStopping = true
      await Promise.race([worker.stop(), sleep(15_000, undefined, { ref: false })])
      await services.close()
      await connection.close()
    },
  }
}
