// Vault as a source and as a wrapper of keys, against a strict fake of its API.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Vault } from '../../../../app/secrets/vault.js'
import { vaultUrlObjection } from '../../../../app/secrets/vault-connection.js'
import { vaultSettingsOf } from '../../../../app/secrets/vault-environment.js'
import type { VaultMethod } from '../../../../app/secrets/vault-login.js'
import { FakeVault } from '../../../fakes/vault.js'

let fake: FakeVault
let directory: string
let troubles: unknown[]
beforeEach(async () => {
  fake = await FakeVault.start()
  directory = mkdtempSync(join(tmpdir(), 'warder-vault-'))
  troubles = []
  fake.versioned.set('orders', { password: 'from-v2', port: 5432 })
  fake.plain.set('orders', { password: 'from-v1' })
})
afterEach(async () => {
  vi.useRealTimers()
  rmSync(directory, { recursive: true })
  await fake.stop()
})

const vaultBy = (method: VaultMethod, namespace?: string) =>
  new Vault({ place: { url: fake.url, namespace }, method }, (failure) => troubles.push(failure))
const withToken = () => vaultBy({ token: fake.addToken() })
const orders = { path: 'secret/data/orders', field: 'password' }

function fileOf(name: string, text: string): string {
  const file = join(directory, name)
  writeFileSync(file, text)
  return file
}

test.each([
  'auth/token/lookup-self',
  'sys/raw/core',
  'identity/oidc/token/x',
  'cubbyhole/x',
  'secret/../auth/token/lookup-self',
  'secret/data/./x',
  'secret/data/x?list=true',
  '/secret/x',
  'secret',
])('the path %s is not asked for', async (path) => {
  await expect(withToken().read({ path, field: 'id' })).rejects.toThrow(/not for credentials/)
  expect(fake.calls.size).toBe(0)
})

test.each([
  ['redirect', /redirects/],
  ['oversize', /longer than 256 KiB/],
  ['garbage', /no JSON object/],
  ['sealed', /sealed/],
] as const)('an answer that is a %s is refused, and never quoted', async (what, why) => {
  const vault = withToken()
  await vault.read(orders)
  fake.misbehaviour[what] = true
  await expect(vault.read(orders)).rejects.toThrow(why)
  await expect(vault.read(orders)).rejects.not.toThrow(/secret|127\.0\.0\.1:9/)
})

test('a Vault that can’t be reached is an error with the system’s word for it', async () => {
  const vault = withToken()
  await fake.stop()
  await expect(vault.read(orders)).rejects.toThrow(/ECONNREFUSED/)
  fake = await FakeVault.start()
})

test('nothing there, a deleted version, a missing field and one that is no text are no value', async () => {
  const vault = withToken()
  fake.versioned.set('gone', 'deleted')
  expect(await vault.read({ path: 'secret/data/none', field: 'password' })).toBeUndefined()
  expect(await vault.read({ path: 'secret/data/gone', field: 'password' })).toBeUndefined()
  expect(await vault.read({ path: 'secret/data/orders', field: 'other' })).toBeUndefined()
  expect(await vault.read({ path: 'secret/data/orders', field: 'port' })).toBeUndefined()
})

test('a token that Vault does not take is refused without telling it', async () => {
  const attempt = vaultBy({ token: 'hvs.wrong-token' }).read(orders)
  await expect(attempt).rejects.toThrow(/denies that to the token/)
  await expect(attempt).rejects.not.toThrow(/wrong-token/)
})

test('KV version 2 and version 1 are read', async () => {
  const vault = withToken()
  expect(await vault.read(orders)).toBe('from-v2')
  expect(await vault.read({ path: 'kv/orders', field: 'password' })).toBe('from-v1')
})

test('a namespace is named in each call', async () => {
  fake.namespace = 'team-a'
  expect(await vaultBy({ token: fake.addToken() }, 'team-a').read(orders)).toBe('from-v2')
  await expect(withToken().read(orders)).rejects.toThrow(/denies/)
})

test('a token file is read again when its token is no longer taken', async () => {
  const tokenFile = fileOf('token', `${fake.addToken()}\n`)
  const vault = vaultBy({ tokenFile })
  expect(await vault.read(orders)).toBe('from-v2')
  fake.tokens.clear()
  fileOf('token', fake.addToken())
  expect(await vault.read(orders)).toBe('from-v2')
})

test('AppRole logs in once, and again when the token is gone', async () => {
  fake.approles.set('warder', 'sid')
  const vault = vaultBy({ roleId: 'warder', secretIdFile: fileOf('secret-id', 'sid\n') })
  await Promise.all([vault.read(orders), vault.read(orders)])
  expect(fake.calls.get('auth/approle/login')).toBe(1)
  fake.tokens.clear()
  expect(await vault.read(orders)).toBe('from-v2')
  expect(fake.calls.get('auth/approle/login')).toBe(2)
})

test('a wrong secret id and a missing file are refused', async () => {
  fake.approles.set('warder', 'sid')
  const wrong = vaultBy({ roleId: 'warder', secretIdFile: fileOf('secret-id', 'other') })
  await expect(wrong.read(orders)).rejects.toThrow(/answered 400/)
  const missing = vaultBy({ roleId: 'warder', secretIdFile: join(directory, 'none') })
  await expect(missing.read(orders)).rejects.toThrow(/can’t be read/)
})

test('Kubernetes logs in with the service token', async () => {
  fake.kubernetes.set('warder', 'jwt-of-pod')
  const vault = vaultBy({ kubernetesRole: 'warder', tokenFile: fileOf('jwt', 'jwt-of-pod') })
  expect(await vault.read(orders)).toBe('from-v2')
})

test('a token that ends is renewed before its end', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const token = fake.addToken(60, true)
  await vaultBy({ token }).read(orders)
  await vi.advanceTimersByTimeAsync(41_000)
  await vi.waitFor(() => expect(fake.tokens.get(token)?.renewals).toBe(1))
  expect(troubles).toEqual([])
})

test('transit wraps and unwraps, for the same place only', async () => {
  fake.addTransitKey('warder')
  const wrapper = withToken().wrapper('warder')
  const wrapped = await wrapper.wrap(Buffer.from('key bytes'), 'place')
  expect(Buffer.from(wrapped).toString()).toMatch(/^vault:v1:/)
  expect(Buffer.from(await wrapper.unwrap(wrapped, 'place')).toString()).toBe('key bytes')
  await expect(wrapper.unwrap(wrapped, 'elsewhere')).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  })
  await expect(withToken().wrapper('none').unwrap(wrapped, 'place')).rejects.toThrow(/none can’t/)
})

test.each([
  ['http://vault.example:8200', 'https'],
  ['https://a:b@vault.example', 'password'],
  ['https://vault.example/v1', 'path'],
  ['vault', 'URL'],
])('%s is no address of a Vault', (url, why) => {
  expect(vaultUrlObjection(url)).toContain(why)
  expect(() => vaultSettingsOf({ VAULT_ADDR: url, VAULT_TOKEN: 't' })).toThrow(why)
})

test('there is one way to log in, not none and not two', () => {
  const VAULT_ADDR = 'https://vault.example'
  expect(() => vaultSettingsOf({ VAULT_ADDR })).toThrow(/exactly one/)
  expect(() => vaultSettingsOf({ VAULT_ADDR, VAULT_TOKEN: 'a', VAULT_ROLE_ID: 'b' })).toThrow(
    /VAULT_SECRET_ID_FILE/,
  )
  expect(() => vaultSettingsOf({ VAULT_ADDR, VAULT_TOKEN: 'a', VAULT_TOKEN_FILE: 'b' })).toThrow(
    /exactly one/,
  )
  expect(vaultSettingsOf({})).toBeUndefined()
})
