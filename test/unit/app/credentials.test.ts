// Target credentials by reference. The store's side is tested with the store.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

import { Credentials, type CredentialParts } from '../../../app/credentials.js'
import { VaultError } from '../../../app/secrets/vault-connection.js'
import type { Resource, SecretReference } from '../../../core/resource.js'

const directory = mkdtempSync(join(tmpdir(), 'warder-credentials-'))
afterAll(() => rmSync(directory, { recursive: true }))

const variables = {
  ORDERS_PASSWORD: 'from-env',
  WARDER_ENCRYPTION_KEY: 'own',
  DATABASE_URL: 'own',
  TEMPORAL_API_KEY: 'own',
  VAULT_TOKEN: 'own',
  EMPTY: '',
}

const secrets: CredentialParts['secrets'] = {
  put: () => Promise.reject(new Error('not put here')),
  usable: (name) =>
    Promise.resolve(
      (name === 'orders' ? ['from-store', 'candidate'] : []).map((text, at) => ({
        ...{ id: `orders/${at}`, version: at },
        password: Buffer.from(text),
      })),
    ),
}

const credentials = new Credentials({
  secrets,
  vault: {
    read: ({ path }) =>
      path === 'kv/orders'
        ? Promise.resolve('from-vault')
        : Promise.reject(new VaultError('it denies that to the token (403)', 403)),
  },
  variables,
  audit: {
    append: () => 1,
    durable: () => Promise.resolve(),
    onFailure: () => () => undefined,
  },
  clock: { now: () => 0, monotonicMs: () => 0 },
})

const passwordBy = async (password: SecretReference): Promise<string> => {
  const resource: Resource = {
    ...{ name: 'shop', protocol: 'postgres', host: 'h', port: 1, labels: {}, tls: 'verify-full' },
    credential: { user: 'w', password },
  }
  const [first] = await credentials.credentialsFor(resource)
  return Buffer.from(first?.password ?? []).toString()
}

test('a password comes from a variable, a file without its line end, the store, or Vault', async () => {
  const file = join(directory, 'password')
  writeFileSync(file, 'from-file\n')
  expect(await passwordBy({ env: 'ORDERS_PASSWORD' })).toBe('from-env')
  expect(await passwordBy({ file })).toBe('from-file')
  expect(await passwordBy({ stored: 'orders' })).toBe('from-store')
  expect(await passwordBy({ vault: { path: 'kv/orders', field: 'password' } })).toBe('from-vault')
})

test.each([
  { env: 'MISSING' },
  { env: 'EMPTY' },
  { file: join(directory, 'missing') },
  { stored: 'missing' },
  { vault: { path: 'kv/other', field: 'password' } },
])('%j leads nowhere and is refused', async (reference) => {
  await expect(passwordBy(reference)).rejects.toMatchObject({ code: 'TARGET_REFUSED' })
})

test.each(['WARDER_ENCRYPTION_KEY', 'DATABASE_URL', 'TEMPORAL_API_KEY'])(
  'Warder’s own %s is presented to no target',
  async (env) => {
    await expect(passwordBy({ env })).rejects.toMatchObject({ code: 'TARGET_REFUSED' })
  },
)

test('a source that fails is told apart from one that is empty, in our words only', async () => {
  const denied = passwordBy({ vault: { path: 'kv/other', field: 'password' } })
  await expect(denied).rejects.toThrow(/Vault\) can’t be read: Vault: it denies/)
  const missing = passwordBy({ file: join(directory, 'missing') })
  await expect(missing).rejects.toThrow(/can’t be read: ENOENT/)
})

test('a policy can’t have Vault’s own token presented to a target', async () => {
  await expect(passwordBy({ env: 'VAULT_TOKEN' })).rejects.toThrow(/is not there/)
})

test('while a stored password is rotated, both are handed out, the one in force first', async () => {
  const resource: Resource = {
    ...{ name: 'shop', protocol: 'postgres', host: 'h', port: 1, labels: {}, tls: 'verify-full' },
    credential: { user: 'w', password: { stored: 'orders' } },
  }
  const held = await credentials.credentialsFor(resource)
  expect(held.map(({ password }) => Buffer.from(password).toString())).toEqual([
    'from-store',
    'candidate',
  ])
  expect(new Set(held.map(({ id }) => id)).size).toBe(2)
})
