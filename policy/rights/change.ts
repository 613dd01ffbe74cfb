// One change of what anybody may do, in words, and which way it goes.

/** `widens`: somebody may do more, or sees more; `narrows`: less; `changes`: neither can be said. */
export type Direction = 'widens' | 'narrows' | 'changes'

/** What a change of the policy means for those it is about. */
export interface RightsChange {
  readonly direction: Direction
  /** One line: `role migrator on orders-db: ddl passes without asking (was: asks db-owners)`. */
  readonly text: string
}

/** By two ranks, the more permissive the higher; equal ranks of different things only change. */
export const directionOf = (before: number, after: number): Direction =>
  after > before ? 'widens' : after < before ? 'narrows' : 'changes'

/** Builds one change. */
export const changed = (direction: Direction, text: string): RightsChange => ({ direction, text })

const PLACE: Readonly<Record<Direction, number>> = { widens: 0, narrows: 1, changes: 2 }

/** Widening first: whoever skims a list reads its beginning. Each line stands there once. */
export function sortedChanges(changes: readonly RightsChange[]): RightsChange[] {
  const seen = new Set<string>()
  return changes
    .filter(({ direction, text }) => {
      const key = `${direction} ${text}`
      return seen.has(key) ? false : seen.add(key)
    })
    .toSorted((a, b) => PLACE[a.direction] - PLACE[b.direction])
}
