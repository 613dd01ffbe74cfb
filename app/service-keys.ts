// Service keys as operators work on them: every step is on the log, and a revoked key's sessions end.

import { granted, refused, type Outcome } from '../core/errors.js'
import type { AuditLog, Clock } from '../core/ports.js'
import { SERVICE_KEY_ISSUER, type ServiceKey, type ServiceKeyStore } from '../core/service-key.js'
import { newServiceKey, serviceKeyDigest } from '../identity/service-key.js'
import type { Policy } from '../policy/policy.js'
import type { Revoker, ServiceKeyAdmin, ServiceKeyWish } from '../web/api/ports.js'

/** What keys are worked on with. */
export interface ServiceKeyParts {
  readonly keys: ServiceKeyStore
  readonly audit: AuditLog
  readonly clock: Clock
  readonly policy: () => Policy
  readonly revoker: Revoker
}

/** ServiceKeyAdmin on the store. */
export class ServiceKeys implements ServiceKeyAdmin {
  readonly #parts: ServiceKeyParts

  constructor(parts: ServiceKeyParts) {
    this.#parts = parts
  }

  async add(
    { name, resource, role, validForMs }: ServiceKeyWish,
    by: string,
  ): Promise<Outcome<{ name: string; key: string; expiresAt: number }>> {
    const { keys, audit, clock } = this.#parts
    const objection = this.#objection(resource, role)
    if (objection !== undefined) {
      return refused('INVALID_ARGUMENT', { what: `The service key ${name}`, why: objection })
    }
    const key = newServiceKey()
    const addedAt = Math.floor(clock.now())
    const entry: ServiceKey = { name, resource, role, by, addedAt, expiresAt: addedAt + validForMs }
    // On record first: a key that nobody can find out about is the thing that must not be.
    const fields = { name, resource, role, by, expiresAt: entry.expiresAt }
    await audit.durable(audit.append({ kind: 'servicekey.added', fields }))
    if (!(await keys.add(entry, serviceKeyDigest(key)))) {
      return refused('INVALID_ARGUMENT', {
        what: `The service key ${name}`,
        why: 'the name is taken; a name stands for one key for good',
      })
    }
    return granted({ name, key, expiresAt: entry.expiresAt })
  }

  list(unusedForMs?: number): Promise<readonly ServiceKey[]> {
    const { keys, clock } = this.#parts
    return keys.list(unusedForMs === undefined ? undefined : clock.now() - unusedForMs)
  }

  async revoke(name: string, by: string): Promise<Outcome<{ sessionsCut: number }>> {
    const { keys, audit, clock, revoker } = this.#parts
    if (!(await keys.revoke(name, by, Math.floor(clock.now())))) {
      return refused('NOT_FOUND', { what: `service key ${name}` })
    }
    await audit.durable(audit.append({ kind: 'servicekey.revoked', fields: { name, by } }))
    const principal = `${SERVICE_KEY_ISSUER}/${name}`
    const receipt = await revoker.revoke(
      { kind: 'principal', principal },
      by,
      'its service key was revoked',
    )
    if (!receipt.ok && receipt.refusal.code !== 'NOT_FOUND') return receipt
    return granted({ sessionsCut: receipt.ok ? receipt.value.sessionsCut : 0 })
  }

  #objection(resource: string, role: string): string | undefined {
    const policy = this.#parts.policy()
    if (!policy.acceptsServiceKeys) {
      return 'the policy accepts no service keys (gateway.serviceKeys: allow)'
    }
    if (!policy.resources.has(resource)) return `the policy has no resource ${resource}`
    if (!policy.roles.has(role)) return `the policy has no role ${role}`
    return undefined
  }
}
