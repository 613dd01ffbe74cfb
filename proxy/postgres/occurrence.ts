// The interceptor's words with what PostgreSQL adds to them: where the values of a result come from.

import type { Judged, Occurrence } from '../intercept.js'
import type { Lineage } from './sql/lineage.js'

/** A judged statement text. */
export interface JudgedStatement extends Judged {
  /** Undefined when nobody can tell. */
  readonly lineage: Lineage | undefined
}

/** One occurrence of a statement in a session. */
export interface StatementOccurrence extends Occurrence {
  readonly judged: JudgedStatement
}
