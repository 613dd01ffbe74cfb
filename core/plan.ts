// A plan: statements that are shown to people together, before any of them runs. Types only.

import type { CommandPart } from './command.js'

/** One statement of a plan. */
export interface PlanStep {
  /** As people read it and as it will be sent, but for blanks and comments around it and its end mark. */
  readonly text: string
  /** SHA-256 (hex) of the text's UTF-8 bytes: what a command is compared with when it comes. */
  readonly digest: string
  /** What it does as far as the grammar alone tells; names are not looked up, so it may turn out to do more. */
  readonly parts: readonly CommandPart[]
}

/** The statements that a request for access comes with, in the order in which they are to run. */
export interface Plan {
  /** SHA-256 (hex) of the whole text as it was sent: what `sha256sum` says of the file. */
  readonly digest: string
  readonly steps: readonly PlanStep[]
}
