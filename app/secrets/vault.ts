// Vault as a source of credentials (KV versions 1 and 2) and as a wrapper of keys (transit). Reads what
// a policy names and nothing of Vault's own; keeps nothing that it read.

import { WarderError } from '../../core/errors.js'
import type { KeyWrapper } from '../../core/keys.js'
import { callVault, VaultError, type VaultAnswer, type VaultPlace } from './vault-connection.js'
import { objectOf, VaultLogin, type VaultMethod } from './vault-login.js'

/** How Vault is reached, from the environment. */
export interface VaultSettings {
  readonly place: VaultPlace
  readonly method: VaultMethod
}

/** A value in Vault. */
export interface VaultReference {
  readonly path: string
  readonly field: string
}

/** Vault's own paths hold tokens and keys of Vault itself: no policy may have them sent to a target. */
const OWN_PATH = /^(?:auth|sys|identity|cubbyhole)(?:\/|$)/
const PATH = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+$/

/** One process's way to Vault. */
export class Vault {
  readonly #place: VaultPlace
  readonly #login: VaultLogin

  constructor({ place, method }: VaultSettings, onTrouble: (failure: unknown) => void) {
    this.#place = place
    this.#login = new VaultLogin(place, method, onTrouble)
  }

  /** The value of the field; undefined when there is none, or its version was deleted. @throws VaultError */
  async read({ path, field }: VaultReference): Promise<string | undefined> {
    if (!PATH.test(path) || OWN_PATH.test(path)) {
      throw new VaultError('that path is not for credentials')
    }
    let answer: VaultAnswer
    try {
      answer = await this.#call({ method: 'GET', path })
    } catch (error) {
      if (error instanceof VaultError && error.status === 404) return undefined
      throw error
    }
    const value = fieldsOf(answer)[field]
    return typeof value === 'string' ? value : undefined
  }

  /** Wraps with a key that never leaves Vault (transit, an AEAD key such as aes256-gcm96). */
  wrapper(key: string): KeyWrapper {
    return {
      id: `vault/transit/${key}`,
      wrap: async (plain, context) => {
        const body = { plaintext: base64(plain), associated_data: base64(Buffer.from(context)) }
        const ciphertext = await this.#transit('encrypt', key, body, 'ciphertext')
        return Buffer.from(ciphertext, 'utf8')
      },
      unwrap: async (wrapped, context) => {
        const ciphertext = Buffer.from(wrapped).toString('utf8')
        const body = { ciphertext, associated_data: base64(Buffer.from(context)) }
        const plaintext = await this.#transit('decrypt', key, body, 'plaintext')
        return new Uint8Array(Buffer.from(plaintext, 'base64'))
      },
    }
  }

  async #transit(
    verb: 'encrypt' | 'decrypt',
    key: string,
    body: Readonly<Record<string, string>>,
    field: string,
  ): Promise<string> {
    try {
      const { data } = await this.#call({ method: 'POST', path: `transit/${verb}/${key}`, body })
      const value = objectOf(data)[field]
      if (typeof value === 'string' && value !== '') return value
      throw new VaultError('its answer holds nothing of the key')
    } catch (error) {
      if (!(error instanceof VaultError)) throw error
      const why = `Vault’s transit key ${key} can’t ${verb} Warder’s keys: ${error.message}`
      throw new WarderError('INVALID_ARGUMENT', { what: 'WARDER_ENCRYPTION_KEY', why })
    }
  }

  /** A token that Vault no longer takes is replaced once. */
  async #call(call: {
    method: 'GET' | 'POST'
    path: string
    body?: Readonly<Record<string, string>>
  }): Promise<VaultAnswer> {
    try {
      return await callVault(this.#place, { ...call, token: await this.#login.token() })
    } catch (error) {
      if (!(error instanceof VaultError) || error.status !== 403) throw error
      this.#login.forget()
      return callVault(this.#place, { ...call, token: await this.#login.token() })
    }
  }
}

/** Version 2 has the fields one level further in, next to the version's metadata. */
function fieldsOf({ data }: VaultAnswer): VaultAnswer {
  const outer = objectOf(data)
  const isVersioned = typeof objectOf(outer['metadata'])['version'] === 'number' && 'data' in outer
  return isVersioned ? objectOf(outer['data']) : outer
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
