// A service key: the registered form of a static service account that can't present tokens yet. It
// stands for one role on one resource until its end; what it may do there is the policy's to say.

/** The issuer that rules name these callers by; the policy can't define one of this name. */
export const SERVICE_KEY_ISSUER = 'service-key'

/** What may be known of a key; the key itself is shown once, when it is made. */
export interface ServiceKey {
  readonly name: string
  readonly resource: string
  readonly role: string
  /** `issuer/subject` of who added it. */
  readonly by: string
  /** Epoch ms. */
  readonly addedAt: number
  /** Epoch ms. */
  readonly expiresAt: number
  /** Epoch ms; undefined for a key that is in force or has run out. */
  readonly revokedAt?: number | undefined
  /** Epoch ms, to the minute; undefined for a key that was never used. */
  readonly lastUsedAt?: number | undefined
}

/** Where keys are kept, by the hex SHA-256 of each. Calls reject with `CONTROL_PLANE_UNAVAILABLE`. */
export interface ServiceKeyStore {
  /** False when the name is or was taken: a name stands for one key for good. */
  add(key: ServiceKey, digest: string): Promise<boolean>
  find(digest: string): Promise<ServiceKey | undefined>
  used(name: string, at: number): Promise<void>
  /** By name; those not used since a time (nor added since) where one is given. */
  list(unusedSince?: number): Promise<readonly ServiceKey[]>
  /** The first revocation stays; false when there is no such key. */
  revoke(name: string, by: string, at: number): Promise<boolean>
}
