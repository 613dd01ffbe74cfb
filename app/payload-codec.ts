// Encrypts everything that Warder puts into Temporal's histories. The same converter serves the
// client, the worker and replay. Never takes a payload that is not encrypted with a known key.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { DataConverter, Payload, PayloadCodec } from '@temporalio/common'
import { WarderError, assert } from '../core/errors.js'
import { ENCRYPTION_KEY_BYTES } from './key-encryption.js'

/** A key with the id that encrypted payloads name it by. */
export interface PayloadKey {
  readonly id: string
  readonly key: Uint8Array
}

/** The keys that payloads are encrypted with; they may change while the process runs. */
export interface PayloadKeys {
  /** Encrypts from now on. */
  current(): PayloadKey
  /** The key of this id, looked for anew when it is not known yet. */
  find(id: string): Promise<Uint8Array | undefined>
}

/** Keys that stay as they are: the first encrypts, the others only decrypt. */
export function fixedPayloadKeys(keys: readonly [PayloadKey, ...PayloadKey[]]): PayloadKeys {
  const known = new Map(keys.map(({ id, key }) => [id, key]))
  for (const { key } of keys) {
    assert(key.length === ENCRYPTION_KEY_BYTES, 'payload keys are 256 bits long')
  }
  return { current: () => keys[0], find: (id) => Promise.resolve(known.get(id)) }
}

const encoding = 'binary/encrypted'
const nonceBytes = 12
const tagBytes = 16
const lengthBytes = 4

const utf8 = new TextEncoder()
const text = new TextDecoder('utf-8', { fatal: true })

/**
 * AES-256-GCM over whole payloads, metadata included (NIST SP 800-38D, random 96-bit nonces).
 *
 * @throws WarderError `INTERNAL` from `decode` when a payload is not encrypted, was made with an
 * unknown key, or was tampered with.
 */
export function createPayloadCodec(keys: PayloadKeys): PayloadCodec {
  return {
    encode: (payloads) => Promise.resolve(payloads.map((payload) => seal(keys.current(), payload))),
    decode: (payloads) => Promise.all(payloads.map((payload) => unseal(keys, payload))),
  }
}

/**
 * The converter for client, worker and replay: payloads and failures encrypted. The path of the
 * failure converter is given only where this module does not run from the build.
 */
export function createDataConverter(
  keys: PayloadKeys,
  failureConverterPath = fileURLToPath(
    new URL('../workflows/failure-converter.js', import.meta.url),
  ),
): DataConverter {
  return { payloadCodecs: [createPayloadCodec(keys)], failureConverterPath }
}

/** Layout of the data: nonce (12) · ciphertext · tag (16); the key id is authenticated with it. */
function seal({ id, key }: PayloadKey, payload: Payload): Payload {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(utf8.encode(`${encoding} ${id}`))
  const sealed = cipher.update(plainOf(payload))
  return {
    metadata: { encoding: utf8.encode(encoding), 'encryption-key-id': utf8.encode(id) },
    data: Buffer.concat([nonce, sealed, cipher.final(), cipher.getAuthTag()]),
  }
}

async function unseal(keys: PayloadKeys, { metadata, data }: Payload): Promise<Payload> {
  const named = text.decode(metadata?.['encoding'] ?? new Uint8Array())
  if (named !== encoding) throw unreadable('it is not encrypted')
  const id = text.decode(metadata?.['encryption-key-id'] ?? new Uint8Array())
  const key = await keys.find(id)
  if (key === undefined) throw unreadable(`its key ${id} is not known here`)
  if (data == null || data.length < nonceBytes + tagBytes) throw unreadable('it is cut short')
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, nonceBytes))
    decipher.setAAD(utf8.encode(`${encoding} ${id}`))
    decipher.setAuthTag(data.subarray(data.length - tagBytes))
    const sealed = data.subarray(nonceBytes, data.length - tagBytes)
    return payloadOf(Buffer.concat([decipher.update(sealed), decipher.final()]))
  } catch (cause) {
    throw unreadable('it was changed', cause)
  }
}

/** Layout of what is encrypted: length of the metadata (4, big-endian) · metadata · data. */
function plainOf({ metadata, data }: Payload): Uint8Array {
  const entries = Object.entries(metadata ?? {}).map(
    ([name, value]) => [name, Buffer.from(value).toString('base64')] as const,
  )
  const head = utf8.encode(JSON.stringify(entries))
  const length = Buffer.alloc(lengthBytes)
  length.writeUInt32BE(head.length)
  return Buffer.concat([length, head, data ?? new Uint8Array()])
}

function payloadOf(plain: Buffer): Payload {
  const at = lengthBytes + plain.readUInt32BE(0)
  const entries = JSON.parse(text.decode(plain.subarray(lengthBytes, at))) as [string, string][]
  const metadata = Object.fromEntries(
    entries.map(([name, value]) => [name, new Uint8Array(Buffer.from(value, 'base64'))]),
  )
  return { metadata, data: new Uint8Array(plain.subarray(at)) }
}

const unreadable = (why: string, cause?: unknown): WarderError =>
  new WarderError('INTERNAL', { why: `a payload of Temporal can't be read: ${why}` }, { cause })
