// A chunk as it is stored: compressed, then encrypted under its session's own key and bound to its
// session and number. Never keeps a key.

import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { deflateRaw, inflateRaw } from 'node:zlib'
import { WarderError } from '../../core/errors.js'

/** A session's key: AES-256. */
export const RECORDING_KEY_BYTES = 32
/** One event may be as long as the longest statement; nothing that is read back may be longer. */
export const RAW_BYTES_MAX = 32 * 1024 * 1024
/** Deflate makes nothing longer by more than 5 bytes in 16 KiB. */
export const CHUNK_BYTES_MAX = RAW_BYTES_MAX + 1024 * 1024

const MAGIC = Buffer.from('WREC', 'latin1')
const VERSION = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = MAGIC.length + 1 + 4 + 4 + NONCE_BYTES
/** Encrypted and hashed in one turn of the event loop, which takes about 0.3 ms. */
const TURN_BYTES = 256 * 1024
/** The rest gains little and costs twice the time: texts that repeat are gone already. */
const LEVEL = 1

const deflate = promisify(deflateRaw)
const inflate = promisify(inflateRaw)

/** Where a chunk belongs. */
export interface ChunkPlace {
  readonly sessionId: string
  readonly chunk: number
}

/** A chunk, ready to be stored. */
export interface SealedChunk {
  readonly bytes: Uint8Array
  /** Hex SHA-256 of the bytes. */
  readonly sha256: string
}

/** The name of a chunk in a store; names sort in the order of numbers. */
export const chunkName = ({ sessionId, chunk }: ChunkPlace): string =>
  `${sessionId}/${String(chunk).padStart(8, '0')}`

/** The number in a name that `chunkName` made for the session, or undefined. */
export function chunkNumber(sessionId: string, name: string): number | undefined {
  const digits = name.startsWith(`${sessionId}/`) ? name.slice(sessionId.length + 1) : ''
  return /^\d{8}$/.test(digits) ? Number(digits) : undefined
}

/**
 * Compresses and encrypts.
 *
 * Layout: `WREC` · version (1) · number (4) · raw length (4) · nonce (12) · ciphertext · tag (16),
 * numbers big-endian. AES-256-GCM over raw DEFLATE (RFC 1951); authenticated with it are the session
 * and everything before the ciphertext. The key has one writer and at most 2^32 chunks.
 */
export async function sealChunk(
  key: Uint8Array,
  place: ChunkPlace,
  raw: Uint8Array,
): Promise<SealedChunk> {
  const packed = await deflate(raw, { level: LEVEL })
  const header = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(header)
  header[MAGIC.length] = VERSION
  header.writeUInt32BE(place.chunk, MAGIC.length + 1)
  header.writeUInt32BE(raw.length, MAGIC.length + 5)
  header.set(randomBytes(NONCE_BYTES), HEADER_BYTES - NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, header.subarray(-NONCE_BYTES))
  cipher.setAAD(associatedData(place, header))
  const digest = createHash('sha256').update(header)
  const parts: Uint8Array[] = [header]
  for (let at = 0; at < packed.length; at += TURN_BYTES) {
    if (at > 0) await nextTurn()
    const part = cipher.update(packed.subarray(at, at + TURN_BYTES))
    digest.update(part)
    parts.push(part)
  }
  cipher.final()
  const tag = cipher.getAuthTag()
  return { bytes: Buffer.concat([...parts, tag]), sha256: digest.update(tag).digest('hex') }
}

/**
 * Decrypts and decompresses.
 *
 * @throws WarderError `INTERNAL` when it is no chunk, is of another version or place, or was altered.
 */
export async function openChunk(
  key: Uint8Array,
  place: ChunkPlace,
  stored: Uint8Array,
): Promise<Buffer> {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength)
  const header = bytes.subarray(0, HEADER_BYTES)
  if (bytes.length < HEADER_BYTES + TAG_BYTES || !header.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw unreadable('it is no chunk of a recording')
  }
  if (header[MAGIC.length] !== VERSION)
    throw unreadable('it is of a version that is not known here')
  if (header.readUInt32BE(MAGIC.length + 1) !== place.chunk) {
    throw unreadable('it is another chunk of a recording')
  }
  const rawBytes = header.readUInt32BE(MAGIC.length + 5)
  if (rawBytes > RAW_BYTES_MAX) throw unreadable('it is too long')
  const decipher = createDecipheriv('aes-256-gcm', key, header.subarray(-NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(associatedData(place, header))
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  const packed = decipher.update(bytes.subarray(HEADER_BYTES, -TAG_BYTES))
  try {
    decipher.final()
    // One byte more than promised would already be a failure; no length of 0 is accepted there.
    return await inflate(packed, { maxOutputLength: Math.max(1, rawBytes) })
  } catch {
    throw unreadable('it was altered, or belongs to another session')
  }
}

const associatedData = ({ sessionId }: ChunkPlace, header: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`warder-recording-v1\n${sessionId}\n`, 'utf8'), header])

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const unreadable = (why: string): WarderError =>
  new WarderError('INTERNAL', { why: `a chunk can't be opened: ${why}` })
