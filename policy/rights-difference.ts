// What a change of the policy gives and takes: not which words were edited, but who may do more, who
// less. It may call a change wider that is not; it does not miss one that is. Pure.

import type { Policy } from './policy.js'
import { accessChanges } from './rights/access.js'
import { sortedChanges, type Direction, type RightsChange } from './rights/change.js'
import { commandChanges } from './rights/commands.js'
import { maskChanges } from './rights/masks.js'
import { peopleChanges } from './rights/people.js'

export type { RightsChange } from './rights/change.js'

/** What widens rights, then what narrows them, then what does neither; empty when nothing does. */
export const rightsDifference = (before: Policy, after: Policy): readonly RightsChange[] =>
  sortedChanges([
    ...accessChanges(before, after),
    ...commandChanges(before, after),
    ...maskChanges(before, after),
    ...peopleChanges(before, after),
  ])

const SIGNS: Readonly<Record<Direction, string>> = { widens: '+', narrows: '-', changes: '~' }

/** `+ role migrator on orders-db: ddl passes without asking (was: asks db-owners within 15m)`. */
export const rightsText = ({ direction, text }: RightsChange): string =>
  `${SIGNS[direction]} ${text}`
