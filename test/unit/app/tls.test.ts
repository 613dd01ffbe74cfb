import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { givenTls, ownTls } from '../../../app/tls.js'

const DAY_MS = 86_400_000
const at = (ms: number) => ({ now: () => ms, monotonicMs: () => 0 })
const today = at(performance.timeOrigin)

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'warder-tls-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

async function given() {
  const made = await ownTls(directory, [], today)
  const files = { certificateFile: join(directory, 'c.pem'), keyFile: join(directory, 'k.pem') }
  writeFileSync(files.certificateFile, made.certificate)
  writeFileSync(files.keyFile, made.key)
  return files
}

test('a given certificate whose key belongs to another one is refused', async () => {
  const files = await given()
  const other = await ownTls(join(directory, 'other'), [], today)
  writeFileSync(files.keyFile, other.key)
  expect(() => givenTls(files, today)).toThrow(/not the key/)
})

test('a given certificate that has expired is refused', async () => {
  const files = await given()
  expect(() => givenTls(files, at(today.now() + 400 * DAY_MS))).toThrow(/expired/)
})

test('given files that are no PEM, or not there, are refused', async () => {
  const files = await given()
  writeFileSync(files.certificateFile, 'x')
  expect(() => givenTls(files, today)).toThrow(/PEM/)
  expect(() => givenTls({ ...files, keyFile: '/none' }, today)).toThrow(/WARDER_TLS_KEY/)
})

test('a client that trusts the authority accepts the server by address and by name', async () => {
  const tls = await ownTls(directory, ['Gateway.example'], today)
  const server = createServer({ cert: tls.certificate, key: tls.key }, (socket) => {
    socket.on('error', () => undefined).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const ca = readFileSync(tls.authorityFile ?? '')
  const attempt = (servername: string) =>
    new Promise<string>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, ca, servername }, () => {
        socket.destroy()
        resolve('accepted')
      })
      socket.on('error', (error: Error) => {
        resolve(error.message)
      })
    })
  try {
    expect(await attempt('other.example')).toMatch(/altnames/)
    expect(await attempt('localhost')).toBe('accepted')
    expect(await attempt('gateway.example')).toBe('accepted')
    expect(await attempt('')).toBe('accepted')
  } finally {
    server.close()
  }
})

test('the certificate stays until it nears its end or the names change; the authority stays', async () => {
  const first = await ownTls(directory, [], today)
  const authority = readFileSync(first.authorityFile ?? '', 'utf8')
  expect((await ownTls(directory, [], at(today.now() + 300 * DAY_MS))).certificate).toBe(
    first.certificate,
  )
  const renewed = await ownTls(directory, [], at(today.now() + 370 * DAY_MS))
  expect(renewed.certificate).not.toBe(first.certificate)
  const named = await ownTls(directory, ['db.example'], at(today.now() + 370 * DAY_MS))
  expect(named.certificate).not.toBe(renewed.certificate)
  expect(readFileSync(named.authorityFile ?? '', 'utf8')).toBe(authority)
})

test('private keys are for their owner only', async () => {
  await ownTls(directory, [], today)
  for (const name of ['authority.key', 'server.key']) {
    expect(statSync(join(directory, 'tls', name)).mode & 0o777).toBe(0o600)
  }
})
