// The first version of each key: made at random, or taken over from a data directory that was in use
// before the store held keys. Never guesses: what can't be read with the keys at hand is not taken on.

import { createPrivateKey, generateKeyPairSync, hkdfSync, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { CheckpointSigner } from '../audit/checkpoint.js'
import { WarderError } from '../core/errors.js'
import type { EarlierKeys, KeyPurpose, WrappedKey } from '../core/keys.js'
import type { Clock } from '../core/ports.js'
import { masterKeyId } from '../store/encryption.js'
import { openPart } from './data-directory.js'
import { ENCRYPTION_KEY_BYTES, readKeyFile, type KeyEncryption } from './key-encryption.js'
import { errorCode } from './private-file.js'
import { earlierAuthority, makeAuthority } from './tls.js'

/** A key in clear, with what may be known of it. */
export interface PlainKey {
  readonly purpose: KeyPurpose
  readonly id: string
  readonly secret: Uint8Array
  readonly publicPart?: string | undefined
}

/** What first keys are made from. */
export interface FirstKeyParts {
  readonly dataDirectory: string
  readonly keyEncryption: KeyEncryption
  readonly earlier: EarlierKeys
  readonly clock: Clock
}

/** The place that a wrapped key is bound to. */
export const contextOf = (key: Pick<WrappedKey, 'purpose' | 'version' | 'id'>): string =>
  JSON.stringify(['warder-key-v1', key.purpose, key.version, key.id])

/**
 * Makes the first key of the purpose, or takes it over.
 *
 * @throws WarderError `INVALID_ARGUMENT` when the store was written with a key that is not here.
 */
export function firstKey(purpose: KeyPurpose, parts: FirstKeyParts): Promise<PlainKey> {
  return Promise.resolve(MAKERS[purpose](parts))
}

/** A sealing key. */
export const sealingKey = (secret: Uint8Array): PlainKey => ({
  purpose: 'sealing',
  id: masterKeyId(secret),
  secret,
})

/** An audit key from its PKCS #8 PEM. @throws WarderError `INVALID_ARGUMENT` when it is not Ed25519. */
export function auditKey(pem: string): PlainKey {
  const { keyId, publicKey } = new CheckpointSigner(pem)
  return { purpose: 'audit', id: keyId, secret: Buffer.from(pem), publicPart: publicKey }
}

/** Makes an audit key. */
export const newAuditKey = (): PlainKey =>
  auditKey(
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  )

const MAKERS: Readonly<Record<KeyPurpose, (parts: FirstKeyParts) => PlainKey | Promise<PlainKey>>> =
  {
    sealing: (parts) =>
      sealingKey(
        parts.earlier.isUsed ? earlierSealingKey(parts) : randomBytes(ENCRYPTION_KEY_BYTES),
      ),
    masking: (parts) => {
      const secret = parts.earlier.isUsed
        ? earlierMaskingKey(earlierSealingKey(parts))
        : randomBytes(ENCRYPTION_KEY_BYTES)
      return { purpose: 'masking', id: masterKeyId(secret), secret }
    },
    bus: () => {
      const secret = randomBytes(ENCRYPTION_KEY_BYTES)
      return { purpose: 'bus', id: masterKeyId(secret), secret }
    },
    audit: firstAuditKey,
    tls: async ({ dataDirectory, clock }) => {
      const { certificate, key } =
        earlierAuthority(dataDirectory, clock) ?? (await makeAuthority(clock))
      const { keyId } = { keyId: masterKeyId(Buffer.from(certificate)) }
      return { purpose: 'tls', id: keyId, secret: Buffer.from(key), publicPart: certificate }
    },
  }

/** Before the store held keys, what wraps them now sealed everything itself. */
function earlierSealingKey({ keyEncryption, earlier }: FirstKeyParts): Uint8Array {
  const key = keyEncryption.earlier
  if (key === undefined || (earlier.sealedBy ?? masterKeyId(key)) !== masterKeyId(key)) {
    throw new WarderError('INVALID_ARGUMENT', {
      what: 'WARDER_ENCRYPTION_KEY',
      why:
        `what the store holds is sealed under key ${earlier.sealedBy ?? 'of an earlier version'}, which ` +
        'is another one; start with that key (keys/encryption.key of the data directory in use before), ' +
        'which stays the key-encryption key: it can’t be changed yet',
    })
  }
  return key
}

const earlierMaskingKey = (sealing: Uint8Array): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', sealing, '', 'warder-masking-v1', ENCRYPTION_KEY_BYTES))

function firstAuditKey({ dataDirectory, earlier }: FirstKeyParts): PlainKey {
  const file = join(openPart(dataDirectory, 'keys'), 'audit.pem')
  const key = readEarlierAuditKey(file)
  if (earlier.signedBy !== undefined && earlier.signedBy !== key?.id) {
    throw new WarderError('INVALID_ARGUMENT', {
      what: 'The audit key',
      why:
        `the log is signed by key ${earlier.signedBy}, which is not in ${file}; start once on the host ` +
        'that has it in its data directory',
    })
  }
  return key ?? newAuditKey()
}

function readEarlierAuditKey(file: string): PlainKey | undefined {
  let pem: string
  try {
    pem = readKeyFile(file)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    return auditKey(createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem' }).toString())
  } catch {
    throw new WarderError('INVALID_ARGUMENT', {
      what: file,
      why: 'it must hold an Ed25519 private key as PKCS#8 PEM',
    })
  }
}
