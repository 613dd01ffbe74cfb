import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sign, verify } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadKeys } from '../../../app/keys.js'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'warder-keys-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})
const file = (name: string) => join(directory, 'keys', name)

test('a key file that others can read is refused', () => {
  loadKeys(directory)
  chmodSync(file('encryption.key'), 0o604)
  expect(() => loadKeys(directory)).toThrow(/chmod o-rwx/)
})

test.each([
  ['too short', Buffer.alloc(31).toString('base64')],
  ['too long', Buffer.alloc(33).toString('base64')],
  ['not base64', '!'.repeat(44)],
  ['base64 with something in it that a decoder skips', `${'A'.repeat(20)}-${'A'.repeat(22)}=`],
  ['empty', ''],
])('an encryption key that is %s is refused', (_what, base64) => {
  expect(() => loadKeys(directory, { base64 })).toThrow(/32 bytes in base64/)
})

test('a key file with something else in it is refused, and left as it is', () => {
  loadKeys(directory)
  writeFileSync(file('audit.pem'), 'not a key')
  expect(() => loadKeys(directory)).toThrow(/Ed25519/)
  expect(readFileSync(file('audit.pem'), 'utf8')).toBe('not a key')
})

test('a given key file that is missing is a failure, not a new key', () => {
  expect(() => loadKeys(directory, { file: join(directory, 'none') })).toThrow(/ENOENT/)
})

test('keys are made once, for their owner only, and read back the same', () => {
  const first = loadKeys(directory)
  const second = loadKeys(directory)
  expect(second.encryption).toEqual(first.encryption)
  expect(second.audit.publicKeyPem).toBe(first.audit.publicKeyPem)
  expect(first.encryption).toHaveLength(32)
  for (const name of ['encryption.key', 'audit.pem']) {
    expect(statSync(file(name)).mode & 0o777).toBe(0o600)
  }
  expect(statSync(join(directory, 'keys')).mode & 0o777).toBe(0o700)
})

test('what the audit key signs, its public half verifies', () => {
  const { privateKey, publicKey } = loadKeys(directory).audit
  const checkpoint = Buffer.from('checkpoint')
  expect(verify(null, checkpoint, publicKey, sign(null, checkpoint, privateKey))).toBe(true)
})

test('two data directories have different keys', () => {
  const other = mkdtempSync(join(tmpdir(), 'warder-keys-'))
  try {
    expect(loadKeys(other).encryption).not.toEqual(loadKeys(directory).encryption)
  } finally {
    rmSync(other, { recursive: true })
  }
})
