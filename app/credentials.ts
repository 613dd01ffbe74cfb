// Hands out target credentials from where the policy says they are. Nothing is kept here.

import { readFile } from 'node:fs/promises'

import { granted, WarderError, type Outcome } from '../core/errors.js'
import type { AuditLog, Clock, CredentialBroker } from '../core/ports.js'
import type { Credential, Resource, SecretReference } from '../core/resource.js'
import type { PostgresSecretStore } from '../store/secrets.js'
import type { SecretAdmin } from '../web/api/ports.js'
import type { Vault } from './secrets/vault.js'

/** Warder's own secrets, which no policy may have presented to a target that it names. */
const OWN_VARIABLE = /^(?:WARDER_|TEMPORAL_|VAULT_|AWS_|DATABASE_URL$|REDIS_URL$)/
/** A password is shorter; a path that leads to something else is noticed. */
const PASSWORD_BYTES_MAX = 32 * 1024
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** What credentials are resolved with. */
export interface CredentialParts {
  readonly secrets: Pick<PostgresSecretStore, 'put' | 'usable'>
  readonly variables: Readonly<Record<string, string | undefined>>
  /** Absent when no Vault is configured. */
  readonly vault?: Pick<Vault, 'read'> | undefined
  readonly audit: AuditLog
  readonly clock: Clock
}

/** A password and what tells it from others; the bytes are the caller's to overwrite. */
type Found = Pick<Credential, 'id' | 'password'>

/** Credentials by reference: an environment variable, a file, the store, or Vault. */
export class Credentials implements CredentialBroker, SecretAdmin {
  readonly #parts: CredentialParts

  constructor(parts: CredentialParts) {
    this.#parts = parts
  }

  async credentialsFor(resource: Resource): Promise<readonly Credential[]> {
    const { user, password: reference } = resource.credential
    let why = 'is not there'
    const found = await this.#read(reference).catch((failure: unknown) => {
      // A source that can't be read now is told apart from one that is empty, and no more is said.
      why = `can’t be read: ${reasonOf(failure)}`
      return []
    })
    const usable = found.filter(({ password }) => password.length > 0)
    if (usable.length > 0) return usable.map((one) => ({ ...one, user }))
    throw new WarderError('TARGET_REFUSED', {
      what: resource.name,
      why: `its credential (${nameOf(reference)}) ${why}`,
    })
  }

  async put(name: string, value: string, by: string): Promise<Outcome<{ version: number }>> {
    const { secrets, audit, clock } = this.#parts
    const { version } = await secrets.put({ name, value, by, at: clock.now() })
    await audit.durable(audit.append({ kind: 'secret.stored', fields: { name, by } }))
    return granted({ version })
  }

  async #read(reference: SecretReference): Promise<readonly Found[]> {
    if ('env' in reference) {
      const isOwn = OWN_VARIABLE.test(reference.env)
      return found(isOwn ? undefined : this.#parts.variables[reference.env])
    }
    if ('file' in reference) return [{ id: 'only', password: await passwordIn(reference.file) }]
    if ('vault' in reference) {
      if (this.#parts.vault === undefined)
        throw new WarderError('NOT_FOUND', { why: 'no VAULT_ADDR' })
      return found(await this.#parts.vault.read(reference.vault))
    }
    return this.#parts.secrets.usable(reference.stored)
  }
}

const found = (value: string | undefined): readonly Found[] =>
  value === undefined ? [] : [{ id: 'only', password: Buffer.from(value, 'utf8') }]

/** The file's bytes without the one line end that tools add. */
async function passwordIn(file: string): Promise<Uint8Array> {
  const bytes = await readFile(file)
  try {
    let end = bytes.length
    if (end > PASSWORD_BYTES_MAX) throw new WarderError('LIMIT_EXCEEDED', { why: 'it is too long' })
    if (bytes[end - 1] === LINE_FEED) end -= bytes[end - 2] === CARRIAGE_RETURN ? 2 : 1
    return Uint8Array.from(bytes.subarray(0, end))
  } finally {
    bytes.fill(0)
  }
}

/** Codes and our own words only: what a library says may quote what it read. */
function reasonOf(failure: unknown): string {
  if (failure instanceof WarderError) return failure.details.why ?? failure.code
  if (failure instanceof Error && failure.name === 'VaultError') return `Vault: ${failure.message}`
  if (failure instanceof Error && 'code' in failure) return String(failure.code)
  return 'it failed'
}

function nameOf(reference: SecretReference): string {
  if ('env' in reference) return `variable ${reference.env}`
  if ('file' in reference) return `file ${reference.file}`
  if ('vault' in reference) return `${reference.vault.field} of ${reference.vault.path} in Vault`
  return `stored secret ${reference.stored}`
}
