// The proof that policy and a live grant agree on this caller, this resource and this address.
// `dial` takes nothing else, so there is no other way to a target, and nothing is resolved twice.

import { lookup } from 'node:dns/promises'
import { connect, type OnReadOpts, type Socket } from 'node:net'

import { WarderError, assert } from '../core/errors.js'
import { isLive, type Grant } from '../core/grant.js'
import type { Resource } from '../core/resource.js'
import { LIMITS } from './limits.js'

/** A right to open one connection to one address. Can't be forged: its content is a `#field`. */
export class Permit {
  readonly #grant: Grant
  readonly #resource: Resource
  readonly #address: string

  private constructor(grant: Grant, resource: Resource, address: string) {
    this.#grant = grant
    this.#resource = resource
    this.#address = address
  }

  /**
   * Issues the permit for a live grant and resolves the target's address, once.
   *
   * @throws WarderError `GRANT_EXPIRED` when the grant is over, `TARGET_UNREACHABLE` when the name
   *   does not resolve.
   */
  static async issue(grant: Grant, resource: Resource, nowMs: number): Promise<Permit> {
    assert(grant.resource === resource.name, 'a permit is for the resource of its grant')
    if (!isLive(grant, nowMs)) throw new WarderError('GRANT_EXPIRED', { id: grant.requestId })
    try {
      const { address } = await lookup(resource.host)
      return new Permit(grant, resource, address)
    } catch (cause) {
      throw new WarderError(
        'TARGET_UNREACHABLE',
        { what: resource.name, why: `the name ${resource.host} does not resolve` },
        { cause },
      )
    }
  }

  /** The resolved address with its port, for the record. */
  get target(): string {
    return `${this.#address}:${this.#resource.port}`
  }

  /** The resource dialled; TLS names and the credential are taken from here and nowhere else. */
  get resource(): Resource {
    return this.#resource
  }

  /** The grant this permit stands on. */
  get grant(): Grant {
    return this.#grant
  }

  /** Host and port for `dial`. */
  get endpoint(): { readonly host: string; readonly port: number } {
    return { host: this.#address, port: this.#resource.port }
  }
}

/**
 * Opens the TCP connection that a permit allows.
 *
 * @param onread Preallocated read buffer (Node's `onread`), when the caller reads the socket raw.
 * @throws WarderError `TARGET_UNREACHABLE`
 */
export function dial(permit: Permit, onread?: OnReadOpts): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...permit.endpoint,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
      ...(onread === undefined ? {} : { onread }),
    })
    const fail = (why: string, cause?: unknown) => {
      socket.destroy()
      reject(new WarderError('TARGET_UNREACHABLE', { what: permit.resource.name, why }, { cause }))
    }
    const timer = setTimeout(() => fail('it did not answer in time'), LIMITS.targetConnectMsMax)
    const refused = (cause: unknown) => {
      clearTimeout(timer)
      fail('the connection was refused or reset', cause)
    }
    socket.once('error', refused)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', refused)
      // Between two readers nobody else listens, and an unheard error would end the process.
      socket.on('error', () => socket.destroy())
      resolve(socket)
    })
  })
}
