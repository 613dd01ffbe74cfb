// Rotates a stored password at the target and in the store. At every instant the store holds a
// password that works, whatever breaks off in between: first the candidate is stored, then the target
// is told, then the candidate takes the old one's place.

import { randomBytes } from 'node:crypto'

import { granted, refused, type Outcome } from '../core/errors.js'
import type { AuditLog, Clock } from '../core/ports.js'
import type { Resource } from '../core/resource.js'
import type { PostgresSecretStore, SecretValue } from '../store/secrets.js'
import type { Rotated, Rotator } from '../web/api/ports.js'
import type { Foundation } from './foundation.js'
import { postgresPasswords, type TargetPasswords } from './secrets/target-password.js'

const PASSWORD_BYTES = 32

/** What a rotation works on. */
export interface RotationParts {
  readonly secrets: Pick<
    PostgresSecretStore,
    'usable' | 'stage' | 'isStaged' | 'promote' | 'staged'
  >
  readonly targets: TargetPasswords
  readonly audit: AuditLog
  readonly clock: Clock
  /** The resources of the policy in force. */
  readonly resources: () => readonly Resource[]
}

/** Rotations on what a process stands on. */
export const rotationOn = ({ secrets, audit, clock, policies }: Foundation): Rotation =>
  new Rotation({
    ...{ secrets, targets: postgresPasswords, audit, clock },
    resources: () => [...policies.policy.resources.values()],
  })

/** Rotations of one process. Any number of processes may rotate the same password at once. */
export class Rotation implements Rotator {
  readonly #parts: RotationParts

  constructor(parts: RotationParts) {
    this.#parts = parts
  }

  /** Starts a rotation, or ends one that was broken off. Whatever it throws, running it again is safe. */
  async rotate(resourceName: string, by: string): Promise<Outcome<Rotated>> {
    const resource = this.#parts.resources().find(({ name }) => name === resourceName)
    if (resource === undefined) return refused('NOT_FOUND', { what: `resource ${resourceName}` })
    const { password: reference } = resource.credential
    if (!('stored' in reference)) {
      return refused('INVALID_ARGUMENT', {
        what: resourceName,
        why: 'its password is not stored with Warder; rotate it where it is kept',
      })
    }
    const name = reference.stored
    const password = Buffer.from(randomBytes(PASSWORD_BYTES).toString('base64url'))
    const at = this.#parts.clock.now()
    const staged = await this.#parts.secrets.stage({ name, password, by, at })
    password.fill(0)
    if (staged === undefined) return refused('NOT_FOUND', { what: `stored secret ${name}` })
    return this.#finish(resource, name, staged, by)
  }

  /** Ends what an interruption left; returns the names that could not be ended, with the reason. */
  async recover(by: string): Promise<readonly { readonly name: string; readonly why: unknown }[]> {
    const open = []
    for (const name of await this.#parts.secrets.staged()) {
      const resource = this.#parts.resources().find(({ credential: { password } }) => {
        return 'stored' in password && password.stored === name
      })
      if (resource === undefined) continue
      try {
        const outcome = await this.rotate(resource.name, by)
        if (!outcome.ok) open.push({ name, why: outcome.refusal })
      } catch (why) {
        open.push({ name, why })
      }
    }
    return open
  }

  async #finish(
    resource: Resource,
    name: string,
    { value, isNew }: { readonly value: SecretValue; readonly isNew: boolean },
    by: string,
  ): Promise<Outcome<Rotated>> {
    const { secrets } = this.#parts
    const about = { resource: resource.name, name, version: value.version, by }
    try {
      // On record before the target is told: a password that nobody knows the origin of never holds.
      await this.#record('secret.staged', { ...about, resumed: !isNew })
      const isTold = !isNew && (await this.#parts.targets.accepts(resource, value.password))
      const refusal = isTold ? undefined : await this.#tell(resource, name, value)
      if (refusal !== undefined) return refusal
    } finally {
      value.password.fill(0)
    }
    const isFirst = await secrets.promote(name, value.version)
    if (isFirst) await this.#record('secret.rotated', about)
    return granted({ name, version: value.version })
  }

  async #tell(
    resource: Resource,
    name: string,
    next: SecretValue,
  ): Promise<Outcome<Rotated> | undefined> {
    const { secrets, targets } = this.#parts
    const held = await secrets.usable(name)
    try {
      const current = held.find(({ version }) => version !== next.version)
      if (current === undefined) return overtaken(resource)
      const outcome = await targets.change(
        resource,
        { current: current.password, next: next.password },
        () => secrets.isStaged(name, next.version),
      )
      if (outcome === 'changed') return undefined
      if (outcome === 'overtaken') return overtaken(resource)
      // Somebody else may have told the target between our looking and our login.
      if (await targets.accepts(resource, next.password)) return undefined
      return refused('TARGET_REFUSED', {
        what: resource.name,
        why: `neither password of ${name} is taken; store the one that is with \`warder secret put\``,
      })
    } finally {
      for (const { password } of held) password.fill(0)
    }
  }

  async #record(
    kind: 'secret.staged' | 'secret.rotated',
    fields: Readonly<Record<string, string | number | boolean>>,
  ): Promise<void> {
    const { audit } = this.#parts
    await audit.durable(audit.append({ kind, fields }))
  }
}

const overtaken = (resource: Resource): Outcome<never> =>
  refused('ALREADY_DECIDED', {
    what: `The rotation of ${resource.name}`,
    why: 'another one came to its end first',
  })
