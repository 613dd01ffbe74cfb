// What a decision about a command is bound to, as canonical bytes. Whoever holds the bytes hashes
// them (SHA-256); this file does no I/O and no hashing.

/** Everything that must still be the same when an approved command is forwarded. */
export interface CommandBinding {
  readonly protocol: string
  readonly resource: string
  readonly target: string
  readonly database: string
  readonly role: string
  readonly grantId: string
  readonly sessionId: string
  /** Number of the command within its session. */
  readonly sequence: number
  readonly policyDigest: string
  /** Session state the meaning of the bytes depends on (search_path, client_encoding …). */
  readonly pins: string
  /** Epoch ms when the grant ends. */
  readonly expiresAt: number
  /** Exactly the bytes that will be forwarded. */
  readonly bytes: Uint8Array
  /** Parameter type OIDs and raw values; null is SQL NULL. */
  readonly parameterTypes: readonly number[]
  readonly parameters: readonly (Uint8Array | null)[]
}

/**
 * The canonical form: each field length-prefixed (64-bit big-endian), in a fixed order, so that no
 * two different bindings share their bytes.
 */
export function bindingBytes(
  binding: CommandBinding,
  encode: (text: string) => Uint8Array,
): Uint8Array {
  return prefixed([
    encode('warder-command-binding-v1'),
    ...whereAndAsWhom(binding, encode),
    encode(binding.sessionId),
    encode(String(binding.sequence)),
    encode(binding.policyDigest),
    encode(binding.pins),
    encode(String(binding.expiresAt)),
    binding.bytes,
    encode(binding.parameterTypes.join(',')),
    ...binding.parameters,
  ])
}

/**
 * What stays the same when a command is sent again, over another connection perhaps: everything that
 * a held command is bound to, but for session, number and end of the grant. What the command was
 * found to do is in it, so that an approval does not outlast a view or a table that was replaced.
 */
export interface RetryBinding extends Omit<CommandBinding, 'sessionId' | 'sequence' | 'expiresAt'> {
  /** Effect, kinds and relations of the command, in one canonical text. */
  readonly meaning: string
}

/** The canonical form of a retry; it is never that of a held command. */
export function retryBytes(
  binding: RetryBinding,
  encode: (text: string) => Uint8Array,
): Uint8Array {
  return prefixed([
    encode('warder-command-retry-v1'),
    ...whereAndAsWhom(binding, encode),
    encode(binding.policyDigest),
    encode(binding.pins),
    encode(binding.meaning),
    binding.bytes,
    encode(binding.parameterTypes.join(',')),
    ...binding.parameters,
  ])
}

/** What every binding begins with, in its order. */
const whereAndAsWhom = (
  binding: Pick<
    CommandBinding,
    'protocol' | 'resource' | 'target' | 'database' | 'role' | 'grantId'
  >,
  encode: (text: string) => Uint8Array,
): readonly Uint8Array[] =>
  [
    binding.protocol,
    binding.resource,
    binding.target,
    binding.database,
    binding.role,
    binding.grantId,
  ].map((field) => encode(field))

function prefixed(fields: readonly (Uint8Array | null)[]): Uint8Array {
  const total = fields.reduce((sum, field) => sum + 8 + (field?.length ?? 0), 0)
  const bytes = new Uint8Array(total)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const field of fields) {
    // A NULL parameter is told from an empty one by a length that no field can have.
    view.setBigUint64(at, field === null ? 0xffff_ffff_ffff_ffffn : BigInt(field.length))
    at += 8
    if (field === null) continue
    bytes.set(field, at)
    at += field.length
  }
  return bytes
}
