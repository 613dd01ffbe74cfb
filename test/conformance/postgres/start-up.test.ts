// The first packets: what a caller may ask for, in the clear and over TLS, and what ends him.

import { connect as connectTls, type TLSSocket } from 'node:tls'
import { connect } from 'node:net'
import { serialize } from 'pg-protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { within } from '../../fakes/gateway-ports.js'
import { startPostgresWorld, type PostgresWorld } from '../../postgres-world.js'
import {
  fieldOf,
  frame,
  packet,
  q,
  shape,
  sqlstateOf,
  startup,
  valuesOf,
  WireClient,
} from './wire-client.js'

let world: PostgresWorld

beforeAll(async () => {
  world = await startPostgresWorld({ tls: true })
})

afterAll(() => world.stop())

const SSL = packet(80877103)
const GSS = packet(80877104)
const USER = { user: 'reader', database: 'db' }

/** Everything that the gateway answers to these bytes, until it closes. */
async function answerTo(...parts: Buffer[]): Promise<string> {
  const socket = connect({ port: world.port, host: '127.0.0.1' })
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => undefined)
  socket.write(Buffer.concat(parts))
  await within(new Promise((resolve) => socket.once('close', resolve)), 'the gateway to close')
  return Buffer.concat(chunks).toString('latin1')
}

/** The SQLSTATE of the error that the answer ends with; empty when it says nothing. */
const codeIn = (answer: string) => /\0C([0-9A-Z]{5})\0/.exec(answer)?.[1] ?? ''

/** An encrypted connection, after the SSLRequest. */
async function encrypted(): Promise<TLSSocket> {
  const socket = connect({ port: world.port, host: '127.0.0.1' })
  socket.write(SSL)
  await new Promise((resolve) => socket.once('data', resolve))
  const secure = connectTls({ socket, ca: world.authorityPem, servername: 'localhost' })
  secure.on('error', () => undefined)
  await within(new Promise((resolve) => secure.once('secureConnect', resolve)), 'TLS')
  return secure
}

test.each([
  ['PG-76 a start-up packet behind the SSLRequest', [SSL, startup(USER)]],
  ['PG-76 one byte behind the SSLRequest', [SSL, Buffer.from([0])]],
  ['PG-76 a start-up packet behind the GSSENCRequest', [GSS, startup(USER)]],
  ['an SSLRequest with a body', [packet(80877103, Buffer.from('x'))]],
  ['a length below eight', [Buffer.from([0, 0, 0, 7, 0, 3, 0, 0])]],
  ['a negative length', [Buffer.from([255, 255, 255, 255, 0, 3, 0, 0])]],
  ['a length beyond the limit', [Buffer.from([0, 0, 0x27, 0x11, 0, 3, 0, 0])]],
  ['protocol 2', [packet(0x20000, Buffer.from('x\0'))]],
  ['protocol 4', [packet(0x40000, Buffer.from('x\0'))]],
  ['no terminator', [packet(0x30000, Buffer.from('user\0reader\0'))]],
  ['a parameter without a value', [packet(0x30000, Buffer.from('user\0reader\0database\0\0'))]],
  ['a parameter twice', [packet(0x30000, Buffer.from('user\0a\0user\0b\0\0'))]],
  ['a parameter without a name', [packet(0x30000, Buffer.from('\0a\0\0'))]],
  ['HTTP', [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')]],
  ['TLS without asking', [Buffer.from([0x16, 3, 1, 0, 200, 1, 0, 0])]],
  ['a Query for a password', [startup(USER), q('select 1')]],
  ['a password and more', [startup(USER), serialize.password('good'), q('select 1')]],
  ['a password with a NUL in it', [startup(USER), frame('p', 'go\0od\0')]],
  ['a password without a NUL', [startup(USER), frame('p', 'good')]],
])('%s ends the connection with 08P01', async (_, parts) => {
  expect(codeIn(await answerTo(...parts))).toBe('08P01')
})

test('a token beyond the limit is not even read', async () => {
  const head = Buffer.from([0x70, 0, 1, 0, 0])
  expect(codeIn(await answerTo(startup(USER), head))).toBe('54000')
})

test('a token just within the limit is looked at', async () => {
  const answer = await answerTo(startup(USER), serialize.password('x'.repeat(16_300)))
  expect(codeIn(answer)).toBe('28000')
})

test('PG-76 a second SSLRequest inside TLS ends the connection', async () => {
  const secure = await encrypted()
  secure.write(SSL)
  const closed = within(new Promise((resolve) => secure.once('close', resolve)), 'the end')
  const [chunk] = await Promise.all([
    new Promise<Buffer>((resolve) => secure.once('data', resolve)),
    closed,
  ])
  expect(codeIn(chunk.toString('latin1'))).toBe('08P01')
})

test('PG-76 GSS encryption is answered N, and TLS may follow, once', async () => {
  const client = connect({ port: world.port, host: '127.0.0.1' })
  const next = () => within(new Promise<Buffer>((r) => client.once('data', r)), 'an answer')
  client.write(GSS)
  expect((await next()).toString()).toBe('N')
  client.write(SSL)
  expect((await next()).toString()).toBe('S')
  client.destroy()
})

test('a second GSSENCRequest ends the connection', async () => {
  const socket = connect({ port: world.port, host: '127.0.0.1' })
  socket.on('error', () => undefined)
  socket.write(GSS)
  await new Promise((resolve) => socket.once('data', resolve))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.resume().write(GSS)
  await within(closed, 'the end')
})

test('the whole session runs over TLS', async () => {
  const secure = await encrypted()
  const chunks: Buffer[] = []
  secure.on('data', (chunk: Buffer) => chunks.push(chunk))
  secure.write(startup(USER))
  secure.write(serialize.password('good'))
  await world.audit.until('session.opened')
  secure.write(Buffer.concat([q('select 41 + 1'), frame('X')]))
  await within(new Promise((resolve) => secure.once('close', resolve)), 'the end')
  expect(Buffer.concat(chunks).toString('latin1')).toContain('42')
})

test('a reset over TLS while access waits for people does not end the process', async () => {
  let opened = (): void => undefined
  const asked = new Promise<void>((resolve) => {
    opened = resolve
  })
  let aborted = (): void => undefined
  const gone = new Promise<void>((resolve) => {
    aborted = resolve
  })
  world.access.script = (_, signal) => {
    opened()
    return new Promise((resolve) =>
      signal.addEventListener('abort', () => {
        aborted()
        resolve({ ok: false, refusal: { code: 'REQUEST_WITHDRAWN', details: {} } })
      }),
    )
  }
  const socket = connect({ port: world.port, host: '127.0.0.1' })
  socket.on('error', () => undefined)
  socket.write(SSL)
  await new Promise((resolve) => socket.once('data', resolve))
  const secure = connectTls({ socket, ca: world.authorityPem, servername: 'localhost' })
  secure.on('error', () => undefined)
  await new Promise((resolve) => secure.once('secureConnect', resolve))
  secure.write(startup(USER))
  secure.write(serialize.password('good-2'))
  await within(asked, 'the request')
  socket.resetAndDestroy()
  await within(gone, 'the withdrawal')
  world.access.script = undefined
  const next = await WireClient.login({ port: world.port })
  expect(valuesOf(await next.query('select 1'))).toEqual(['1'])
  await next.close()
})

test.each([
  ['options', '-c role=postgres'],
  ['options', '-c search_path=evil'],
  ['search_path', 'evil'],
  ['role', 'postgres'],
  ['default_transaction_read_only', 'off'],
  ['session_replication_role', 'replica'],
  ['client_encoding', 'SJIS'],
  ['replication', 'database'],
  ['replication', 'true'],
])('PG-58, PG-75 the start-up parameter %s=%s is refused by name', async (name, value) => {
  const client = new WireClient(world.port)
  client.send(startup({ ...USER, [name]: value }))
  const answer = await client.rest()
  expect(sqlstateOf(answer)).toBe('0A000')
  expect(fieldOf(answer[0] ?? { type: '', body: Buffer.alloc(0) }, 'M')).toContain(name)
})

test.each([
  { application_name: 'job' },
  { client_encoding: "'utf-8'" },
  { client_encoding: 'UNICODE' },
  { options: '' },
  { replication: 'off' },
  { DateStyle: 'ISO, DMY', TimeZone: 'UTC', extra_float_digits: '2' },
])('%o is accepted', async (parameters) => {
  const client = await WireClient.login({ port: world.port, parameters })
  expect(valuesOf(await client.query('show client_encoding'))).toEqual(['UTF8'])
  await client.close()
})

test.each([
  ['3.2', 2, {}],
  ['3.9999', 9999, {}],
  ['an option of the protocol', 0, { '_pq_.x': '1' }],
])('PG-77 %s is negotiated down to 3.0', async (_, minor, more) => {
  const client = new WireClient(world.port)
  client.send(startup({ ...USER, ...more }, minor))
  const [negotiate] = await client.until((type) => type === 'R')
  expect(negotiate?.type).toBe('v')
  expect(negotiate?.body.readUInt32BE(0)).toBe(0)
  expect(negotiate?.body.readUInt32BE(4)).toBe(Object.keys(more).length)
  client.send(serialize.password('good'))
  const greeting = await client.until((type) => type === 'Z' || type === 'E')
  expect(greeting.at(-1)?.type).toBe('Z')
  await client.close()
})

test.each([
  ['an unknown resource', { database: 'nowhere' }, '28000'],
  ['another database of the resource', { database: 'db.postgres' }, '08P01'],
  ['no role named among several', { role: 'nobody' }, '28000'],
  ['a bad token', { token: 'bad' }, '28000'],
  ['an empty token', { token: '' }, '28000'],
  ['a malformed request id', { role: 'reader/x' }, '22023'],
  ['a request that is not there', { role: 'reader/req_none0000' }, '28000'],
])('%s is refused before the target is dialled', async (_, options, code) => {
  const from = world.audit.events.length
  await expect(WireClient.login({ port: world.port, ...options })).rejects.toThrow(code)
  await world.audit.until(code === '08P01' ? 'session.ended' : 'connection.refused', from)
})

test('the key and the settings that a caller gets are not the target’s secrets', async () => {
  const client = await WireClient.login({ port: world.port })
  expect(shape(client.greeting)).toMatch(/^R?KZ$/)
  const pid = Number(valuesOf(await client.query('select pg_backend_pid()'))[0])
  expect(client.key.processId).not.toBe(pid)
  await client.close()
})
