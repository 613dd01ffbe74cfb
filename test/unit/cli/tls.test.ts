import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { buildApi, listenApi } from '../../../web/api/server.js'
import { Terminal } from './run.js'

const HOUR_MS = 3_600_000

/** A certificate that vouches for itself, for an address on loopback. */
async function selfSigned(address: string): Promise<{ certificate: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=warder test',
      keys,
      signingAlgorithm: algorithm,
      notBefore: new Date(Date.now() - HOUR_MS),
      notAfter: new Date(Date.now() + HOUR_MS),
      extensions: [new SubjectAlternativeNameExtension([{ type: 'ip', value: address }])],
    },
    webcrypto,
  )
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64')}\n-----END PRIVATE KEY-----\n`
  return { certificate: certificate.toString('pem'), key }
}

const terminal = new Terminal()
let folder: string
let stop: () => Promise<void>

async function serve(address: string): Promise<{ server: string; ca: string }> {
  const tls = await selfSigned(address)
  const api = buildApi(terminal.warder.dependencies(), { tls })
  const port = await listenApi(api, { tls }, { host: '127.0.0.1', port: 0 })
  stop = () => api.close()
  const ca = join(folder, 'ca.pem')
  writeFileSync(ca, tls.certificate)
  return { server: `https://127.0.0.1:${String(port)}`, ca }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'warder-tls-'))
})
afterEach(async () => {
  await stop()
  rmSync(folder, { recursive: true })
})

test('a server of a known authority is trusted', async () => {
  const { server, ca } = await serve('127.0.0.1')
  const { code, out } = await terminal.run(['whoami', '--server', server, '--ca', ca])
  expect(out).toContain('ci/repo:acme/orders')
  expect(code).toBe(0)
})

test('a server of an unknown authority never gets the token', async () => {
  const { server } = await serve('127.0.0.1')
  const { code, err } = await terminal.run(['whoami', '--server', server])
  expect(code).toBe(69)
  expect(err).toContain('self-signed')
})

test('a server with a certificate for another name never gets the token', async () => {
  const { server, ca } = await serve('127.0.0.2')
  const { code } = await terminal.run(['whoami', '--server', server, '--ca', ca])
  expect(code).toBe(69)
})
