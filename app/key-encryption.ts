// The key-encryption key by reference: what wraps the keys in the store. Never prints it, and never
// makes one where the store already holds keys: those would be lost.

import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { WarderError } from '../core/errors.js'
import type { KeyWrapper } from '../core/keys.js'
import { openPart } from './data-directory.js'
import { createOnce, errorCode } from './private-file.js'
import type { Vault } from './secrets/vault.js'

/** Length of the keys that encrypt (AES-256-GCM), and of the one that wraps them. */
export const ENCRYPTION_KEY_BYTES = 32

/** No key file is longer; a path that points at something else is noticed before it is read. */
const KEY_FILE_BYTES_MAX = 16_384
const VAULT_KEY = /^[A-Za-z0-9_-]{1,128}$/
const VERSION = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Where the key-encryption key comes from when it is not the data directory's own. */
export type EncryptionKeySource =
  | { readonly file: string }
  | { readonly base64: string }
  /** Name of a key of Vault's transit engine. */
  | { readonly vaultTransit: string }

/** The key-encryption key of this process. */
export interface KeyEncryption {
  readonly wrapper: KeyWrapper
  /** The key itself where it is at hand: stores from before they held keys were sealed with it. */
  readonly earlier?: Uint8Array | undefined
}

/**
 * Opens the key-encryption key. The data directory's own is made when there is none and `mayMake`
 * says that nothing was ever wrapped.
 *
 * @throws WarderError `INVALID_ARGUMENT` when a key file can be read by others, holds no key, or is
 * missing where keys are already wrapped.
 */
export function openKeyEncryption(
  source: EncryptionKeySource | undefined,
  dataDirectory: string,
  mayMake: boolean,
  vault?: Pick<Vault, 'wrapper'>,
): KeyEncryption {
  if (source !== undefined && 'vaultTransit' in source) {
    if (!VAULT_KEY.test(source.vaultTransit)) {
      throw unusable('WARDER_ENCRYPTION_KEY', 'the name of the transit key has odd characters')
    }
    if (vault === undefined) throw unusable('WARDER_ENCRYPTION_KEY', 'it needs VAULT_ADDR')
    return { wrapper: vault.wrapper(source.vaultTransit) }
  }
  const key = source === undefined ? ownKey(dataDirectory, mayMake) : givenKey(source)
  return { wrapper: localWrapper(key), earlier: key }
}

/** Wraps with a key of this process: AES-256-GCM under a key derived from it (HKDF, RFC 5869). */
export function localWrapper(key: Uint8Array): KeyWrapper {
  // Stores from before they held keys were sealed with this very key: wrapping has one of its own.
  const wrapping = new Uint8Array(
    hkdfSync('sha256', key, '', 'warder-key-wrapping-v1', ENCRYPTION_KEY_BYTES),
  )
  const digest = createHash('sha256').update('warder-kek-id-v1').update(key).digest('hex')
  return {
    id: `local/${digest.slice(0, 16)}`,
    wrap: (plain, context) => Promise.resolve(wrapLocally(wrapping, plain, context)),
    unwrap: async (wrapped, context) => {
      await Promise.resolve()
      return unwrapLocally(wrapping, wrapped, context)
    },
  }
}

/** Layout: version (1) · nonce (12) · ciphertext · tag (16). Few keys are ever wrapped: nonces are random. */
function wrapLocally(wrapping: Uint8Array, plain: Uint8Array, context: string): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', wrapping, nonce)
  cipher.setAAD(Buffer.from(context, 'utf8'))
  const body = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([Buffer.from([VERSION]), nonce, body, cipher.getAuthTag()])
}

function unwrapLocally(wrapping: Uint8Array, wrapped: Uint8Array, context: string): Uint8Array {
  const bytes = Buffer.from(wrapped)
  if (bytes.length < 1 + NONCE_BYTES + TAG_BYTES || bytes[0] !== VERSION) throw changed()
  const nonce = bytes.subarray(1, 1 + NONCE_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', wrapping, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(context, 'utf8'))
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  const plain = decipher.update(bytes.subarray(1 + NONCE_BYTES, -TAG_BYTES))
  try {
    decipher.final()
  } catch {
    throw changed()
  }
  return new Uint8Array(plain)
}

const changed = (): WarderError =>
  new WarderError('INVALID_ARGUMENT', {
    what: 'A key in the store',
    why: 'it was changed, or belongs to another place; restore the table `keys` from a backup',
  })

function ownKey(dataDirectory: string, mayMake: boolean): Uint8Array {
  const file = join(openPart(dataDirectory, 'keys'), 'encryption.key')
  try {
    return keyFrom(readKeyFile(file), file)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
  if (!mayMake) {
    const why =
      `the store holds keys, and what wraps them is neither given nor in ${file}; ` +
      'give every process the key-encryption key that the first one had'
    throw unusable('WARDER_ENCRYPTION_KEY', why)
  }
  // Of two first starts at the same moment, both end up with the key of the quicker one.
  createOnce(file, `${randomBytes(ENCRYPTION_KEY_BYTES).toString('base64')}\n`)
  return keyFrom(readKeyFile(file), file)
}

function givenKey(
  source: Exclude<EncryptionKeySource, { readonly vaultTransit: string }>,
): Uint8Array {
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

/**
 * The text of a file that only this process's user may read.
 *
 * @throws WarderError `INVALID_ARGUMENT` when others can reach it, or it is too long for a key.
 */
export function readKeyFile(file: string): string {
  const { mode, size } = statSync(file)
  if ((mode & 0o007) !== 0) {
    throw unusable(file, `others on this machine can reach it; run \`chmod o-rwx ${file}\``)
  }
  if (size > KEY_FILE_BYTES_MAX) throw unusable(file, 'it is too long for a key')
  return readFileSync(file, 'utf8')
}

const unusable = (what: string, why: string): WarderError =>
  new WarderError('INVALID_ARGUMENT', { what, why })
