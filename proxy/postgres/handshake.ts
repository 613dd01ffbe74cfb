// The caller's side of the login: encryption, start-up packet, token as password. Manual, "Message
// Flow: Start-up". A token is only read over TLS, or on loopback where the operator allowed it.

import type { Socket } from 'node:net'
import { TLSSocket, type SecureContext } from 'node:tls'

import { WarderError } from '../../core/errors.js'
import type { RequestId } from '../../core/ids.js'
import { LIMITS } from '../limits.js'
import { ByteReader } from './byte-reader.js'
import { bodyLength, HEADER_BYTES, readOpening, type Opening } from './codec.js'
import { authenticationMessage, CALLER, MalformedMessage, negotiateMessage } from './messages.js'

/** How callers may reach the gateway. */
export interface CallerSecurity {
  readonly tls?: SecureContext | undefined
  /** Takes tokens in the clear from this host itself; for tests of drivers without TLS, and benches. */
  readonly allowPlainLoopback: boolean
}

/** What a caller has asked for, before anything about him is verified. */
export interface Hello {
  readonly kind: 'login'
  readonly socket: Socket
  readonly token: string
  readonly resource: string
  /** Database he named beyond the resource, if any. */
  readonly database?: string | undefined
  readonly role: string
  readonly requestId?: RequestId | undefined
  /** Settings for the target, from the allow-list. */
  readonly settings: ReadonlyMap<string, string>
}

/** A cancel request; it carries no identity, only the key that the gateway gave out. */
export interface CancelRequest {
  readonly kind: 'cancel'
  readonly processId: number
  readonly secret: Buffer
}

/** Start-up settings that change how values look, and nothing about what a statement does. */
const SETTINGS: ReadonlySet<string> = new Set([
  'application_name',
  'client_encoding',
  'datestyle',
  'extra_float_digits',
  'intervalstyle',
  'timezone',
])

/** Whichever of a caller's two packets is longer. */
const HANDSHAKE_BYTES_MAX = Math.max(LIMITS.startupBytesMax, HEADER_BYTES + LIMITS.tokenBytesMax)

/**
 * Takes a connection up to its token.
 *
 * @param onEncrypted Told the socket to answer on, once the plain one must not be written to.
 * @throws MalformedMessage, HandshakeBroken, WarderError `TLS_REQUIRED` `PROTOCOL_UNSUPPORTED`
 */
export async function greet(
  plain: Socket,
  security: CallerSecurity,
  onEncrypted: (socket: Socket) => void,
): Promise<Hello | CancelRequest> {
  let socket = plain
  let reader = new ByteReader(socket, HANDSHAKE_BYTES_MAX)
  for (let answered = new Set<string>(); ;) {
    const opening = await reader.next(packet, LIMITS.handshakeMsMax)
    if (opening.kind === 'cancel') return opening
    if (opening.kind === 'startup') {
      requireSecrecy(socket, security)
      return await login(socket, reader, opening)
    }
    const leftover = reader.detach()
    if (leftover.length > 0 || answered.has(opening.kind) || socket instanceof TLSSocket) {
      // Bytes sent ahead of the handshake would be taken for encrypted ones (CVE-2021-23214).
      throw new MalformedMessage('an encryption request came out of place')
    }
    answered = answered.add(opening.kind)
    if (opening.kind === 'tls' && security.tls !== undefined) {
      socket.write('S')
      socket = await encrypt(socket, security.tls)
      onEncrypted(socket)
    } else socket.write('N')
    reader = new ByteReader(socket, HANDSHAKE_BYTES_MAX)
  }
}

function packet(bytes: Buffer): { value: Opening; length: number } | undefined {
  const read = readOpening(bytes)
  return read && { value: read.opening, length: read.length }
}

function encrypt(socket: Socket, secureContext: SecureContext): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = new TLSSocket(socket, { isServer: true, secureContext })
    // For the whole life of the connection: a reset while nobody reads must not end the process.
    secure.on('error', () => secure.destroy())
    const timer = setTimeout(
      () => secure.destroy(new Error('slow handshake')),
      LIMITS.handshakeMsMax,
    )
    const fail = () => {
      clearTimeout(timer)
      reject(new MalformedMessage('the TLS handshake failed'))
    }
    secure.once('error', fail)
    secure.once('close', fail)
    secure.once('secure', () => {
      clearTimeout(timer)
      secure.off('error', fail)
      secure.off('close', fail)
      resolve(secure)
    })
  })
}

function requireSecrecy(socket: Socket, security: CallerSecurity): void {
  if (socket instanceof TLSSocket) return
  const address = socket.remoteAddress ?? ''
  const isLoopback = address === '::1' || address.replace('::ffff:', '').startsWith('127.')
  if (!(security.allowPlainLoopback && isLoopback)) throw new WarderError('TLS_REQUIRED')
}

async function login(
  socket: Socket,
  reader: ByteReader,
  { minor, parameters }: Opening & { kind: 'startup' },
): Promise<Hello> {
  const settings = new Map<string, string>()
  const negotiated: string[] = []
  for (const [name, value] of parameters) {
    const setting = name.toLowerCase()
    if (name === 'user' || name === 'database') continue
    if (name.startsWith('_pq_.')) negotiated.push(name)
    else if (SETTINGS.has(setting)) settings.set(setting, value)
    else refuseParameter(setting, value)
  }
  const encoding = settings
    .get('client_encoding')
    ?.replace(/[^a-z0-9]/gi, '')
    .toLowerCase()
  if (encoding !== undefined && !['utf8', 'unicode'].includes(encoding)) {
    throw new WarderError('PROTOCOL_UNSUPPORTED', { what: 'A client_encoding other than UTF8' })
  }
  settings.set('client_encoding', 'UTF8')
  if (minor > 0 || negotiated.length > 0) socket.write(negotiateMessage(negotiated))
  socket.write(authenticationMessage(3))
  const token = await reader.next(password, LIMITS.handshakeMsMax)
  if (reader.detach().length > 0) {
    throw new MalformedMessage('something was sent before the login was answered')
  }
  const user = parameters.get('user') ?? ''
  return {
    kind: 'login',
    socket,
    token,
    settings,
    ...roleOf(user),
    ...resourceOf(parameters, user),
  }
}

/** Anything that could change what a statement does, or where it runs, is refused by name. */
function refuseParameter(name: string, value: string): void {
  if (name === 'options' && value.trim() === '') return
  if (name === 'replication' && ['', 'off', 'false', 'no', '0'].includes(value)) return
  throw new WarderError('PROTOCOL_UNSUPPORTED', {
    what: `The start-up parameter "${name}"`,
    why: 'it could change what statements do',
  })
}

/** `role` or `role/req_…`. */
function roleOf(user: string): { role: string; requestId?: RequestId } {
  const [role = '', id] = user.split('/', 2)
  if (id === undefined) return { role }
  if (!/^req_[0-9a-z]{4,40}$/i.test(id)) {
    throw new WarderError('INVALID_ARGUMENT', { what: 'The user', why: 'role/req_… is its form' })
  }
  return { role, requestId: `req_${id.slice(4)}` }
}

/** `resource` or `resource.database`; libpq sends the user where no database is given. */
function resourceOf(
  parameters: ReadonlyMap<string, string>,
  user: string,
): { resource: string; database?: string } {
  const named = parameters.get('database') ?? user
  const dot = named.indexOf('.')
  if (dot < 0) return { resource: named }
  return { resource: named.slice(0, dot), database: named.slice(dot + 1) }
}

/** PasswordMessage: Byte1 'p', Int32 length, String. */
function password(bytes: Buffer): { value: string; length: number } | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  if (bytes[0] !== CALLER.password) throw new MalformedMessage('a password message was awaited')
  const length = HEADER_BYTES + bodyLength(bytes, 0, LIMITS.tokenBytesMax)
  if (bytes.length < length) return undefined
  const end = bytes.indexOf(0, HEADER_BYTES)
  if (end !== length - 1) throw new MalformedMessage('the password is not one text')
  return { value: bytes.toString('utf8', HEADER_BYTES, end), length }
}
