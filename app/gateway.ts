// `warder gateway`: the process that callers reach, with their clients and with the API. One of any
// number behind the same ports; nothing that matters is kept in it alone.

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext } from 'node:tls'

import { WarderError, type Refusal } from '../core/errors.js'
import type { Identity } from '../core/ports.js'
import { Gateway } from '../proxy/gateway.js'
import { Journals } from '../proxy/journal.js'
import { LiveSessions } from '../proxy/live-sessions.js'
import { SqlStatementReader } from '../proxy/postgres/command.js'
import { Masks } from '../proxy/postgres/masking/masks.js'
import { PostgresServer } from '../proxy/postgres/server.js'
import { SqlPlanReader } from '../proxy/postgres/plan-reader.js'
import { ParserPool } from '../proxy/postgres/sql/parser.js'
import { buildApi, listenApi } from '../web/api/server.js'
import { StoreAuditReader } from './audit-reader.js'
import { systemClock } from './clock.js'
import { Credentials } from './credentials.js'
import { formatHostPort, type Environment, type HostPort } from './environment.js'
import { openFoundation, type Foundation, type ProcessOptions } from './foundation.js'
import { openIdentity } from './identity.js'
import type { RunningProcess } from './process.js'
import type { GatewayAddress } from './process-messages.js'
import type { Keys } from './keys.js'
import { openRecordings, type Recordings } from './recordings.js'
import { Watch } from './readiness.js'
import { Revocation } from './revoker.js'
import { rotationOn } from './rotation.js'
import { ServiceKeys } from './service-keys.js'
import { executionMsMaxOf, type TemporalServices } from './temporal.js'
import { startTemporalThread } from './temporal-thread.js'
import { givenTls, ownTls, type ServerTls } from './tls.js'

/** What a gateway is started with. */
export interface GatewayOptions extends ProcessOptions {
  /** Takes tokens without TLS from this host; for benches and drivers under test, never by default. */
  readonly allowPlainLoopback?: boolean
}

/** A running gateway. */
export interface RunningGateway extends RunningProcess {
  readonly address: GatewayAddress
}

type OnStop = (step: () => Promise<void> | void) => void

/** Everything that serves callers is made of these. */
interface Parts extends Foundation {
  readonly identity: Identity
  readonly temporal: TemporalServices
  readonly recordings: Recordings
  readonly credentials: Credentials
  readonly parser: ParserPool
  readonly live: LiveSessions
  readonly gateway: Gateway
  readonly tls: ServerTls
  readonly watch: Watch
}

/** Starts a gateway; on any failure what was started is stopped again. */
export async function startGateway(
  options: GatewayOptions,
  mayListen: Promise<void>,
): Promise<RunningGateway> {
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
    const parts = await open(options, (step) => stops.push(step))
    await mayListen
    await parts.policies.refresh()
    return { address: await listen(options, parts, (step) => stops.push(step)), stop }
  } catch (failure) {
    await stop()
    throw failure
  }
}

async function open(options: GatewayOptions, onStop: OnStop): Promise<Parts> {
  const { environment, report, onFatal } = options
  const parser = new ParserPool()
  onStop(() => parser.close())
  const foundation = await openFoundation(options, 'gwy')
  onStop(() => foundation.close())
  const identity = openIdentity(options, foundation)
  const { name, keys, audit, clock, policies, grants } = foundation
  const temporal = startTemporalThread({
    address: foundation.temporalAddress,
    namespace: environment.temporal.namespace,
    processName: name,
    payloads: keys.payloads,
    executionMsMax: () => executionMsMaxOf(policies.policy),
    release: (id) => grants.release(id),
    ...{ report, onFatal },
  })
  onStop(() => temporal.close())
  const recordings = await openRecordings(environment, {
    ...{ keys: foundation.recordingKeys, records: foundation.records, sealer: foundation.sealer },
    ...{ audit, clock },
  })
  const credentials = new Credentials({
    ...{ secrets: foundation.secrets, variables: options.variables, audit, clock },
    vault: foundation.vault,
  })
  const live = new LiveSessions({ ...foundation, gatewayId: gatewayIdOf(foundation) })
  const gateway = new Gateway({
    ...foundation,
    ...{ id: gatewayIdOf(foundation), identity, live, access: temporal.access },
    policy: { current: () => policies.policy },
  })
  const tls = await tlsOf(environment, keys)
  await parser.ready()
  return {
    ...foundation,
    ...{ identity, temporal, recordings, credentials, parser, live, gateway, tls },
    watch: watchOf(foundation),
  }
}

/** The parts that can be asked; the others end the process, or its sessions, when they fail. */
const watchOf = ({ policies, records, inbox, clock }: Foundation): Watch =>
  new Watch(
    {
      store: async () => {
        await inbox.list({ state: 'pending', limitCount: 1 })
        return undefined
      },
      'audit log': async () => {
        await records.latestCheckpoint()
        return undefined
      },
      policy: () => {
        const { version, trouble } = policies
        const why = trouble ?? (version === 0 ? 'no policy was applied yet' : undefined)
        return why === undefined
          ? Promise.resolve({ version })
          : Promise.reject(new WarderError('CONTROL_PLANE_UNAVAILABLE', { why }))
      },
    },
    clock,
  )

const gatewayIdOf = ({ name }: Foundation) => `gwy_${name.slice(4)}` as const

async function listen(
  options: GatewayOptions,
  parts: Parts,
  onStop: OnStop,
): Promise<GatewayAddress> {
  const { environment, report } = options
  const { live, gateway, tls } = parts
  const server = serverOf(options, parts)
  // Once all sessions are cut: what they still have to put on record comes before the log’s end.
  onStop(() => server.finished())
  await live.start()
  onStop(() => live.stop())
  const { host } = environment.listen.postgres
  const port = await server.listen(host, environment.listen.postgres.port)
  // Callers first: a stopping gateway takes nobody new, then ends who is there.
  onStop(() => server.close())
  const postgres = environment.public.postgres ?? { host, port }
  const apiOptions = {
    tls: { certificate: tls.certificate, key: tls.key },
    log: { level: 'warn', write: (line: string) => report('api', line) },
  }
  const refuse = (peer: string, refusal: Refusal) =>
    gateway.refuseConnection({ protocol: 'api', peer }, refusal)
  const api = buildApi({ ...apiParts(parts, postgres), onRefusedCaller: refuse }, apiOptions)
  onStop(() => api.close())
  // First of all: whoever balances sends nobody new while the others are still served.
  onStop(() => parts.watch.drain())
  const apiPort = await listenApi(api, apiOptions, environment.listen.api).catch(
    (cause: unknown) => {
      const why = `${formatHostPort(environment.listen.api)} can't be listened on`
      throw new WarderError('INVALID_ARGUMENT', { what: 'WARDER_LISTEN_API', why }, { cause })
    },
  )
  const local = formatHostPort({ host: environment.listen.api.host, port: apiPort })
  return {
    postgres,
    api: environment.public.api ?? `https://${local}`,
    authorityFile: tls.authorityFile,
  }
}

function serverOf(options: GatewayOptions, parts: Parts): PostgresServer {
  const { clock, audit, temporal, recordings, keys, tls, gateway, credentials, policies } = parts
  const policy = { current: () => policies.policy }
  const gatewayId = gatewayIdOf(parts)
  const { releases } = parts
  return new PostgresServer({
    ...{ gateway, credentials, clock },
    intercept: { gatewayId, policy, reviews: temporal.reviews, releases, audit, clock },
    reader: new SqlStatementReader(parts.parser),
    masks: new Masks(keys.masking),
    journals: new Journals({ audit }),
    cancels: { bus: parts.bus, busKey: keys.bus },
    recordings: recordings.service,
    security: {
      tls: createSecureContext({ cert: tls.certificate, key: tls.key, minVersion: 'TLSv1.2' }),
      allowPlainLoopback: options.allowPlainLoopback ?? false,
    },
    onFailure: (failure, sessionId) => options.report(`session ${sessionId}`, failure),
  })
}

function apiParts(parts: Parts, postgres: HostPort) {
  const { temporal, tls, credentials, policies, policyLife } = parts
  const { access, reviews } = temporal
  const revoker = new Revocation({ ...parts, access, reviews, pause: (ms) => sleep(ms) })
  const ca = tls.authorityFile === undefined ? undefined : readFileSync(tls.authorityFile, 'utf8')
  return {
    ...{ access, reviews, policies: policyLife, secrets: credentials },
    ...{ identity: parts.identity, inbox: parts.inbox, clock: parts.clock },
    audit: new StoreAuditReader({
      store: parts.records,
      sealer: parts.sealer,
      publicKeys: () => parts.keys.auditPublicKeys,
    }),
    plans: new SqlPlanReader(parts.parser),
    replays: parts.recordings.replays,
    idempotency: parts.idempotency,
    readiness: () => parts.watch.readiness(),
    policy: () => policies.policy,
    revoker,
    rotator: rotationOn(parts),
    serviceKeys: new ServiceKeys({
      ...{ keys: parts.serviceKeys, audit: parts.audit, clock: parts.clock, revoker },
      policy: () => policies.policy,
    }),
    gateway: () => ({ postgres, ca }),
    newRequestId: parts.newRequestId,
  }
}

function tlsOf(environment: Environment, keys: Keys): Promise<ServerTls> | ServerTls {
  if (environment.tls !== undefined) return givenTls(environment.tls, systemClock)
  const { listen, public: shown } = environment
  const names = [
    ...['localhost', '127.0.0.1', listen.postgres.host, listen.api.host],
    ...(shown.postgres === undefined ? [] : [shown.postgres.host]),
    ...(shown.api === undefined ? [] : [new URL(shown.api).hostname]),
  ]
  return ownTls(environment.dataDirectory, [...new Set(names)], systemClock, keys.authority)
}
