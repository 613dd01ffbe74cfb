// How records hang together: each hash covers the record and the hash before it. Pure.

import { hash } from 'node:crypto'
import type { AuditRecord } from '../core/record.js'

/** What the first record of a chain, and the first checkpoint, name as the one before. */
export const GENESIS = '0'.repeat(64)

const DOMAIN = 'warder-audit-record-v1'
const HASH = /^[0-9a-f]{64}$/
const CHAIN = /^[A-Za-z0-9_-]{1,64}$/
const KIND = /^[a-z-]+(?:\.[a-z-]+)+$/
const PRINTABLE = /^[\x20-\x7e]*$/

/** A SHA-256 in hex. */
export const isHash = (text: unknown): text is string => typeof text === 'string' && HASH.test(text)

/** The name of a chain: a gateway's id. */
export const isChain = (text: unknown): text is string =>
  typeof text === 'string' && CHAIN.test(text)

/**
 * Hex SHA-256 over the record's fields, one per line, so that a shell can recompute it:
 * domain, chain, seq, previous, at, monotonicMs, kind, body. No field holds a line break.
 */
export const recordHash = (record: Omit<AuditRecord, 'hash'>): string =>
  hash(
    'sha256',
    `${DOMAIN}\n${record.chain}\n${String(record.seq)}\n${record.previous}\n` +
      `${String(record.at)}\n${String(record.monotonicMs)}\n${record.kind}\n${record.body}`,
    'hex',
  )

/** True when each field has the form that `recordHash` relies on, and the hash fits. */
export const recordHolds = (record: AuditRecord): boolean =>
  isChain(record.chain) &&
  Number.isSafeInteger(record.seq) &&
  record.seq >= 1 &&
  isHash(record.previous) &&
  Number.isSafeInteger(record.at) &&
  Number.isSafeInteger(record.monotonicMs) &&
  KIND.test(record.kind) &&
  PRINTABLE.test(record.body) &&
  record.hash === recordHash(record)
