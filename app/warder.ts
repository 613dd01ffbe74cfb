// The all-in-one process: engines, control plane, gateway and API, started in order and stopped in
// the reverse of it. The only place where the parts meet.

import { createSecureContext } from 'node:tls'
import { readFileSync, watchFile, unwatchFile } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { WarderError, type Refusal } from '../core/errors.js'
import { Gateway } from '../proxy/gateway.js'
import { Journals } from '../proxy/journal.js'
import { LiveSessions } from '../proxy/live-sessions.js'
import { PostgresServer } from '../proxy/postgres/server.js'
import { SqlStatementReader } from '../proxy/postgres/command.js'
import { Masks } from '../proxy/postgres/masking/masks.js'
import { ParserPool } from '../proxy/postgres/sql/parser.js'
import { buildApi, listenApi } from '../web/api/server.js'
import { StoreAuditReader } from './audit-reader.js'
import { systemClock } from './clock.js'
import { startControlPlane, type ControlPlane } from './control-plane.js'
import { startEngines } from './engines.js'
import { formatHostPort, type Environment, type HostPort } from './environment.js'
import type { Progress } from './embedded/executable.js'
import type { Keys } from './keys.js'
import { Revocation } from './revoker.js'
import { givenTls, ownTls, type ServerTls } from './tls.js'

/** What `warder up` is started with. */
export interface WarderOptions {
  readonly environment: Environment
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly version: string
  readonly progress: Progress
  /** Failures of ours that no caller is told about in full. */
  readonly report: (what: string, failure: unknown) => void
  /** Called once when the process can't go on: an engine that stays down, a log that failed. */
  readonly onFatal: (failure: Error) => void
  /** Takes tokens without TLS from this host; for benches and drivers under test, never by default. */
  readonly allowPlainLoopback?: boolean
}

/** A running Warder and where it listens. */
export interface RunningWarder {
  readonly postgres: HostPort
  /** Base URL of the API. */
  readonly api: string
  /** PEM file to verify Warder's certificate with; undefined when it was given one. */
  readonly authorityFile: string | undefined
  readonly control: ControlPlane
  stop(): Promise<void>
}

/** Starts everything; on any failure what was started is stopped again. */
export async function startWarder(options: WarderOptions): Promise<RunningWarder> {
  const stops: (() => Promise<void> | void)[] = []
  const stop = async () => {
    for (const step of stops.splice(0).reverse()) {
      try {
        await step()
      } catch (failure) {
        // One part that can't end well keeps no other from ending.
        options.report('stopping', failure)
      }
    }
  }
  try {
    const running = await start(options, (step) => stops.push(step))
    return { ...running, stop }
  } catch (failure) {
    await stop()
    throw failure
  }
}

async function start(
  options: WarderOptions,
  onStop: (step: () => Promise<void> | void) => void,
): Promise<Omit<RunningWarder, 'stop'>> {
  const { environment, progress, report, onFatal } = options
  const parser = new ParserPool()
  onStop(() => parser.close())
  const engines = await startEngines(environment, progress, onFatal)
  onStop(() => engines.stop())
  const control = await startControlPlane({
    ...{ engines, report, onFatal, places: environment },
    redisUrl: environment.redisUrl,
    namespace: environment.temporal.namespace,
    bundlePath: fileURLToPath(new URL('../workflow-bundle.js', import.meta.url)),
    variables: options.variables,
    version: options.version,
    clock: systemClock,
  })
  onStop(() => control.stop())
  const { keys } = control
  control.audit.onFailure(onFatal)
  if (environment.policyFile !== undefined) {
    onStop(await followPolicyFile(environment.policyFile, control, options))
  }
  const tls = await tlsOf(environment, keys)
  const live = new LiveSessions({ ...control, registry: control.registry })
  const policy = { current: () => control.policies.policy }
  const gateway = new Gateway({ ...control, id: control.gatewayId, policy, live })
  const server = serverOf(options, control, gateway, parser, tls, keys)
  // Once all sessions are cut: what they still have to put on record comes before the log’s end.
  onStop(() => server.finished())
  await live.start()
  onStop(() => live.stop())
  await parser.ready()
  const listen = environment.listen.postgres
  const port = await server.listen(listen.host, listen.port)
  // Callers first: a stopping gateway takes nobody new, then ends who is there.
  onStop(() => server.close())
  const postgres = environment.public.postgres ?? { host: listen.host, port }
  const apiOptions = {
    tls: { certificate: tls.certificate, key: tls.key },
    log: { level: 'warn', write: (line: string) => report('api', line) },
  }
  const parts = {
    ...apiParts(control, live, postgres, tls),
    onRefusedCaller: (peer: string, refusal: Refusal) =>
      gateway.refuseConnection({ protocol: 'api', peer }, refusal),
  }
  const api = buildApi(parts, apiOptions)
  onStop(() => api.close())
  const { host } = environment.listen.api
  const apiPort = await listenApi(api, apiOptions, environment.listen.api).catch(
    (cause: unknown) => {
      const why = `${formatHostPort(environment.listen.api)} can't be listened on`
      throw new WarderError('INVALID_ARGUMENT', { what: 'WARDER_LISTEN_API', why }, { cause })
    },
  )
  return {
    postgres,
    api: environment.public.api ?? `https://${formatHostPort({ host, port: apiPort })}`,
    authorityFile: tls.authorityFile,
    control,
  }
}

function serverOf(
  options: WarderOptions,
  control: ControlPlane,
  gateway: Gateway,
  parser: ParserPool,
  tls: ServerTls,
  keys: Keys,
): PostgresServer {
  const { gatewayId, clock, audit, reviews, recordings } = control
  const policy = { current: () => control.policies.policy }
  return new PostgresServer({
    gateway,
    intercept: { gatewayId, policy, reviews, audit, clock },
    credentials: control.credentials,
    reader: new SqlStatementReader(parser),
    masks: new Masks(keys.masking),
    journals: new Journals({ audit }),
    cancels: { bus: control.bus, busKey: keys.bus },
    recordings,
    clock,
    security: {
      tls: createSecureContext({ cert: tls.certificate, key: tls.key, minVersion: 'TLSv1.2' }),
      allowPlainLoopback: options.allowPlainLoopback ?? false,
    },
    onFailure: (failure, sessionId) => options.report(`session ${sessionId}`, failure),
  })
}

function apiParts(control: ControlPlane, live: LiveSessions, postgres: HostPort, tls: ServerTls) {
  const ca = tls.authorityFile === undefined ? undefined : readFileSync(tls.authorityFile, 'utf8')
  return {
    identity: control.identity,
    access: control.access,
    reviews: control.reviews,
    inbox: control.inbox,
    audit: new StoreAuditReader({
      store: control.records,
      sealer: control.sealer,
      publicKeys: () => control.keys.auditPublicKeys,
    }),
    replays: control.replays,
    policy: () => control.policies.policy,
    policies: control.policies,
    secrets: control.credentials,
    revoker: new Revocation({ ...control, live, pause: (ms) => sleep(ms) }),
    clock: control.clock,
    gateway: () => ({ postgres, ca }),
    newRequestId: control.newRequestId,
  }
}

function tlsOf(environment: Environment, keys: Keys): Promise<ServerTls> | ServerTls {
  if (environment.tls !== undefined) return givenTls(environment.tls, systemClock)
  const names = [
    ...new Set([
      'localhost',
      '127.0.0.1',
      environment.listen.postgres.host,
      environment.listen.api.host,
      ...(environment.public.postgres === undefined ? [] : [environment.public.postgres.host]),
      ...(environment.public.api === undefined ? [] : [new URL(environment.public.api).hostname]),
    ]),
  ]
  return ownTls(environment.dataDirectory, names, systemClock, keys.authority)
}

/** Applies the file now and whenever it changes; a broken one is reported, and nothing changes. */
async function followPolicyFile(
  file: string,
  control: ControlPlane,
  { progress, report }: WarderOptions,
): Promise<() => void> {
  const apply = async () => {
    const outcome = await control.policies.apply(
      await readFile(file, 'utf8'),
      `file ${file}`,
      false,
    )
    if (!outcome.ok) throw new WarderError(outcome.refusal.code, outcome.refusal.details)
    const { version, changes } = outcome.value
    progress(`Policy ${file} is in force as version ${version ?? 0} (${changes.length} changes).`)
  }
  await apply()
  watchFile(file, { interval: 1_000 }, () => {
    apply().catch((failure: unknown) => report('policy file', failure))
  })
  return () => unwatchFile(file)
}
