// What an approver says.

import type { Principal } from './principal.js'

/** One approver's answer. The same person's second answer changes nothing. */
export interface Decision {
  readonly answer: 'approve' | 'deny'
  readonly approver: Principal
  /** Approver groups he belonged to when he answered, evaluated under the policy of that moment. */
  readonly memberOf: readonly string[]
  readonly reason: string
  /** Where it was made: `cli`, `web`, `slack`, `teams`. */
  readonly channel: string
  /** Epoch ms. */
  readonly at: number
}
