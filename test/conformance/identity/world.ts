// For refusals that need more than one look: an issuer, a gateway's identity, and what is in their hands.

import type { ServerResponse } from 'node:http'
import { OidcIdentity } from '../../../identity/oidc.js'
import type { TokenBindings } from '../../../identity/token-binding.js'
import type { Issuer } from '../../../policy/policy.js'
import { FakeIssuer } from '../../fakes/issuer.js'
import { ManualClock } from '../../fakes/manual-clock.js'
import { MemoryTokens } from '../../workflows/memory-ports.js'
import { profileOf } from './refuses.js'

/** Everything one test needs; `why` is undefined for a token that was taken. */
export interface World {
  readonly clock: ManualClock
  readonly issuer: FakeIssuer
  readonly troubles: { readonly level: string; readonly message: string }[]
  readonly why: (token: string, peer?: string) => Promise<string | undefined>
}

/** Runs a test in a world of its own. */
export async function inWorld(
  run: (world: World) => Promise<void>,
  changes: Partial<Issuer> = {},
  bindings: TokenBindings = new MemoryTokens(),
): Promise<void> {
  const clock = new ManualClock()
  const issuer = await FakeIssuer.start(() => clock.now())
  const troubles: { level: string; message: string }[] = []
  const identity = new OidcIdentity([{ ...profileOf(issuer), ...changes }], {
    clock,
    bindings,
    onKeyTrouble: (_, trouble, level) => troubles.push({ level, message: trouble.message }),
  })
  const why = async (token: string, peer?: string): Promise<string | undefined> => {
    const outcome = await identity.authenticate(token, peer)
    return outcome.ok ? undefined : (outcome.refusal.details.why ?? outcome.refusal.code)
  }
  try {
    await run({ clock, issuer, troubles, why })
  } finally {
    await issuer.stop()
  }
}

/** Answers with JSON text, so that a test can say what a document is. */
export const answering =
  (text: string, headers: Readonly<Record<string, string>> = {}) =>
  (response: ServerResponse): void => {
    response.writeHead(200, headers).end(text)
  }
