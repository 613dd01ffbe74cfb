import type { Payload } from '@temporalio/common'
import { expect, test } from 'vitest'
import { createPayloadCodec, fixedPayloadKeys } from '../../../app/payload-codec.js'

const keyOf = (id: string, fill: number) => ({ id, key: new Uint8Array(32).fill(fill) })
const codec = createPayloadCodec(fixedPayloadKeys([keyOf('k1', 1)]))
const bytes = (text: string) => new TextEncoder().encode(text)
const payload: Payload = {
  metadata: { encoding: bytes('json/plain'), messageType: bytes('x') },
  data: bytes('{"secret":1}'),
}

const seal = async (): Promise<{ metadata: Record<string, Uint8Array>; data: Uint8Array }> => {
  const [sealed] = await codec.encode([payload])
  if (sealed?.metadata == null || sealed.data == null) throw new Error('nothing came back')
  return { metadata: sealed.metadata, data: sealed.data }
}

test('what was encrypted comes back as it was, metadata included', async () => {
  const [back] = await codec.decode([await seal()])
  expect(Buffer.from(back?.data ?? []).toString()).toBe('{"secret":1}')
  expect(Object.keys(back?.metadata ?? {})).toEqual(['encoding', 'messageType'])
})

test('nothing of the payload can be read in its encrypted form, and no two are alike', async () => {
  const [one, two] = [await seal(), await seal()]
  expect(Buffer.from(one.data).includes('secret')).toBe(false)
  expect(Buffer.from(one.data).equals(Buffer.from(two.data))).toBe(false)
})

test('an empty payload survives', async () => {
  const [sealed] = await codec.encode([{}])
  const [back] = await codec.decode(sealed === undefined ? [] : [sealed])
  expect(back).toEqual({ metadata: {}, data: new Uint8Array() })
})

test('a payload that is not encrypted is refused', async () => {
  await expect(async () => codec.decode([payload])).rejects.toThrow('not encrypted')
  await expect(async () => codec.decode([{}])).rejects.toThrow('not encrypted')
})

test('every flipped bit and every cut is noticed', async () => {
  const { metadata, data } = await seal()
  for (let at = 0; at < data.length; at += 1) {
    const changed = Uint8Array.from(data)
    changed[at] = (changed[at] ?? 0) ^ 1
    await expect(async () => codec.decode([{ metadata, data: changed }])).rejects.toThrow()
    const cut = data.subarray(0, at)
    await expect(async () => codec.decode([{ metadata, data: cut }])).rejects.toThrow()
  }
})

test('after a rotation old payloads are still read, and by nobody without the old key', async () => {
  const old = await seal()
  const rotated = createPayloadCodec(fixedPayloadKeys([keyOf('k2', 2), keyOf('k1', 1)]))
  const [back] = await rotated.decode([old])
  expect(Buffer.from(back?.data ?? []).toString()).toBe('{"secret":1}')
  const without = createPayloadCodec(fixedPayloadKeys([keyOf('k2', 2)]))
  await expect(async () => without.decode([old])).rejects.toThrow('key k1 is not known')
})

test('a payload can’t be passed off as made with another key', async () => {
  const { metadata, data } = await seal()
  const both = createPayloadCodec(fixedPayloadKeys([keyOf('k2', 1), keyOf('k1', 1)]))
  const renamed = { ...metadata, 'encryption-key-id': bytes('k2') }
  await expect(async () => both.decode([{ metadata: renamed, data }])).rejects.toThrow('changed')
})

test('a key of the wrong length is a bug', () => {
  expect(() =>
    createPayloadCodec(fixedPayloadKeys([{ id: 'short', key: new Uint8Array(16) }])),
  ).toThrow('256 bits')
})
