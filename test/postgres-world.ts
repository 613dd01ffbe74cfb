// The PostgreSQL port as it runs: the real gateway on a free port, the real parser, a real target;
// only people, store and log are in memory.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import { promisify } from 'node:util'
import pg from 'pg'

import type { GrantId } from '../core/ids.js'
import { loadPolicy } from '../policy/load.js'
import type { Policy } from '../policy/policy.js'
import { problemText } from '../policy/problem.js'
import { Gateway } from '../proxy/gateway.js'
import { Journals } from '../proxy/journal.js'
import { LiveSessions } from '../proxy/live-sessions.js'
import { SqlStatementReader } from '../proxy/postgres/command.js'
import { Masks } from '../proxy/postgres/masking/masks.js'
import { PostgresServer } from '../proxy/postgres/server.js'
import { ParserPool } from '../proxy/postgres/sql/parser.js'
import {
  GoodTokens,
  InstantBus,
  LiveGrants,
  realClock,
  revocation,
  ScriptedAccess,
  ScriptedReviews,
  TrailAudit,
} from './fakes/gateway-ports.js'
import { MemoryRecordings } from './fakes/recordings.js'
import { startPostgres, type PostgresCluster } from './postgres-cluster.js'
import { compiledWorkerUrl } from './unit/proxy/postgres/sql/compiled-worker.js'
import { MemoryReleases, MemorySessions } from './workflows/memory-ports.js'

const run = promisify(execFile)

/** The roles of the fixture: R and W of the threat model, W in both profiles. */
export type TestRole = 'reader' | 'writer-strict' | 'writer-standard'

/** A role besides those of the fixture; `rules` is the rest of it, as a YAML flow mapping's inside. */
export interface ExtraRole {
  readonly name: string
  readonly rules: string
}

/** What a test's policy has besides the fixture's. */
export interface ExtraPolicy {
  readonly roles?: readonly ExtraRole[]
  /** Masks, each as a YAML flow mapping. */
  readonly masks?: readonly string[]
}

/**
 * R reads. W writes, and asks about whole tables and definitions; about what is dangerous or not
 * understood, *strict* refuses and *standard* asks. `asker` asks about every write.
 */
const policyYaml = (port: number, database: string, extra: ExtraPolicy) => `
resources:
  - name: db
    protocol: postgres
    address: 127.0.0.1:${String(port)}
    database: ${database}
    credential: { user: warder, password: { env: UNUSED } }
    tls: off
roles:
  - name: reader
    on: [db]
    allow: [{ effects: [read], relations: [public.*] }]
    block: [{ statements: [set-transaction-read-write, commit-and-chain, listen, notify, unlisten] }]
  - name: writer-strict
    on: [db]
    allow: [{ effects: [read, write], relations: [public.*, pg_temp.*] }, { effects: [write] }]
    ask:
      - { effects: [ddl], approvers: db-owners }
      - { statements: [listen, notify, unlisten], approvers: db-owners }
      - { effects: [write], without: where, approvers: db-owners }
  - name: writer-standard
    on: [db]
    allow: [{ effects: [read, write], relations: [public.*, pg_temp.*] }, { effects: [write] }]
    ask:
      - { effects: [ddl, dangerous, unknown], approvers: db-owners }
      - { statements: [listen, notify, unlisten], approvers: db-owners }
      - { effects: [write], without: where, approvers: db-owners }
  - name: asker
    on: [db]
    allow: [{ effects: [read] }]
    ask: [{ effects: [write, ddl], approvers: db-owners }]
  - name: definer
    on: [db]
    allow: [{ effects: [read, session-control, write, ddl] }]
${(extra.roles ?? []).map(extraRole).join('\n')}
approvers:
  db-owners: { members: [{ issuer: okta, group: dba }] }
issuers:
  - { name: ci, issuer: https://ci.example, audience: https://warder.example, groups: groups }
  - { name: okta, issuer: https://okta.example, audience: https://warder.example, groups: groups }
access:
  - { who: { issuer: ci, group: jobs }, role: reader, for: 30m }
  - { who: { issuer: ci, group: jobs }, role: writer-strict, for: 30m }
  - { who: { issuer: ci, group: jobs }, role: writer-standard, for: 30m }
  - { who: { issuer: ci, group: jobs }, role: asker, for: 30m }
  - { who: { issuer: ci, group: jobs }, role: definer, for: 30m }
${(extra.roles ?? []).map(({ name }) => extraAccess(name)).join('\n')}
masks: [${(extra.masks ?? []).join(', ')}]
`

const extraRole = ({ name, rules }: ExtraRole) => `  - { name: ${name}, on: [db], ${rules} }`
const extraAccess = (name: string) =>
  `  - { who: { issuer: ci, group: jobs }, role: ${name}, for: 30m }`

function policyOf(text: string): Policy {
  const loaded = loadPolicy(text, (source) => createHash('sha256').update(source).digest('hex'))
  if (!loaded.ok) throw new Error(loaded.problems.map(problemText).join('\n'))
  return loaded.policy
}

/** A gateway with everything around it. */
export interface PostgresWorld {
  /** Of the gateway. */
  readonly port: number
  readonly cluster: PostgresCluster
  readonly access: ScriptedAccess
  readonly reviews: ScriptedReviews
  readonly releases: MemoryReleases
  readonly audit: TrailAudit
  readonly grants: LiveGrants
  readonly bus: InstantBus
  readonly live: LiveSessions
  readonly recordings: MemoryRecordings
  /** Failures that the gateway reported as its own. */
  readonly failures: unknown[]
  /** PEM of the authority behind the gateway's certificate; set when started with `tls`. */
  readonly authorityPem: string | undefined
  /** Runs SQL at the target itself, past the gateway. */
  admin(sql: string): Promise<Record<string, unknown>[]>
  /** Puts the fixture's policy with something else besides it into force. */
  setPolicy(extra: ExtraPolicy): void
  /** Of the policy in force. */
  policyDigest(): string
  /** Ends a grant, as `/warder revoke` does; resolves with the number of sessions cut. */
  revoke(id: GrantId): Promise<number>
  stop(): Promise<void>
}

/** Starts the world with `schema` in its database. */
export async function startPostgresWorld(
  options: { schema?: string; tls?: boolean; plain?: boolean; policy?: ExtraPolicy } = {},
): Promise<PostgresWorld> {
  const parser = new ParserPool({ workerUrl: compiledWorkerUrl(), deadlineMs: 5_000 })
  const cluster = await startPostgres()
  const url = await cluster.createDatabase()
  const administrator = new pg.Client({ connectionString: url })
  administrator.on('error', () => undefined)
  await administrator.connect()
  if (options.schema !== undefined) await administrator.query(options.schema)
  const database = url.slice(url.lastIndexOf('/') + 1)
  const policyWith = (extra: ExtraPolicy) => policyOf(policyYaml(cluster.port, database, extra))
  const inForce = { policy: policyWith(options.policy ?? {}) }
  const certificate = options.tls === true ? await makeCertificate() : undefined
  await parser.ready()
  const parts = await startGateway(inForce, parser, certificate?.context, options.plain ?? true)
  return {
    ...parts,
    cluster,
    authorityPem: certificate?.pem,
    admin: async (sql) => (await administrator.query<Record<string, unknown>>(sql)).rows,
    setPolicy: (extra) => {
      inForce.policy = policyWith(extra)
    },
    policyDigest: () => inForce.policy.digest,
    revoke: async (id) => {
      const row = await parts.grants.end(id, revocation())
      return row === undefined ? 0 : parts.live.cut(row)
    },
    stop: async () => {
      await parts.live.stop()
      parts.server.close()
      await parser.close()
      await administrator.end()
      await cluster.stop()
    },
  }
}

async function startGateway(
  inForce: { readonly policy: Policy },
  parser: ParserPool,
  tls: SecureContext | undefined,
  allowPlainLoopback: boolean,
) {
  const gatewayId = 'gwy_test'
  const clock = realClock
  const grants = new LiveGrants()
  const access = new ScriptedAccess(grants)
  const reviews = new ScriptedReviews()
  const releases = new MemoryReleases()
  const audit = new TrailAudit()
  const bus = new InstantBus()
  const registry = new MemorySessions()
  const recordings = new MemoryRecordings()
  const failures: unknown[] = []
  const live = new LiveSessions({ gatewayId, grants, registry, bus, audit, clock })
  await live.start()
  const current = { current: () => inForce.policy }
  const server = new PostgresServer({
    gateway: new Gateway({
      ...{ id: gatewayId, identity: new GoodTokens(), policy: current, access, grants },
      ...{ registry, live, audit, clock, newRequestId: access.newRequestId },
    }),
    intercept: { gatewayId, policy: current, reviews, releases, audit, clock },
    credentials: {
      credentialsFor: ({ credential: { user } }) =>
        Promise.resolve([{ id: 'only', user, password: Buffer.from('not asked for') }]),
    },
    reader: new SqlStatementReader(parser),
    masks: new Masks(Buffer.alloc(32, 7)),
    journals: new Journals({ audit }),
    cancels: { bus, busKey: Buffer.alloc(32, 9) },
    recordings,
    clock,
    security: { tls, allowPlainLoopback },
    onFailure: (failure) => failures.push(failure),
  })
  const port = await server.listen('127.0.0.1', 0)
  return { port, access, reviews, releases, audit, recordings, grants, bus, live, failures, server }
}

/** A certificate for loopback that is its own authority. */
async function makeCertificate(): Promise<{ context: SecureContext; pem: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'warder-test-tls-'))
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await run('openssl', ['req', ...kind, '-keyout', key, '-out', cert, '-days', '2', ...subject])
  const pem = await readFile(cert, 'utf8')
  const context = createSecureContext({ cert: pem, key: await readFile(key, 'utf8') })
  await rm(folder, { recursive: true })
  return { context, pem }
}
