// The PostgreSQL port: accepts callers, takes them through the gateway's flow, and joins them to
// their target.

import { createServer, type Server, type Socket } from 'node:net'

import { type Refusal } from '../../core/errors.js'
import type { Authenticated, Clock, CredentialBroker } from '../../core/ports.js'
import { principalName } from '../../core/principal.js'
import type { Recording, RecordingAbout, RecordingService } from '../../core/recording.js'
import type { Policy } from '../../policy/policy.js'
import type { Gateway } from '../gateway.js'
import { Interceptor, type InterceptDependencies } from '../intercept.js'
import type { CommandJournal, Journals } from '../journal.js'
import { LIMITS } from '../limits.js'
import type { LiveSession } from '../live-session.js'
import { HandshakeBroken } from './byte-reader.js'
import { CancelKeys, type CancelKeysParts } from './cancel-keys.js'
import { wireError } from './errors.js'
import { greet, type CallerSecurity, type Hello } from './handshake.js'
import { openTarget, type Target } from './login.js'
import type { Masks, ResourceMasks } from './masking/masks.js'
import {
  authenticationMessage,
  errorMessage,
  keyMessage,
  MalformedMessage,
  noticeMessage,
  parameterMessage,
  readyMessage,
} from './messages.js'
import { Passage, type StatementReader } from './passage.js'
import { refusalOf, Relay } from './relay.js'
import { IDLE } from './replies.js'
import { Results } from './results.js'
import { PostgresSession } from './session.js'
import { VerdictCaches } from './verdict-cache.js'

/** What the port is built from. */
export interface PostgresDependencies {
  readonly gateway: Gateway
  readonly intercept: InterceptDependencies
  readonly credentials: CredentialBroker
  readonly reader: StatementReader
  readonly masks: Masks
  readonly journals: Journals
  readonly recordings: RecordingService
  /** What cancel keys of other gateways are passed on by; see `CancelKeys`. */
  readonly cancels: Pick<CancelKeysParts, 'bus' | 'busKey'>
  readonly clock: Clock
  readonly security: CallerSecurity
  /** Told about failures of ours that end a session; never with a secret in them. */
  readonly onFailure: (failure: unknown, sessionId: string) => void
}

/** Reported settings that the meaning of statements depends on. */
const PINNED = [
  'client_encoding',
  'is_superuser',
  'search_path',
  'session_authorization',
  'standard_conforming_strings',
]

/** The PostgreSQL side of the gateway. */
export class PostgresServer {
  readonly #with: PostgresDependencies
  readonly #server: Server
  readonly #loggingIn = new Set<Socket>()
  readonly #keys: CancelKeys
  readonly #caches = new VerdictCaches()
  readonly #endings = new Set<Promise<void>>()

  constructor(dependencies: PostgresDependencies) {
    this.#with = dependencies
    this.#keys = new CancelKeys({ ...dependencies.cancels, clock: dependencies.clock })
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
      socket.on('error', () => socket.destroy())
      this.#loggingIn.add(socket)
      void this.#accept(socket)
        .catch((failure: unknown) => {
          // Even the refusal could not be put on record.
          this.#with.onFailure(failure, '')
          socket.destroy()
        })
        .finally(() => this.#loggingIn.delete(socket))
    })
    this.#server.maxConnections = LIMITS.connectionCountMax
  }

  /** Listens; resolves with the port, which the system chooses when 0 is given. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, () => {
        const address = this.#server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : port)
      })
    })
  }

  /** Takes no more callers and drops those still logging in; sessions are the gateway's to end. */
  close(): void {
    this.#server.close()
    for (const socket of this.#loggingIn) socket.destroy()
  }

  async #accept(socket: Socket): Promise<void> {
    const peer = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`
    let caller = socket
    try {
      const hello = await greet(socket, this.#with.security, (secure) => {
        caller = secure
      })
      if (hello.kind === 'cancel') {
        this.#keys.present(hello.processId, hello.secret, socket.remoteAddress ?? '')
        socket.end()
        return
      }
      await this.#login(hello, peer)
    } catch (failure) {
      // Port scans and health checks connect and go; that is nothing to record.
      if (failure instanceof HandshakeBroken) {
        caller.destroy()
        return
      }
      const refusal = refusalOf(failure)
      if (refusal.code === 'INTERNAL') this.#with.onFailure(failure, '')
      refuse(caller, refusal)
      this.#with.gateway.refuseConnection({ protocol: 'postgres', peer }, refusal)
    }
  }

  async #login(hello: Hello, peer: string): Promise<void> {
    const { gateway } = this.#with
    const { socket } = hello
    const from = { protocol: 'postgres', peer } as const
    const authenticated = await gateway.authenticate(hello.token, from)
    if (!authenticated.ok) {
      refuse(socket, authenticated.refusal)
      return
    }
    // From here on clients show notices, so a wait for approval can be told.
    socket.write(authenticationMessage(0))
    const session = await this.#admit(hello, authenticated.value, peer)
    if (session !== undefined) await this.#join(hello, session)
  }

  async #admit(
    hello: Hello,
    caller: Authenticated,
    peer: string,
  ): Promise<LiveSession | undefined> {
    const { socket } = hello
    const gone = new AbortController()
    const leave = () => gone.abort()
    // Nothing may come before the login is over; what comes is kept by the socket, a close is seen.
    socket.once('close', leave)
    socket.once('end', leave)
    const tooEarly = () => socket.destroy()
    socket.on('data', tooEarly)
    const wish = {
      protocol: 'postgres' as const,
      peer,
      resource: hello.resource,
      role: hello.role,
      requestId: hello.requestId,
    }
    const admitted = await this.#with.gateway.admit(caller, wish, gone.signal, (pending) =>
      socket.write(
        noticeMessage({
          sqlstate: '00000',
          message: `access waits for approval by ${pending.approval.approvers} (${pending.requestId})`,
          hint: 'The connection opens by itself once approved. Cancelling withdraws the request.',
        }),
      ),
    )
    socket.off('data', tooEarly)
    socket.pause()
    socket.off('close', leave)
    socket.off('end', leave)
    if (admitted.ok) return admitted.value
    refuse(socket, admitted.refusal)
    return undefined
  }

  async #join(hello: Hello, session: LiveSession): Promise<void> {
    const { credentials, gateway } = this.#with
    const { resource } = session.permit
    let recording: Recording | undefined
    try {
      if (hello.database !== undefined && hello.database !== resource.database) {
        throw new MalformedMessage(`the resource ${resource.name} is another database`)
      }
      // No recording, no session.
      recording = await this.#with.recordings.open(this.#about(session))
      const target = await openTarget(session.permit, credentials, hello.settings)
      this.#pump(hello, session, target, recording)
    } catch (failure) {
      const refusal = refusalOf(failure)
      if (refusal.code === 'INTERNAL') this.#with.onFailure(failure, session.id)
      refuse(hello.socket, refusal)
      const totals = { commands: 0, toTargetBytes: 0, toCallerBytes: 0 }
      const end = refusal.code === 'RECORD_UNAVAILABLE' ? 'record-lost' : 'target-unreachable'
      await gateway.closed(session, end, totals, refusal.details.why ?? '')
      await recording?.close()
    }
  }

  #pump(hello: Hello, session: LiveSession, target: Target, recording: Recording): void {
    const { clock, intercept, reader } = this.#with
    const fail = (failure: unknown): void => {
      this.#with.onFailure(failure, session.id)
      relay.fail(failure)
    }
    const journal = this.#journal(session, recording)
    const pins = new Map(PINNED.map((name) => [name, target.parameters.get(name) ?? '']))
    const passage = new Passage({
      session,
      interceptor: new Interceptor(session, intercept, journal),
      reader,
      caches: this.#caches,
      clock,
      pins: [...pins].map(([name, value]) => `${name}=${value}`).join(';'),
      fail,
    })
    const conversation = new PostgresSession({
      passage,
      results: new Results(
        (policy) => this.#masksOf(session, policy),
        () => intercept.policy.current(),
      ),
      wire: {
        flush: () => {
          relay.flush()
          relay.resumeCaller()
        },
      },
      clock,
      reported: (name, value) => {
        if (pins.has(name) && pins.get(name) !== value) {
          throw new MalformedMessage(`the session’s ${name} changed, on which judging depends`)
        }
      },
    })
    const key = this.#keys.issue(() => {
      if (!passage.cancel()) relay.cancelTarget()
    })
    const relay: Relay = new Relay(
      hello.socket,
      target,
      session.permit,
      conversation,
      (end, totals, why) => {
        this.#keys.withdraw(key.processId)
        passage.cancel()
        journal.flush()
        this.#ending(session, recording, () => this.#with.gateway.closed(session, end, totals, why))
      },
    )
    welcome(hello.socket, target, key)
    relay.start()
    session.whenCut((cut) => relay.cut(cut))
  }

  #about({ id, protocol, principal, grant }: LiveSession): RecordingAbout {
    return {
      ...{ sessionId: id, gatewayId: this.#with.intercept.gatewayId, protocol },
      ...{ principal: principalName(principal), resource: grant.resource, role: grant.role },
      ...{ startedAt: this.#with.clock.now(), grantId: grant.id, requestId: grant.requestId },
    }
  }

  #masksOf({ grant }: LiveSession, policy: Policy): ResourceMasks | undefined {
    return this.#with.masks.of(policy, grant.role, grant.resource)
  }

  /** What can't be kept on record ends the session. */
  #journal(session: LiveSession, recording: Recording): CommandJournal {
    const { clock, intercept, journals } = this.#with
    const { grant } = session
    const onFailure = (failure: unknown): void => {
      this.#with.onFailure(failure, session.id)
      void session.cut({ end: 'record-lost', refusal: refusalOf(failure) })
    }
    recording.onFailure(onFailure)
    return journals.open({
      ...{ grantId: grant.id, requestId: grant.requestId, sessionId: session.id },
      ...{ startedAt: clock.now(), recording, onFailure },
      shown: (text) =>
        this.#masksOf(session, intercept.policy.current())?.search?.inText(text) ?? text,
    })
  }

  /** Closes the books of a session; `finished` waits for it. */
  #ending(session: LiveSession, recording: Recording, close: () => Promise<void>): void {
    const ending = close()
      .then(() => recording.close())
      .catch((failure: unknown) => this.#with.onFailure(failure, session.id))
      .finally(() => this.#endings.delete(ending))
    this.#endings.add(ending)
  }

  /** Resolves when the books of all sessions that have ended are closed. */
  async finished(): Promise<void> {
    await Promise.all(this.#endings)
    this.#keys.close()
  }
}

/** The end of the login as the caller sees it: the target's settings, a key of ours, ready. */
function welcome(socket: Socket, target: Target, key: { processId: number; secret: number }): void {
  const parameters = [...target.parameters].map(([name, value]) => parameterMessage(name, value))
  const ready = [keyMessage(key.processId, key.secret), readyMessage(IDLE)]
  socket.write(Buffer.concat([...parameters, ...ready]))
}

function refuse(socket: Socket, refusal: Refusal): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  socket.end(errorMessage('FATAL', wireError(refusal)))
  socket.destroySoon()
}
