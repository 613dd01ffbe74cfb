// Sealed values open only in their own place, unchanged, with their own key.

import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { KeyRing, masterKeyId } from '../../../store/encryption.js'

const key = randomBytes(32)
const ring = new KeyRing(key)
const plain = Buffer.from('4111 1111 1111 1111')
const sealed = ring.seal(plain, 'secrets/a')
const refusal = expect.objectContaining({ code: 'INTERNAL' }) as Error

test('a value moved to another row does not open', () => {
  expect(() => ring.open(sealed, 'secrets/b')).toThrow(refusal)
})

test('a value with any bit changed does not open', () => {
  for (let at = 0; at < sealed.length; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const changed = Uint8Array.from(sealed)
      changed[at] = (changed[at] ?? 0) ^ (1 << bit)
      expect(() => ring.open(changed, 'secrets/a'), `byte ${String(at)}`).toThrow(refusal)
    }
  }
})

test('a value cut or lengthened anywhere does not open', () => {
  for (let length = 0; length < sealed.length; length += 1) {
    expect(() => ring.open(sealed.slice(0, length), 'secrets/a')).toThrow(refusal)
  }
  expect(() => ring.open(Buffer.concat([sealed, Buffer.from([0])]), 'secrets/a')).toThrow(refusal)
})

test('another key does not open it, and the refusal names the key that is missing', () => {
  const other = new KeyRing(randomBytes(32))
  expect(() => other.open(sealed, 'secrets/a')).toThrow(masterKeyId(key))
})

test.each([0, 16, 31, 33, 64])('a key of %i bytes is refused', (length) => {
  expect(() => new KeyRing(randomBytes(length))).toThrow('encryption key is not valid')
  expect(() => new KeyRing(key, [randomBytes(length)])).toThrow('encryption key is not valid')
})

test('what an old key sealed opens, and is never sealed with it again', () => {
  const rotated = new KeyRing(randomBytes(32), [key])
  expect(Buffer.from(rotated.open(sealed, 'secrets/a'))).toEqual(plain)
  expect(() => ring.open(rotated.seal(plain, 'secrets/a'), 'secrets/a')).toThrow(refusal)
})

test('two processes with the same key read each other, and derive different keys for writing', () => {
  const other = new KeyRing(key)
  const theirs = other.seal(plain, 'secrets/a')
  expect(Buffer.from(ring.open(theirs, 'secrets/a'))).toEqual(plain)
  expect(Buffer.from(theirs).subarray(9, 25)).not.toEqual(Buffer.from(sealed).subarray(9, 25))
})

test('more writing processes than are remembered can still be read', () => {
  const values = Array.from({ length: 300 }, () => new KeyRing(key).seal(plain, 'r'))
  for (const value of [...values, ...values])
    expect(Buffer.from(ring.open(value, 'r'))).toEqual(plain)
})

test('the same value sealed twice is different, and an empty one opens too', () => {
  expect(ring.seal(plain, 'r')).not.toEqual(ring.seal(plain, 'r'))
  expect(ring.open(ring.seal(new Uint8Array(0), 'r'), 'r')).toHaveLength(0)
})
