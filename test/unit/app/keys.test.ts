// Keys in the store: made once, taken over once, opened only with what wrapped them.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { generateKeyPairSync, hkdfSync, randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openKeys, type Keys } from '../../../app/keys.js'
import type { EncryptionKeySource } from '../../../app/key-encryption.js'
import { CheckpointSigner } from '../../../audit/checkpoint.js'
import { KeyRing, masterKeyId } from '../../../store/encryption.js'
import { FakeKeyStore } from '../../fakes/key-store.js'
import { StandingClock } from '../store/fixtures.js'

let directory: string
let store: FakeKeyStore
let opened: Keys[]
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'warder-keys-'))
  store = new FakeKeyStore()
  opened = []
})
afterEach(() => {
  for (const keys of opened) keys.close()
  rmSync(directory, { recursive: true, force: true })
})

const file = (name: string) => join(directory, 'keys', name)
const clock = new StandingClock()
const newKek = () => ({ base64: randomBytes(32).toString('base64') })

async function open(
  source?: EncryptionKeySource,
  dataDirectory = directory,
  failures: unknown[] = [],
): Promise<Keys> {
  const report = (_what: string, failure: unknown) => failures.push(failure)
  const keys = await openKeys({ store, source, dataDirectory, clock, report })
  opened.push(keys)
  return keys
}

function writeEarlier(name: string, text: string): void {
  mkdirSync(join(directory, 'keys'), { recursive: true, mode: 0o700 })
  writeFileSync(file(name), text, { mode: 0o600 })
}

const newPem = () =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

test('a key file that others can read is refused', async () => {
  await open()
  chmodSync(file('encryption.key'), 0o604)
  await expect(open()).rejects.toThrow(/chmod o-rwx/)
})

test.each([
  ['too short', Buffer.alloc(31).toString('base64')],
  ['too long', Buffer.alloc(33).toString('base64')],
  ['not base64', '!'.repeat(44)],
  ['base64 with something in it that a decoder skips', `${'A'.repeat(20)}-${'A'.repeat(22)}=`],
  ['empty', ''],
])('a key-encryption key that is %s is refused', async (_what, base64) => {
  await expect(open({ base64 })).rejects.toThrow(/32 bytes in base64/)
  expect(store.rows).toEqual([])
})

test('a given key file that is missing is a failure, not a new key', async () => {
  await expect(open({ file: join(directory, 'none') })).rejects.toThrow(/ENOENT/)
})

test('another key-encryption key is refused by name, and changes nothing', async () => {
  await open(newKek())
  const before = store.rows.map((row) => ({ ...row }))
  const id = before.find(({ purpose }) => purpose === 'audit')?.wrappedBy ?? 'none'
  await expect(open(newKek())).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringMatching(
      new RegExp(`wrapped by ${id}.*key-encryption key of the others`),
    ) as string,
  })
  expect(store.rows).toEqual(before)
})

test('a second host without a key-encryption key is told so, and makes none', async () => {
  await open(newKek())
  await expect(open()).rejects.toThrow(/the store holds keys.*the first one had/)
  expect(existsSync(file('encryption.key'))).toBe(false)
})

test.each(['sealing', 'masking', 'bus', 'audit', 'tls'] as const)(
  'a %s key that was changed in the store, or put in another place, is refused',
  async (purpose) => {
    const kek = newKek()
    await open(kek)
    const rows = structuredClone(store.rows)
    const at = rows.findIndex((row) => row.purpose === purpose)
    const row = rows[at]
    if (row === undefined) throw new Error(`no key for ${purpose}`)
    const bits = Uint8Array.from(row.wrapped)
    bits[20] = (bits[20] ?? 0) ^ 1
    for (const changed of [
      { ...row, wrapped: bits },
      { ...row, wrapped: row.wrapped.subarray(0, 10) },
      { ...row, version: 2 },
      { ...row, id: 'ffffffffffffffff' },
    ]) {
      store.rows = rows.with(at, changed)
      await expect(open(kek)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
  },
)

test('a public key in the store is not believed: the log’s keys come from the wrapped ones', async () => {
  const kek = newKek()
  const { auditPublicKeys } = await open(kek)
  store.rows = store.rows.map((row) => ({ ...row, publicPart: row.publicPart && 'another' }))
  store.rows = store.rows.filter(({ purpose }) => purpose !== 'tls')
  expect((await open(kek)).auditPublicKeys).toEqual(auditPublicKeys)
})

test('keys are made once and are the same for every process with the key-encryption key', async () => {
  const kek = newKek()
  const [first, second] = [await open(kek), await open(kek, join(directory, 'other'))]
  expect(second.masking).toEqual(first.masking)
  expect(second.auditPublicKeys).toEqual(first.auditPublicKeys)
  expect(second.authority).toEqual(first.authority)
  expect(second.payloads.current()).toEqual(first.payloads.current())
  const sealed = first.sealer.seal(Buffer.from('x'), 'row')
  expect(Buffer.from(second.sealer.open(sealed, 'row')).toString()).toBe('x')
})

test('a data directory’s own key-encryption key is made once, for its owner only', async () => {
  const first = await open()
  expect((await open()).masking).toEqual(first.masking)
  expect(statSync(file('encryption.key')).mode & 0o777).toBe(0o600)
  expect(statSync(join(directory, 'keys')).mode & 0o777).toBe(0o700)
  expect(existsSync(file('audit.pem'))).toBe(false)
})

test('nothing of a key stands in the store in clear', async () => {
  const keys = await open(newKek())
  const rows = Buffer.concat(store.rows.map(({ wrapped }) => Buffer.from(wrapped)))
  for (const secret of [keys.masking, keys.payloads.current().key]) {
    expect(rows.includes(Buffer.from(secret))).toBe(false)
  }
  expect(rows.includes('PRIVATE KEY')).toBe(false)
})

test('of two first starts at once, both end up with the keys of one', async () => {
  const kek = newKek()
  const [first, second] = await Promise.all([open(kek), open(kek)])
  expect(second.masking).toEqual(first.masking)
  expect(second.auditPublicKeys).toEqual(first.auditPublicKeys)
  expect(store.rows).toHaveLength(5)
})

test('the keys of a data directory that was in use before go on working', async () => {
  const [before, pem] = [randomBytes(32), newPem()]
  writeEarlier('encryption.key', `${before.toString('base64')}\n`)
  writeEarlier('audit.pem', pem)
  const signer = new CheckpointSigner(pem)
  const sealedBy = masterKeyId(before)
  store.earlierKeys = { isUsed: true, sealedBy, signedBy: signer.keyId }
  const sealed = new KeyRing(before).seal(Buffer.from('kept'), 'row')
  const keys = await open()
  expect(Buffer.from(keys.sealer.open(sealed, 'row')).toString()).toBe('kept')
  expect(keys.auditPublicKeys).toEqual([signer.publicKey])
  expect(await keys.payloads.find('main')).toEqual(new Uint8Array(before))
  expect(keys.masking).toEqual(
    new Uint8Array(hkdfSync('sha256', before, '', 'warder-masking-v1', 32)),
  )
})

test('a store that another key sealed is not taken on', async () => {
  store.earlierKeys = { isUsed: true, sealedBy: '0123456789abcdef' }
  await expect(open(newKek())).rejects.toThrow(
    /sealed under key 0123456789abcdef.*start with that key/,
  )
  expect(store.rows).toEqual([])
})

test('a log that another key signed is not taken on', async () => {
  writeEarlier('audit.pem', newPem())
  store.earlierKeys = { isUsed: true, signedBy: '0123456789abcdef' }
  await expect(open()).rejects.toThrow(/signed by key 0123456789abcdef.*start once on the host/)
  expect(store.rows).toEqual([])
})

test('an audit key file with something else in it is refused', async () => {
  writeEarlier('audit.pem', 'not a key')
  await expect(open()).rejects.toThrow(/Ed25519/)
})
