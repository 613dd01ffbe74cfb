// Calls that change something and may be repeated without being run twice, by a key that the caller
// makes (draft-ietf-httpapi-idempotency-key-header-07). Types only.

/** One call: whose, under which key (hex SHA-256), and which (hex SHA-256 of what was asked). */
export interface KeyedCall {
  readonly principalKey: string
  readonly keyDigest: string
  readonly fingerprint: string
}

/** What a call was answered. */
export interface KeptAnswer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** `run`: it is the caller's to run. `other`: the key belongs to another call. */
export type KeyState =
  | { readonly state: 'run' }
  | { readonly state: 'running' }
  | { readonly state: 'other' }
  | { readonly state: 'answered'; readonly answer: KeptAnswer }

/**
 * Which keyed calls run and what they were answered, the same for every replica. An answer is kept for
 * 24 hours. A call whose process died is taken to be over after 60 s and may then be run once more.
 */
export interface Idempotency {
  /** Claims the call for whoever asks first. */
  claim(call: KeyedCall): Promise<KeyState>
  /** Keeps the answer of a claimed call; the first one stays. */
  keep(call: KeyedCall, answer: KeptAnswer): Promise<void>
  /** The claimed call took no effect: whoever repeats it runs it. */
  drop(call: KeyedCall): Promise<void>
}
