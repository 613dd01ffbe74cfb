// A command in words for reasons: short and visible, whatever its names hold. Pure.

import { EFFECTS } from '../core/command.js'
import type { CommandPart, Effect } from '../core/command.js'
import { visibleShort } from '../core/visible.js'

/** Relations, columns, and words of explanation, that one reason names. */
const NAMED_COUNT_MAX = 3
const NAME_LENGTH_MAX = 130

/** Where an effect stands on the rising axis. */
export const rank = (effect: Effect): number => EFFECTS.indexOf(effect)

/** `create-table (ddl) on public.orders`, and why an effect is as high as it is. */
export function described({ kind, effect, relations, because }: CommandPart): string {
  const names = few([...new Set(relations.map((use) => use.relation))])
  const on = names === '' ? '' : ` on ${names}`
  const why = rank(effect) > rank('write') ? few(because) : ''
  return `${kind} (${effect}${why === '' ? '' : `: ${why}`})${on}`
}

/** The first of these, and how many more there are. */
export function few(texts: readonly string[]): string {
  const named = texts.slice(0, NAMED_COUNT_MAX).map(shown).join(', ')
  const more = texts.length - NAMED_COUNT_MAX
  return more > 0 ? `${named} and ${more} more` : named
}

/** One name, without what can't be seen, cut when it is long. */
export const shown = (text: string): string => visibleShort(text, NAME_LENGTH_MAX)
