// The target's side of the login: TLS, the stored credential, and the session's settings pinned.
// The credential is wiped as soon as the login is over.

import { isIP, type OnReadOpts, type Socket } from 'node:net'
import { readFile } from 'node:fs/promises'
import { connect as connectTls, rootCertificates } from 'node:tls'

import { serialize } from 'pg-protocol'
import sasl from 'pg/lib/crypto/sasl'

import { WarderError } from '../../core/errors.js'
import type { CredentialBroker } from '../../core/ports.js'
import type { Credential, Resource } from '../../core/resource.js'
import { LIMITS } from '../limits.js'
import { dial, type Permit } from '../permit.js'
import { ByteReader, HandshakeBroken } from './byte-reader.js'
import { bodyLength, HEADER_BYTES } from './codec.js'
import { MalformedMessage, readError, readParameterStatus, TARGET } from './messages.js'

/** A target that is logged in and ready. */
export interface Target {
  readonly socket: Socket
  readonly parameters: ReadonlyMap<string, string>
  readonly processId: number
  readonly secret: number
  /**
   * Hands over everything that arrives from now on. `volatile` chunks are overwritten by the next
   * read, so that a plain connection needs no buffer for each of its reads.
   */
  read(receive: Receive): void
}

/** Takes bytes from the target. */
export type Receive = (chunk: Buffer, volatile: boolean) => void

/** While a credential is rotated its owner may have two, and a moment later another one. */
const CREDENTIALS_TRIED_MAX = 4
/** SQLSTATEs of a password that the target does not take: invalid_password, invalid_authorization. */
const PASSWORD_REFUSED: ReadonlySet<string> = new Set(['28P01', '28000'])

/** Bytes of one read: big enough for a burst of rows. */
const READ_BYTES = 65_536

interface Message {
  readonly type: number
  readonly body: Buffer
}

/**
 * Opens the permitted connection and logs in with the stored credential. When the target does not
 * take it, the others that it may have by now are tried: it may be in the middle of a rotation.
 *
 * @throws WarderError `TARGET_UNREACHABLE`, `TARGET_REFUSED`. Neither ever carries the credential.
 */
export async function openTarget(
  permit: Permit,
  credentials: CredentialBroker,
  settings: ReadonlyMap<string, string>,
): Promise<Target> {
  const tried = new Set<string>()
  let refusal: WarderError | undefined
  while (tried.size < CREDENTIALS_TRIED_MAX) {
    const held = await credentials.credentialsFor(permit.resource)
    try {
      const untried = held.find(({ id }) => !tried.has(id))
      if (untried === undefined) break
      tried.add(untried.id)
      return await enter(permit, untried, settings)
    } catch (failure) {
      if (!(failure instanceof PasswordRefused)) throw failure
      refusal = failure
    } finally {
      for (const { password } of held) password.fill(0)
    }
  }
  throw refusal ?? new WarderError('TARGET_REFUSED', { what: permit.resource.name })
}

/** The target does not take the password: another one may do. */
class PasswordRefused extends WarderError {}

async function enter(
  permit: Permit,
  credential: Credential,
  settings: ReadonlyMap<string, string>,
): Promise<Target> {
  const { resource } = permit
  const rawReads = new RawReads()
  const plain = await dial(permit, resource.tls === 'off' ? rawReads : undefined)
  rawReads.socket = plain
  let socket = plain
  try {
    if (resource.tls !== 'off') socket = await encrypt(plain, resource)
    const { leftover, ...target } = await login(socket, resource, credential, settings)
    return {
      ...target,
      read: (receive) => {
        if (leftover.length > 0) receive(leftover, false)
        if (socket === plain) rawReads.receive = receive
        else socket.on('data', (chunk: Buffer) => receive(chunk, false))
      },
    }
  } catch (failure) {
    socket.destroy()
    if (failure instanceof WarderError) throw failure
    const why = failure instanceof HandshakeBroken ? 'it broke off the login' : 'its login failed'
    throw new WarderError('TARGET_REFUSED', { what: resource.name, why }, { cause: failure })
  }
}

/**
 * Where all plain sockets of the process are read into, one after the other: whoever receives a chunk
 * has passed it on, or copied it, before the next read.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(READ_BYTES)

/** Reads of a plain socket into the buffer; until somebody receives them, they are ordinary events. */
class RawReads implements OnReadOpts {
  readonly buffer = READ_BUFFER
  receive: Receive | undefined
  socket: Socket | undefined

  readonly callback = (length: number): boolean => {
    const chunk = this.buffer.subarray(0, length)
    if (this.receive !== undefined) this.receive(chunk, true)
    else this.socket?.emit('data', Buffer.from(chunk))
    return true
  }
}

async function encrypt(plain: Socket, resource: Resource): Promise<Socket> {
  const reader = new ByteReader(plain, 64)
  plain.write(serialize.requestSsl())
  const answer = await reader.next(
    (bytes) => (bytes.length === 0 ? undefined : { value: bytes[0], length: 1 }),
    LIMITS.targetConnectMsMax,
  )
  if (reader.detach().length > 0) throw new MalformedMessage('bytes before the TLS handshake')
  if (answer !== 0x53) {
    throw new WarderError('TARGET_REFUSED', { what: resource.name, why: 'it does not offer TLS' })
  }
  const ca =
    resource.tlsAuthority === undefined ? rootCertificates : await readFile(resource.tlsAuthority)
  return new Promise((resolve, reject) => {
    const secure = connectTls({
      socket: plain,
      // Without it an address would be checked against the name "localhost".
      host: resource.host,
      ca: [ca].flat(),
      ...(isIP(resource.host) === 0 ? { servername: resource.host } : {}),
      rejectUnauthorized: resource.tls !== 'require',
      ...(resource.tls === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    })
    secure.once('error', (cause) =>
      reject(
        new WarderError(
          'TARGET_REFUSED',
          { what: resource.name, why: 'its certificate was not accepted' },
          { cause },
        ),
      ),
    )
    secure.once('secureConnect', () => {
      secure.removeAllListeners('error')
      resolve(secure)
    })
  })
}

async function login(
  socket: Socket,
  resource: Resource,
  credential: Credential,
  settings: ReadonlyMap<string, string>,
): Promise<Omit<Target, 'read'> & { leftover: Buffer }> {
  const reader = new ByteReader(socket, LIMITS.controlMessageBytesMax)
  const next = () => reader.next(wholeMessage, LIMITS.targetConnectMsMax)
  socket.write(
    serialize.startup({
      ...Object.fromEntries(settings),
      user: credential.user,
      database: resource.database ?? credential.user,
      standard_conforming_strings: 'on',
    }),
  )
  await authenticate(socket, next, resource, credential)
  const parameters = new Map<string, string>()
  let processId = 0
  let secret = 0
  for (;;) {
    const { type, body } = await next()
    if (type === TARGET.parameterStatus) {
      const { name, value } = readParameterStatus(body, 0, body.length)
      parameters.set(name, value)
    } else if (type === TARGET.backendKey) {
      processId = body.readUInt32BE(0)
      secret = body.readUInt32BE(4)
    } else if (type === TARGET.error) throw targetRefused(resource, body)
    else if (type === TARGET.readyForQuery) break
    else if (type !== TARGET.notice) throw new MalformedMessage('an unexpected login message')
  }
  return { socket, parameters, processId, secret, leftover: reader.detach() }
}

/** AuthenticationOk 0, CleartextPassword 3 (over TLS only), SASL 10, SASLContinue 11, SASLFinal 12. */
async function authenticate(
  socket: Socket,
  next: () => Promise<Message>,
  resource: Resource,
  credential: Credential,
): Promise<void> {
  let session: ReturnType<typeof sasl.startSession> | undefined
  for (;;) {
    const { type, body } = await next()
    if (type === TARGET.error) throw targetRefused(resource, body)
    if (type !== TARGET.authentication) throw new MalformedMessage('an unexpected login message')
    const code = body.readInt32BE(0)
    if (code === 0) return
    if (code === 10) {
      session = sasl.startSession(body.toString('utf8', 4).split('\0').filter(Boolean))
      socket.write(serialize.sendSASLInitialResponseMessage(session.mechanism, session.response))
    } else if (code === 11 && session !== undefined) {
      // The library takes text, which can't be wiped: this one is garbage as soon as it returns.
      await sasl.continueSession(session, textOf(credential), body.toString('utf8', 4))
      socket.write(serialize.sendSCRAMClientFinalMessage(session.response))
    } else if (code === 12 && session !== undefined) {
      sasl.finalizeSession(session, body.toString('utf8', 4))
    } else if (code === 3 && resource.tls !== 'off') {
      writePassword(socket, credential)
    } else {
      const why = 'it asks for a login method other than SCRAM-SHA-256 (or a password over TLS)'
      throw new WarderError('TARGET_REFUSED', { what: resource.name, why })
    }
  }
}

const textOf = ({ password }: Credential): string => Buffer.from(password).toString('utf8')

/** PasswordMessage: 'p' · length (4) · password · 0. Wiped once it is written. */
function writePassword(socket: Socket, { password }: Credential): void {
  const message = Buffer.alloc(HEADER_BYTES + password.length + 1)
  message.write('p')
  message.writeInt32BE(message.length - 1, 1)
  message.set(password, HEADER_BYTES)
  socket.write(message, () => message.fill(0))
}

/** The target's own refusal, by its SQLSTATE; its text may name users, so it stays in the cause. */
function targetRefused(resource: Resource, body: Buffer): WarderError {
  const fields = readError(body, 0, body.length)
  const state = fields.get('C') ?? 'unknown'
  const details = { what: resource.name, why: `SQLSTATE ${state}` }
  const cause = new Error(fields.get('M') ?? '')
  return PASSWORD_REFUSED.has(state)
    ? new PasswordRefused('TARGET_REFUSED', details, { cause })
    : new WarderError('TARGET_REFUSED', details, { cause })
}

function wholeMessage(bytes: Buffer): { value: Message; length: number } | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const length = HEADER_BYTES + bodyLength(bytes, 0, LIMITS.controlMessageBytesMax)
  if (bytes.length < length) return undefined
  return {
    value: { type: bytes[0] ?? 0, body: bytes.subarray(HEADER_BYTES, length) },
    length,
  }
}
