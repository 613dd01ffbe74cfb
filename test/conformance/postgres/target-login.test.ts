// The gateway's own login at a target: it proves who the target is before it shows a credential.

import { mkdtempSync, rmSync, chmodSync, writeFileSync, chownSync, statSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { systemClock } from '../../../app/clock.js'
import { PostgresCluster } from '../../../app/embedded/postgres-cluster.js'
import { ownTls, type ServerTls } from '../../../app/tls.js'
import { WarderError } from '../../../core/errors.js'
import type { Grant } from '../../../core/grant.js'
import type { Resource, TargetTls } from '../../../core/resource.js'
import { Permit } from '../../../proxy/permit.js'
import { openTarget } from '../../../proxy/postgres/login.js'

let directory: string
let secure: PostgresCluster
let plain: PostgresCluster
let authority: ServerTls
let forwarder: Server
let stranger: ServerTls

const start = (name: string, settings: Record<string, string>) =>
  PostgresCluster.start({
    dataDirectory: directory,
    name,
    settings,
    progress: () => undefined,
    onGivenUp: () => undefined,
  })

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'warder-login-'))
  chmodSync(directory, 0o711)
  plain = await start('plain', {})
  authority = await ownTls(join(directory, 'a'), [], systemClock)
  stranger = await ownTls(join(directory, 'b'), [], systemClock)
  const owner = statSync(join(directory, 'postgres/plain/data'))
  const files = { cert: authority.certificate, key: authority.key }
  for (const [name, pem] of Object.entries(files)) {
    const path = join(directory, name)
    writeFileSync(path, pem, { mode: 0o600 })
    if (process.getuid?.() === 0) chownSync(path, owner.uid, owner.gid)
  }
  secure = await start('secure', {
    ssl: 'on',
    ssl_cert_file: join(directory, 'cert'),
    ssl_key_file: join(directory, 'key'),
  })
  forwarder = createServer((socket) => {
    const onward = connect(secure.port, '127.0.0.1')
    for (const end of [socket, onward]) end.on('error', () => end.destroy())
    socket.pipe(onward).pipe(socket)
  })
  // The same target under an address that its certificate does not name.
  await new Promise<void>((resolve) => forwarder.listen(secure.port, '127.0.0.2', resolve))
})

afterAll(async () => {
  forwarder.close()
  await Promise.all([secure.stop(), plain.stop()])
  rmSync(directory, { recursive: true, force: true })
})

async function login(
  to: { cluster: PostgresCluster; host?: string; password?: string },
  tls: TargetTls,
  tlsAuthority: string | undefined,
) {
  const resource: Resource = {
    name: 'shop',
    protocol: 'postgres',
    host: to.host ?? '127.0.0.1',
    port: to.cluster.port,
    database: 'postgres',
    labels: {},
    credential: { user: to.cluster.user, password: { env: 'UNUSED' } },
    tls,
    tlsAuthority,
  }
  const permit = await Permit.issue(grantFor(resource.name), resource, 0)
  const password = to.password ?? to.cluster.password
  const credential = { id: 'only', user: to.cluster.user, password: Buffer.from(password) }
  const broker = { credentialsFor: () => Promise.resolve([credential]) }
  const target = await openTarget(permit, broker, new Map())
  target.socket.destroy()
  return target
}

const grantFor = (resource: string): Grant => ({
  id: 'grt_x',
  requestId: 'req_x',
  principal: {
    issuer: 'demo',
    subject: 'job',
    groups: [],
    attributes: {},
    actors: [],
    parties: [],
    aliases: ['demo/job'],
    tokenExpiresAt: 1,
  },
  principalKey: 'k',
  resource,
  role: 'r',
  origin: 'connect',
  reason: '',
  policyDigest: 'd',
  openedAt: 0,
  expiresAt: 1,
  epoch: 1,
})

const refusalOf = async (attempt: Promise<unknown>): Promise<WarderError> => {
  const failure: unknown = await attempt.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (failure instanceof WarderError) return failure
  throw new Error(`a refusal was expected, not ${String(failure)}`)
}

test('a target whose certificate the named authority signed is logged in to', async () => {
  const target = await login({ cluster: secure }, 'verify-full', authority.authorityFile)
  expect(target.parameters.get('standard_conforming_strings')).toBe('on')
})

test('a certificate of another authority is refused', async () => {
  const refusal = await refusalOf(login({ cluster: secure }, 'verify-full', stranger.authorityFile))
  expect(refusal).toMatchObject({ code: 'TARGET_REFUSED' })
  expect(refusal.message).toContain('certificate')
})

test('a certificate that does not name the host is refused by verify-full', async () => {
  const to = { cluster: secure, host: '127.0.0.2' }
  const refusal = await refusalOf(login(to, 'verify-full', authority.authorityFile))
  expect(refusal.code).toBe('TARGET_REFUSED')
})

test('verify-ca asks for the authority and not for the name', async () => {
  const to = { cluster: secure, host: '127.0.0.2' }
  await expect(login(to, 'verify-ca', authority.authorityFile)).resolves.toBeDefined()
  const refusal = await refusalOf(login(to, 'verify-ca', stranger.authorityFile))
  expect(refusal.code).toBe('TARGET_REFUSED')
})

test('a target without TLS is refused where the policy wants TLS', async () => {
  const refusal = await refusalOf(login({ cluster: plain }, 'verify-full', authority.authorityFile))
  expect(refusal).toMatchObject({ code: 'TARGET_REFUSED' })
  expect(refusal.message).toContain('does not offer TLS')
})

test('a wrong credential is refused by its SQLSTATE, and stands in no message', async () => {
  const to = { cluster: plain, password: 'not-the-password-4711' }
  const refusal = await refusalOf(login(to, 'off', undefined))
  expect(refusal.message).toContain('28P01')
  expect(JSON.stringify([refusal.message, refusal.details, String(refusal.cause)])).not.toContain(
    'not-the-password-4711',
  )
})

test('a target that is not there is unreachable', async () => {
  const refusal = await refusalOf(login({ cluster: plain, host: '127.0.0.3' }, 'off', undefined))
  expect(refusal.code).toBe('TARGET_UNREACHABLE')
})
