// Encryption at rest: AES-256-GCM under a key that every process run derives anew from the master
// key, bound to the row it belongs to. Never reads keys from anywhere and never logs a value.

import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import { assert, WarderError } from '../core/errors.js'
import type { Sealer } from '../core/record.js'

const VERSION = 1
const MASTER_KEY_BYTES = 32
const KEY_ID_BYTES = 8
const SALT_BYTES = 16
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = 1 + KEY_ID_BYTES + SALT_BYTES + NONCE_BYTES
/** Random nonces are safe for 2^32 messages under one key (NIST SP 800-38D §8.3); far below that. */
const SEALS_PER_KEY_MAX = 2 ** 30
const NONCES_DRAWN = 256
/** Derived keys remembered for opening: one per process run that wrote what is being read. */
const DERIVED_KEYS_MAX = 256

/** The name of a master key: the first bytes of a hash of it, in hex. */
export const masterKeyId = (key: Uint8Array): string =>
  createHash('sha256')
    .update('warder-key-id-v1')
    .update(key)
    .digest('hex')
    .slice(0, KEY_ID_BYTES * 2)

/** Id of the master key that something was sealed under; undefined when it is not in a known form. */
export function sealedKeyId(sealed: Uint8Array): string | undefined {
  if (sealed.length < HEADER_BYTES + TAG_BYTES || sealed[0] !== VERSION) return undefined
  return Buffer.from(sealed.subarray(1, 1 + KEY_ID_BYTES)).toString('hex')
}

/**
 * Seals and opens values under the current master key, and opens what older ones sealed.
 *
 * Layout: version (1) · key id (8) · salt (16) · nonce (12) · ciphertext · tag (16).
 */
export class KeyRing implements Sealer {
  readonly #masters = new Map<string, Uint8Array>()
  readonly #derived = new Map<string, Uint8Array>()
  #current: { readonly id: string; readonly key: Uint8Array }
  #nonces: Buffer = Buffer.alloc(0)
  #own: { readonly prefix: Buffer; readonly key: Uint8Array; sealsLeft: number }

  /** Keys are 32 random bytes each; dropping an old one makes what it sealed unreadable for good. */
  constructor(current: Uint8Array, old: readonly Uint8Array[] = []) {
    for (const key of old) this.hold(key)
    this.#current = { id: this.hold(current), key: Uint8Array.from(current) }
    this.#own = this.#freshKey()
  }

  /** Opens what this key sealed, from now on; returns the key's id. */
  hold(key: Uint8Array): string {
    if (key.length !== MASTER_KEY_BYTES) {
      throw new WarderError('INVALID_ARGUMENT', {
        what: 'An encryption key',
        why: `it has ${String(key.length)} bytes instead of ${String(MASTER_KEY_BYTES)}`,
      })
    }
    const id = masterKeyId(key)
    if (!this.#masters.has(id)) this.#masters.set(id, Uint8Array.from(key))
    return id
  }

  /** Seals with this key from now on. */
  sealWith(key: Uint8Array): void {
    const id = this.hold(key)
    if (id === this.#current.id) return
    this.#current = { id, key: Uint8Array.from(key) }
    this.#own = this.#freshKey()
  }

  /** Encrypts `plain` for the place `row`. */
  seal(plain: Uint8Array, row: string): Uint8Array {
    if (this.#own.sealsLeft === 0) this.#own = this.#freshKey()
    this.#own.sealsLeft -= 1
    const nonce = this.#nextNonce()
    const cipher = createCipheriv('aes-256-gcm', this.#own.key, nonce)
    cipher.setAAD(associatedData(this.#own.prefix, row))
    const body = cipher.update(plain)
    // GCM is a stream: final() never yields bytes, it only computes the tag.
    cipher.final()
    return Buffer.concat([this.#own.prefix, nonce, body, cipher.getAuthTag()])
  }

  /** Decrypts what was sealed for the place `row`. */
  open(sealed: Uint8Array, row: string): Uint8Array {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
    if (bytes.length < HEADER_BYTES + TAG_BYTES || bytes[0] !== VERSION) {
      throw unreadable('it is not in a known form')
    }
    const keyId = bytes.toString('hex', 1, 1 + KEY_ID_BYTES)
    const master = this.#masters.get(keyId)
    if (master === undefined) throw unreadable(`key ${keyId} is not on the key ring`)
    const prefix = bytes.subarray(0, 1 + KEY_ID_BYTES + SALT_BYTES)
    const nonce = bytes.subarray(prefix.length, HEADER_BYTES)
    const key = this.#derivedKey(master, prefix)
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    decipher.setAAD(associatedData(prefix, row))
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    const plain = decipher.update(bytes.subarray(HEADER_BYTES, -TAG_BYTES))
    try {
      decipher.final()
    } catch {
      throw unreadable('it was altered or belongs to another row')
    }
    return plain
  }

  /** Random bytes are drawn for many nonces at once: a draw costs more than the encryption of a line. */
  #nextNonce(): Buffer {
    if (this.#nonces.length < NONCE_BYTES) this.#nonces = randomBytes(NONCE_BYTES * NONCES_DRAWN)
    const nonce = this.#nonces.subarray(0, NONCE_BYTES)
    this.#nonces = this.#nonces.subarray(NONCE_BYTES)
    return nonce
  }

  #freshKey(): { prefix: Buffer; key: Uint8Array; sealsLeft: number } {
    const prefix = Buffer.concat([
      Buffer.from([VERSION]),
      Buffer.from(this.#current.id, 'hex'),
      randomBytes(SALT_BYTES),
    ])
    assert(prefix.length === 1 + KEY_ID_BYTES + SALT_BYTES, 'a seal has a header of fixed length')
    return { prefix, key: derive(this.#current.key, prefix), sealsLeft: SEALS_PER_KEY_MAX }
  }

  #derivedKey(master: Uint8Array, prefix: Buffer): Uint8Array {
    const name = prefix.toString('latin1')
    const known = this.#derived.get(name)
    if (known !== undefined) return known
    const key = derive(master, prefix)
    // The salt comes from storage, so what is remembered has a bound; the oldest goes first.
    if (this.#derived.size >= DERIVED_KEYS_MAX) {
      const [oldest] = this.#derived.keys()
      if (oldest !== undefined) this.#derived.delete(oldest)
    }
    this.#derived.set(name, key)
    return key
  }
}

/** RFC 5869, with the whole prefix (version, key id, salt) as salt. */
const derive = (master: Uint8Array, prefix: Buffer): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', master, prefix, 'warder-at-rest-v1', MASTER_KEY_BYTES))

const associatedData = (prefix: Buffer, row: string): Buffer =>
  Buffer.concat([prefix, Buffer.from(row, 'utf8')])

const unreadable = (why: string): WarderError =>
  new WarderError('INTERNAL', { why: `a stored value can't be opened: ${why}` })
