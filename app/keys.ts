// The keys that a Warder keeps for itself: made at its first start, read back at every later one.
// Never prints a key, and never replaces one: whatever was sealed with it would be lost.

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
} from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { WarderError } from '../core/errors.js'
import { openPart } from './data-directory.js'
import { createOnce, errorCode } from './private-file.js'

/** Length of the key that seals payloads and stored credentials (AES-256-GCM). */
export const ENCRYPTION_KEY_BYTES = 32

/** No key file is longer; a path that points at something else is noticed before it is read. */
const KEY_FILE_BYTES_MAX = 16_384

/** Where the encryption key comes from when it is not the data directory's own. */
export type EncryptionKeySource = { readonly file: string } | { readonly base64: string }

/** The key pair that signs the audit log's checkpoints (Ed25519, RFC 8032). */
export interface AuditKey {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** SPKI PEM: what whoever verifies the log needs. */
  readonly publicKeyPem: string
}

/** Everything secret that one process needs from its start to its end. */
export interface Keys {
  readonly encryption: Uint8Array
  /** Keys the digests of masks that say `hash`; the same on all gateways of one encryption key. */
  readonly masking: Uint8Array
  readonly audit: AuditKey
  /** Proves hints between processes, and names their channel; the same on all of one encryption key. */
  readonly bus: Uint8Array
}

/**
 * Reads the keys, making those that are not there yet under `DATA/keys` with mode 0600.
 *
 * @throws WarderError `INVALID_ARGUMENT` when a key file can be read by others, or holds no key.
 */
export function loadKeys(dataDirectory: string, encryption?: EncryptionKeySource): Keys {
  const directory = openPart(dataDirectory, 'keys')
  const main = encryption ? givenKey(encryption) : ownEncryptionKey(directory)
  return {
    encryption: main,
    masking: maskingKey(main),
    audit: auditKey(directory),
    bus: busKey(main),
  }
}

/** HKDF (RFC 5869): who learns it can test guesses against digests, and open nothing. */
const maskingKey = (encryption: Uint8Array): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', encryption, '', 'warder-masking-v1', 32))

/** HKDF (RFC 5869): who learns it can cancel commands that run, and nothing else. */
const busKey = (encryption: Uint8Array): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', encryption, '', 'warder-bus-v1', 32))

function ownEncryptionKey(directory: string): Uint8Array {
  const file = join(directory, 'encryption.key')
  const text = readOrMake(file, () => `${randomBytes(ENCRYPTION_KEY_BYTES).toString('base64')}\n`)
  return keyFrom(text, file)
}

function givenKey(source: EncryptionKeySource): Uint8Array {
  if ('base64' in source) return keyFrom(source.base64, 'WARDER_ENCRYPTION_KEY')
  return keyFrom(readKeyFile(source.file), source.file)
}

function keyFrom(text: string, what: string): Uint8Array {
  const trimmed = text.trim()
  const key = Buffer.from(trimmed, 'base64')
  // Node's decoder skips what is not base64; only a key that encodes to the same text is one.
  if (key.length !== ENCRYPTION_KEY_BYTES || key.toString('base64') !== trimmed) {
    throw unusable(what, `it must hold ${ENCRYPTION_KEY_BYTES} bytes in base64`)
  }
  return key
}

function auditKey(directory: string): AuditKey {
  const file = join(directory, 'audit.pem')
  const pem = readOrMake(file, () =>
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  )
  let privateKey: KeyObject
  try {
    privateKey = createPrivateKey(pem)
  } catch {
    throw unusable(file, 'it must hold an Ed25519 private key as PKCS#8 PEM')
  }
  if (privateKey.asymmetricKeyType !== 'ed25519') throw unusable(file, 'the key must be Ed25519')
  const publicKey = createPublicKey(privateKey)
  const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  return { privateKey, publicKey, publicKeyPem }
}

function readOrMake(file: string, make: () => string): string {
  try {
    return readKeyFile(file)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
  // Of two first starts at the same moment, both end up with the key of the quicker one.
  createOnce(file, make())
  return readKeyFile(file)
}

function readKeyFile(file: string): string {
  const { mode, size } = statSync(file)
  if ((mode & 0o007) !== 0) {
    throw unusable(file, `others on this machine can reach it; run \`chmod o-rwx ${file}\``)
  }
  if (size > KEY_FILE_BYTES_MAX) throw unusable(file, 'it is too long for a key')
  return readFileSync(file, 'utf8')
}

const unusable = (what: string, why: string): WarderError =>
  new WarderError('INVALID_ARGUMENT', { what, why })
