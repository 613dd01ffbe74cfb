// `replay: bind`: the first caller who shows a token is the only one who may use it. It remembers in the
// ledger, never here, so that every replica agrees.

import { granted, WarderError, type Outcome } from '../core/errors.js'
import type { TokenLedger } from '../core/ports.js'
import type { Issuer } from '../policy/policy.js'
import { peerAddress } from './peer-address.js'
import type { JsonObject } from './strict-json.js'
import { refuseToken } from './token.js'

/** What remembers which caller a token belongs to. */
export type TokenBindings = Pick<TokenLedger, 'bind'>

/**
 * Binds the token's `jti` to the caller's address, or finds that it is bound to it. Refuses with
 * `UNAUTHENTICATED` when it belongs to another, when it has no `jti`, or when the caller's address is not
 * known, and with the ledger's code when that can't be asked.
 */
export async function bindToken(
  profile: Issuer,
  { jti, exp }: JsonObject,
  peer: string | undefined,
  bindings: TokenBindings | undefined,
): Promise<Outcome<null>> {
  const address = peer === undefined ? undefined : peerAddress(peer)
  if (typeof jti !== 'string' || typeof exp !== 'number')
    return refuseToken('its id (jti) is not a text')
  if (address === undefined || bindings === undefined)
    return refuseToken('it is bound to an address, and yours is not known here')
  try {
    const isOurs = await bindings.bind({
      issuer: profile.name,
      tokenId: jti,
      expiresAt: Math.ceil(exp + profile.clockToleranceS) * 1000,
      caller: `address ${address}`,
    })
    return isOurs ? granted(null) : refuseToken('another address has used it first')
  } catch (error) {
    if (error instanceof WarderError) return { ok: false, refusal: error.refusal }
    throw error
  }
}
