// Warder's own keys as the store holds them: wrapped by a key-encryption key that the store never
// sees. Shapes and ports only; wrapping lives in app/, SQL in store/.

/**
 * What a key is for. `sealing` encrypts at rest and in Temporal's histories, `masking` keys digests
 * that stand in for masked values, `bus` proves hints between processes, `audit` signs checkpoints (Ed25519), `tls` signs the certificates
 * that Warder makes itself.
 */
export type KeyPurpose = 'sealing' | 'masking' | 'bus' | 'audit' | 'tls'

/** Every purpose, in the order in which first keys are made. */
export const KEY_PURPOSES: readonly KeyPurpose[] = ['sealing', 'masking', 'bus', 'audit', 'tls']

/** A key as it is kept. Versions of a purpose count 1, 2, 3 …; old ones stay for what they made. */
export interface WrappedKey {
  readonly purpose: KeyPurpose
  readonly version: number
  /** Names the key in what it made; hex for all but `tls`. */
  readonly id: string
  /** Id of the key-encryption key that wrapped it. */
  readonly wrappedBy: string
  readonly wrapped: Uint8Array
  /** PEM: a public key (`audit`) or a certificate (`tls`). */
  readonly publicPart?: string | undefined
  /** `audit`: the key before it vouches for this one. */
  readonly endorsement?: Endorsement | undefined
  /** Epoch ms. */
  readonly madeAt: number
}

/** An audit key's statement that another one signs from now on. */
export interface Endorsement {
  /** Id of the key that vouches. */
  readonly by: string
  /** Ed25519 (RFC 8032), base64. */
  readonly signature: string
}

/** A stored key, and whether its time has come. */
export interface StoredKey extends WrappedKey {
  /** False for a rotated key that processes already hold but don't use yet. */
  readonly isActive: boolean
}

/** What a store from before it held keys says of those that it was written with. */
export interface EarlierKeys {
  /** True when something was ever put on record here. */
  readonly isUsed: boolean
  /** Id of the sealing key, as far as anything sealed was found. */
  readonly sealedBy?: string | undefined
  /** Id of the key that signed the newest checkpoint. */
  readonly signedBy?: string | undefined
}

/** Where wrapped keys are kept. Every call rejects with `CONTROL_PLANE_UNAVAILABLE` on failure. */
export interface KeyStore {
  /** All keys, oldest version first within a purpose. */
  list(): Promise<readonly StoredKey[]>
  /** Adds those whose (purpose, version) is still free, all in one transaction; true when all were. */
  add(keys: readonly WrappedKey[], activeInMs: number): Promise<boolean>
  /** Puts other wrappings of the same keys in place, all or none; false when a key was not there. */
  rewrap(keys: readonly WrappedKey[]): Promise<boolean>
  earlier(): Promise<EarlierKeys>
}

/** A key-encryption key by reference: it wraps and unwraps, and never shows itself. */
export interface KeyWrapper {
  /** Names it without telling anything about it. */
  readonly id: string
  /** `context` is authenticated with it: the same bytes don't unwrap as another key. */
  wrap(plain: Uint8Array, context: string): Promise<Uint8Array>
  /** @throws WarderError `INVALID_ARGUMENT` when this is not what wrapped it, or it was changed. */
  unwrap(wrapped: Uint8Array, context: string): Promise<Uint8Array>
}
