// What PostgreSQL stores for a password, computed here, so that ALTER ROLE never carries the password
// itself: not over the wire, and not into the target's log. RFC 5802 §3, PostgreSQL `pg_authid`.

import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

/** PostgreSQL's own default. The password is 256 random bits: more rounds would protect nothing. */
const ITERATIONS = 4_096
const SALT_BYTES = 16
const KEY_BYTES = 32

/** `SCRAM-SHA-256$rounds:salt$StoredKey:ServerKey`; the password must be printable ASCII. */
export async function scramVerifier(
  password: Uint8Array,
  salt: Uint8Array = randomBytes(SALT_BYTES),
): Promise<string> {
  const salted = await promisify(pbkdf2)(password, salt, ITERATIONS, KEY_BYTES, 'sha256')
  const keyOf = (name: string) => createHmac('sha256', salted).update(name).digest()
  const stored = createHash('sha256').update(keyOf('Client Key')).digest('base64')
  const server = keyOf('Server Key').toString('base64')
  salted.fill(0)
  const rounds = String(ITERATIONS)
  return `SCRAM-SHA-256$${rounds}:${Buffer.from(salt).toString('base64')}$${stored}:${server}`
}
