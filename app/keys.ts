// The keys that a Warder keeps for itself: in the store, wrapped, so that every process finds the
// same ones. Never prints a key, and never replaces one: whatever was made with it would be lost.

import { timingSafeEqual } from 'node:crypto'
import { CheckpointSigner } from '../audit/checkpoint.js'
import { assert, WarderError } from '../core/errors.js'
import { KEY_PURPOSES, type KeyStore, type KeyWrapper, type StoredKey } from '../core/keys.js'
import type { Clock } from '../core/ports.js'
import { KeyRing, masterKeyId } from '../store/encryption.js'
import { contextOf, firstKey } from './first-keys.js'
import { openKeyEncryption, type EncryptionKeySource } from './key-encryption.js'
import type { PayloadKeys } from './payload-codec.js'
import type { Vault } from './secrets/vault.js'
import type { Authority } from './tls.js'

/** A rotated key is looked for this often. */
const POLL_MS = 10_000
/** Something made with a key that is not known yet has the keys read again, but not more often. */
const REFRESH_APART_MS = 1_000
/** What payloads named the first key before the store held keys. */
const FIRST_PAYLOAD_KEY = 'main'

/** What keys are opened with. */
export interface KeyParts {
  readonly store: KeyStore
  /** The data directory's own when undefined. */
  readonly source: EncryptionKeySource | undefined
  readonly dataDirectory: string
  /** Needed where Vault wraps the keys. */
  readonly vault?: Pick<Vault, 'wrapper'> | undefined
  readonly clock: Clock
  /** Hears of keys that can't be read while the process runs. */
  readonly report: (what: string, failure: unknown) => void
}

/**
 * Opens the keys of the deployment, making those that are not there yet. Two processes that start at
 * the same moment end up with the same keys.
 *
 * @throws WarderError `INVALID_ARGUMENT` when the key-encryption key is not the one that wrapped
 * them, `CONTROL_PLANE_UNAVAILABLE` when the store can't be read.
 */
export async function openKeys(parts: KeyParts): Promise<Keys> {
  const { store, source, dataDirectory } = parts
  let stored = await store.list()
  const keyEncryption = openKeyEncryption(source, dataDirectory, stored.length === 0, parts.vault)
  const { wrapper } = keyEncryption
  for (const key of stored) requireWrapper(key, wrapper)
  const missing = KEY_PURPOSES.filter((purpose) => stored.every((key) => key.purpose !== purpose))
  if (missing.length > 0) {
    const earlier = await store.earlier()
    const first = []
    for (const purpose of missing) {
      const { secret, ...key } = await firstKey(purpose, { ...parts, keyEncryption, earlier })
      const place = { ...key, version: 1 }
      const wrapped = await wrapper.wrap(secret, contextOf(place))
      first.push({
        ...place,
        wrapped,
        wrappedBy: wrapper.id,
        madeAt: Math.floor(parts.clock.now()),
      })
    }
    // Whoever was quicker: what stands in the store holds for all.
    await store.add(first, 0)
    stored = await store.list()
  }
  return Keys.open(parts, wrapper, stored)
}

interface OpenedKey {
  readonly stored: StoredKey
  readonly secret: Uint8Array
}

/** Everything secret that a process needs from its start to its end; it follows rotations. */
export class Keys {
  /** Seals at rest, and opens what any key of the deployment sealed. */
  readonly sealer: KeyRing
  /** Encrypts payloads of workflows. */
  readonly payloads: PayloadKeys
  /** Keys the digests of masks that say `hash`; never rotated, so that equal values stay equal. */
  readonly masking: Uint8Array
  /** Proves hints between processes, and names their channel. */
  readonly bus: Uint8Array
  readonly #parts: KeyParts
  readonly #wrapper: KeyWrapper
  readonly #opened = new Map<string, OpenedKey>()
  readonly #timer: NodeJS.Timeout
  #refreshing: Promise<void> | undefined
  #refreshedMs: number

  private constructor(parts: KeyParts, wrapper: KeyWrapper, opened: readonly OpenedKey[]) {
    this.#parts = parts
    this.#wrapper = wrapper
    for (const key of opened) this.#opened.set(contextOf(key.stored), key)
    const sealing = this.#versions('sealing').map(({ secret }) => secret)
    this.sealer = new KeyRing(this.#current('sealing').secret, sealing)
    this.masking = this.#current('masking').secret
    this.bus = this.#current('bus').secret
    this.payloads = {
      current: () => {
        const { stored, secret } = this.#current('sealing')
        return { id: stored.id, key: secret }
      },
      find: (id) => this.#findPayloadKey(id),
    }
    this.#refreshedMs = parts.clock.monotonicMs()
    this.#timer = setInterval(() => {
      this.refresh().catch((failure: unknown) => parts.report('keys', failure))
    }, POLL_MS).unref()
  }

  /** Unwraps what the store holds. @throws WarderError `INVALID_ARGUMENT` */
  static async open(
    parts: KeyParts,
    wrapper: KeyWrapper,
    stored: readonly StoredKey[],
  ): Promise<Keys> {
    const opened = []
    for (const key of stored) opened.push(await unwrap(key, wrapper))
    return new Keys(parts, wrapper, opened)
  }

  /** Signs checkpoints with the key in force. */
  readonly auditSigner: Pick<CheckpointSigner, 'sign'> = {
    sign: (statement) => this.#signer().sign(statement),
  }

  /** SPKI PEM of every key that ever signed, oldest first: what whoever verifies the log needs. */
  get auditPublicKeys(): readonly string[] {
    return this.#versions('audit').map(({ secret }) => signerOf(secret).publicKey)
  }

  /** Signs the certificates that Warder makes for itself. */
  get authority(): Authority {
    const { stored, secret } = this.#current('tls')
    return { certificate: stored.publicPart ?? '', key: Buffer.from(secret).toString('utf8') }
  }

  /** Reads the keys again. What can't be unwrapped is a failure; the keys at hand stay. */
  async refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  /** Stops following rotations. */
  close(): void {
    clearInterval(this.#timer)
  }

  async #refresh(): Promise<void> {
    this.#refreshedMs = this.#parts.clock.monotonicMs()
    const stored = await this.#parts.store.list()
    for (const key of stored) {
      const known = this.#opened.get(contextOf(key))
      const opened =
        known === undefined ? await unwrap(key, this.#wrapper) : { ...known, stored: key }
      this.#opened.set(contextOf(key), opened)
      if (key.purpose === 'sealing') this.sealer.hold(opened.secret)
    }
    this.sealer.sealWith(this.#current('sealing').secret)
  }

  async #findPayloadKey(id: string): Promise<Uint8Array | undefined> {
    const named = () => {
      const keys = this.#versions('sealing')
      return id === FIRST_PAYLOAD_KEY ? keys[0] : keys.find(({ stored }) => stored.id === id)
    }
    const known = named()
    if (known !== undefined) return known.secret
    const sinceMs = this.#parts.clock.monotonicMs() - this.#refreshedMs
    if (this.#refreshing !== undefined || sinceMs >= REFRESH_APART_MS) await this.refresh()
    return named()?.secret
  }

  /** Oldest first. */
  #versions(purpose: StoredKey['purpose']): OpenedKey[] {
    return [...this.#opened.values()]
      .filter(({ stored }) => stored.purpose === purpose)
      .sort((a, b) => a.stored.version - b.stored.version)
  }

  #current(purpose: StoredKey['purpose']): OpenedKey {
    const key = this.#versions(purpose).findLast(({ stored }) => stored.isActive)
    assert(key !== undefined, `there is a key for ${purpose}`)
    return key
  }

  #signer(): CheckpointSigner {
    return signerOf(this.#current('audit').secret)
  }
}

const signerOf = (pem: Uint8Array): CheckpointSigner =>
  new CheckpointSigner(Buffer.from(pem).toString('utf8'))

function requireWrapper(key: StoredKey, wrapper: KeyWrapper): void {
  if (key.wrappedBy === wrapper.id) return
  throw new WarderError('INVALID_ARGUMENT', {
    what: 'WARDER_ENCRYPTION_KEY',
    why:
      `the store’s ${key.purpose} key ${key.id} is wrapped by ${key.wrappedBy}, and this process has ` +
      `${wrapper.id}; start it with the key-encryption key of the others, which can’t be changed yet`,
  })
}

async function unwrap(stored: StoredKey, wrapper: KeyWrapper): Promise<OpenedKey> {
  requireWrapper(stored, wrapper)
  const secret = await wrapper.unwrap(stored.wrapped, contextOf(stored))
  // The row is only believed where the key itself bears it out: columns can be written by others.
  if (!sameText(idOf(stored, secret), stored.id)) {
    throw new WarderError('INVALID_ARGUMENT', {
      what: `The store’s ${stored.purpose} key ${stored.id}`,
      why: 'it is another key than its row says; restore the table `keys` from a backup',
    })
  }
  return { stored, secret }
}

function idOf({ purpose, publicPart }: StoredKey, secret: Uint8Array): string {
  if (purpose === 'audit') return signerOf(secret).keyId
  return masterKeyId(purpose === 'tls' ? Buffer.from(publicPart ?? '') : secret)
}

const sameText = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
