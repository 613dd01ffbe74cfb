// What policy says. A verdict is pure: the same question under the same policy gets the same one.

/** Why a rule spoke, in stable code and in words for people. */
export interface Reason {
  /** Stable kebab-case word, for tests and dashboards: `blocked-by-rule`, `no-rule`. */
  readonly code: string
  /** One sentence that names the rule and what it saw. */
  readonly text: string
}

/** Who may answer as well, once those who were asked have kept silent for a while. */
export interface Escalation {
  /** Name of the approver group in the policy; its own escalation is not followed. */
  readonly to: string
  /** Ms after the question was put. */
  readonly afterMs: number
}

/** What an emergency opens without asking, and what it leaves to do. */
export interface BreakGlass {
  /** Name of the approver group that has to review it. */
  readonly approvers: string
  /** Ms after the opening within which that is to happen. */
  readonly withinMs: number
  /** What becomes of commands that would wait for people. */
  readonly commands: 'ask' | 'allow'
}

/** Who must agree, and for how long they are asked. */
export interface Approval {
  /** Name of the approver group in the policy. */
  readonly approvers: string
  /** Distinct people that have to approve; one deny ends it. */
  readonly quorum: number
  readonly timeoutMs: number
  /** Whoever answers has to say why. */
  readonly reasonRequired?: boolean | undefined
  readonly escalation?: Escalation | undefined
  /**
   * `hold` (also when absent) keeps a command waiting on the wire; `retry` refuses it at once and lets
   * the same command through, once, after approval. Means nothing for access.
   */
  readonly wait?: 'hold' | 'retry' | undefined
}

/** What policy says of one command. */
export type Verdict =
  | { readonly outcome: 'allow'; readonly reasons: readonly Reason[] }
  | { readonly outcome: 'block'; readonly reasons: readonly Reason[] }
  | {
      readonly outcome: 'ask'
      readonly reasons: readonly Reason[]
      readonly approval: Approval
    }

/** What policy says of a wish for access. */
export type AccessVerdict =
  | { readonly outcome: 'block'; readonly reasons: readonly Reason[] }
  | {
      readonly outcome: 'allow'
      readonly reasons: readonly Reason[]
      readonly durationMs: number
      /** No extension reaches past this many ms after the opening. */
      readonly durationMsMax: number
      /** Epoch ms past which no grant of this verdict lasts, whatever else is said. */
      readonly endsAt?: number | undefined
      readonly breakGlass?: BreakGlass | undefined
    }
  | {
      readonly outcome: 'ask'
      readonly reasons: readonly Reason[]
      readonly durationMs: number
      readonly durationMsMax: number
      /** Epoch ms past which no grant of this verdict lasts, whatever else is said. */
      readonly endsAt?: number | undefined
      readonly approval: Approval
    }
