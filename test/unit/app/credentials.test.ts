// Target credentials by reference. The store's side is tested with the store.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

import { Credentials, type CredentialParts } from '../../../app/credentials.js'
import type { Resource, SecretReference } from '../../../core/resource.js'

const directory = mkdtempSync(join(tmpdir(), 'warder-credentials-'))
afterAll(() => rmSync(directory, { recursive: true }))

const variables = {
  ORDERS_PASSWORD: 'from-env',
  WARDER_ENCRYPTION_KEY: 'own',
  DATABASE_URL: 'own',
  TEMPORAL_API_KEY: 'own',
  EMPTY: '',
}

const secrets: Pick<CredentialParts['secrets'], 'find'> = {
  find: (name) => Promise.resolve(name === 'orders' ? 'from-store' : undefined),
}

const credentials = new Credentials({
  secrets: secrets as CredentialParts['secrets'],
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
  return (await credentials.credentialFor(resource)).password
}

test('a password comes from a variable, a file without its line end, or the store', async () => {
  const file = join(directory, 'password')
  writeFileSync(file, 'from-file\n')
  expect(await passwordBy({ env: 'ORDERS_PASSWORD' })).toBe('from-env')
  expect(await passwordBy({ file })).toBe('from-file')
  expect(await passwordBy({ stored: 'orders' })).toBe('from-store')
})

test.each([
  { env: 'MISSING' },
  { env: 'EMPTY' },
  { file: join(directory, 'missing') },
  { stored: 'missing' },
])('%j leads nowhere and is refused', async (reference) => {
  await expect(passwordBy(reference)).rejects.toMatchObject({ code: 'TARGET_REFUSED' })
})

test.each(['WARDER_ENCRYPTION_KEY', 'DATABASE_URL', 'TEMPORAL_API_KEY'])(
  'Warder’s own %s is presented to no target',
  async (env) => {
    await expect(passwordBy({ env })).rejects.toMatchObject({ code: 'TARGET_REFUSED' })
  },
)
