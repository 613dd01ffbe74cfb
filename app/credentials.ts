// Hands out target credentials from where the policy says they are. Nothing is kept here.

import { readFile } from 'node:fs/promises'

import { WarderError } from '../core/errors.js'
import type { AuditLog, Clock, CredentialBroker } from '../core/ports.js'
import { granted, type Outcome } from '../core/errors.js'
import type { Credential, Resource, SecretReference } from '../core/resource.js'
import type { PostgresSecretStore } from '../store/secrets.js'
import type { SecretAdmin } from '../web/api/ports.js'

/** Warder's own secrets, which no policy may have presented to a target that it names. */
const OWN_VARIABLE = /^(?:WARDER_|TEMPORAL_|DATABASE_URL$)/

/** What credentials are resolved with. */
export interface CredentialParts {
  readonly secrets: PostgresSecretStore
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly audit: AuditLog
  readonly clock: Clock
}

/** Credentials by reference: an environment variable, a file, or the store. */
export class Credentials implements CredentialBroker, SecretAdmin {
  readonly #parts: CredentialParts

  constructor(parts: CredentialParts) {
    this.#parts = parts
  }

  async credentialFor(resource: Resource): Promise<Credential> {
    const { user, password } = resource.credential
    const value = await this.#read(password).catch(() => undefined)
    if (value === undefined || value === '') {
      throw new WarderError('TARGET_REFUSED', {
        what: resource.name,
        why: `its credential (${nameOf(password)}) is not there`,
      })
    }
    return { user, password: value }
  }

  async put(name: string, value: string, by: string): Promise<Outcome<{ version: number }>> {
    const { secrets, audit, clock } = this.#parts
    const { version } = await secrets.put({ name, value, by, at: clock.now() })
    await audit.durable(audit.append({ kind: 'secret.stored', fields: { name, by } }))
    return granted({ version })
  }

  async #read(reference: SecretReference): Promise<string | undefined> {
    if ('env' in reference) {
      return OWN_VARIABLE.test(reference.env) ? undefined : this.#parts.variables[reference.env]
    }
    if ('file' in reference) return (await readFile(reference.file, 'utf8')).replace(/\r?\n$/, '')
    return this.#parts.secrets.find(reference.stored)
  }
}

const nameOf = (reference: SecretReference): string =>
  'env' in reference
    ? `variable ${reference.env}`
    : 'file' in reference
      ? `file ${reference.file}`
      : `stored secret ${reference.stored}`
