// Signed statements of how far chains had come, and the anchor that is kept outside. No I/O; keys
// are passed in and never written anywhere.

import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { WarderError } from '../core/errors.js'
import type { ChainHead, Checkpoint } from '../core/record.js'
import { isHash } from './chain.js'

const DOMAIN = 'warder-audit-checkpoint-v1'
const ANCHOR = /^warder-anchor-v1:([1-9][0-9]{0,14}):([0-9a-f]{64})$/

/** What a checkpoint states, before it is signed. */
export type Statement = Pick<Checkpoint, 'number' | 'at' | 'previous' | 'heads'>

/** Signs checkpoints with one Ed25519 key (RFC 8032). */
export class CheckpointSigner {
  readonly keyId: string
  /** The public half, PEM (SPKI): what a verifier needs. */
  readonly publicKey: string
  readonly #key: KeyObject

  /** @throws WarderError `INVALID_ARGUMENT` when the PEM is no Ed25519 private key (PKCS #8). */
  constructor(privateKeyPem: string) {
    const key = readKey(privateKeyPem, createPrivateKey)
    const publicKey = createPublicKey(key)
    this.#key = key
    this.keyId = keyIdOf(publicKey)
    this.publicKey = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  }

  /** The signed checkpoint. */
  sign(statement: Statement): Checkpoint {
    const unsigned = { ...statement, keyId: this.keyId }
    return {
      ...unsigned,
      hash: checkpointHash(unsigned),
      signature: sign(null, checkpointBytes(unsigned), this.#key).toString('base64'),
    }
  }
}

/** Public keys by id, for checking signatures. */
export type VerifyingKeys = ReadonlyMap<string, KeyObject>

/** Reads public keys (PEM). @throws WarderError `INVALID_ARGUMENT` when one is no Ed25519 key. */
export function verifyingKeys(publicKeyPems: readonly string[]): VerifyingKeys {
  return new Map(
    publicKeyPems.map((pem) => {
      const key = readKey(pem, createPublicKey)
      return [keyIdOf(key), key]
    }),
  )
}

/** Hex SHA-256 over what is signed. */
export const checkpointHash = (checkpoint: Omit<Checkpoint, 'hash' | 'signature'>): string =>
  createHash('sha256').update(checkpointBytes(checkpoint)).digest('hex')

/** True when the signature over the checkpoint's own content is the key's, in its one base64 form. */
export function signatureHolds(checkpoint: Checkpoint, key: KeyObject): boolean {
  const signature = Buffer.from(checkpoint.signature, 'base64')
  return (
    signature.toString('base64') === checkpoint.signature &&
    verify(null, checkpointBytes(checkpoint), key, signature)
  )
}

/** A checkpoint, reduced to what has to be kept elsewhere in order to hold the log to it. */
export type Anchor = Pick<Checkpoint, 'number' | 'hash'>

/** The anchor in one line of text. */
export const formatAnchor = (anchor: Anchor): string =>
  `warder-anchor-v1:${String(anchor.number)}:${anchor.hash}`

/** @throws WarderError `INVALID_ARGUMENT` when the text is no anchor. */
export function parseAnchor(text: string): Anchor {
  const [, number, hash] = ANCHOR.exec(text.trim()) ?? []
  if (number === undefined || hash === undefined) {
    throw new WarderError('INVALID_ARGUMENT', {
      what: 'The anchor',
      why: 'it has the form warder-anchor-v1:NUMBER:HASH',
    })
  }
  return { number: Number(number), hash }
}

/** True for a head as a checkpoint lists it. */
export const isHead = (head: unknown): head is ChainHead =>
  typeof head === 'object' &&
  head !== null &&
  'chain' in head &&
  typeof head.chain === 'string' &&
  'seq' in head &&
  Number.isSafeInteger(head.seq) &&
  'hash' in head &&
  isHash(head.hash) &&
  'by' in head &&
  (head.by === 'writer' || head.by === 'finder')

/** One field per line; the heads as a JSON list of lists, so that no name or order is left open. */
const checkpointBytes = (checkpoint: Omit<Checkpoint, 'hash' | 'signature'>): Buffer =>
  Buffer.from(
    [
      DOMAIN,
      String(checkpoint.number),
      String(checkpoint.at),
      checkpoint.previous,
      checkpoint.keyId,
      JSON.stringify(checkpoint.heads.map(({ chain, seq, hash, by }) => [chain, seq, hash, by])),
    ].join('\n'),
    'utf8',
  )

const keyIdOf = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16)

function readKey(pem: string, read: (pem: string) => KeyObject): KeyObject {
  let key: KeyObject | undefined
  try {
    key = read(pem)
  } catch {
    // What the library says could quote the key.
  }
  if (key?.asymmetricKeyType !== 'ed25519') {
    throw new WarderError('INVALID_ARGUMENT', {
      what: 'The checkpoint key',
      why: 'it is not an Ed25519 key in PEM form',
    })
  }
  return key
}
