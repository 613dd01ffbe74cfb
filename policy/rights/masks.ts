// What a change of masks, or of who is excepted from them, means for what roles see. Pure.

import { columnPatternOf } from '../column-pattern.js'
import { canonicalText } from '../difference.js'
import { MASK_METHODS, maskingFor } from '../masking.js'
import type { ColumnMask, JudgedMasking, UseRule } from '../masking.js'
import type { Policy } from '../policy.js'
import { changed, directionOf, type Direction, type RightsChange } from './change.js'
import { askText } from './commands.js'

/** A column to ask both policies about, and how it is spelt in a mask. */
interface Column {
  readonly spelt: string
  readonly relation: string
  readonly column: string
}

interface Said {
  readonly text: string
  readonly rank: number
}

/** What one role on one resource sees differently, keyed by the sentence without the role. */
type Findings = Map<string, RightsChange>

/** For roles that are there before and after; of the others nothing is seen, or all of it is new. */
export function maskChanges(before: Policy, after: Policy): RightsChange[] {
  const resources = [...after.resources.keys()].filter((name) => before.resources.has(name))
  return resources.flatMap((resource) => {
    const roles = [...after.roles.values()]
      .filter(({ name, on }) => on.includes(resource) && isOn(before, name, resource))
      .map(({ name }) => name)
    const columns = columnsOf([before, after], resource)
    const byRole = roles.map((role) => [role, findings(before, after, role, resource, columns)])
    return told(resource, new Map(byRole as [string, Findings][]))
  })
}

const isOn = (policy: Policy, role: string, resource: string): boolean =>
  policy.roles.get(role)?.on.includes(resource) === true

/** A sentence that holds for every role says so. */
function told(resource: string, byRole: ReadonlyMap<string, Findings>): RightsChange[] {
  const sentences = new Map<string, { change: RightsChange; roles: string[] }>()
  for (const [role, found] of byRole)
    for (const [key, change] of found) {
      const same = sentences.get(key)
      if (same === undefined) sentences.set(key, { change, roles: [role] })
      else same.roles.push(role)
    }
  return [...sentences.values()].map(({ change, roles }) => {
    const isAll = roles.length > 1 && roles.length === byRole.size
    const who = isAll ? 'every role' : `role ${roles.join(', ')}`
    return changed(change.direction, `${who} on ${resource}: ${change.text}`)
  })
}

/** A name that no pattern spells: whatever a star reaches beyond what is named. */
const OTHER = '\u0001other'

function columnsOf(policies: readonly Policy[], resource: string): Column[] {
  const columns = new Map<string, Column>()
  for (const { document } of policies)
    for (const text of document.masks.flatMap((mask) => mask.columns ?? [])) {
      const pattern = columnPatternOf(text)
      if (pattern.resource !== '*' && pattern.resource !== resource) continue
      const spelt = text.slice(text.indexOf('/') + 1)
      columns.set(spelt, { spelt, ...placeOf(spelt) })
    }
  return [...columns.values()]
}

/** `schema.relation.column`, `schema.*.column` or `*.column`, with names that only the stars reach. */
function placeOf(spelt: string): Pick<Column, 'relation' | 'column'> {
  const dot = spelt.lastIndexOf('.')
  const [place, column] = [spelt.slice(0, dot), spelt.slice(dot + 1)]
  const relation = place === '*' ? `${OTHER}.${OTHER}` : place.replace(/\.\*$/, `.${OTHER}`)
  return { relation, column: column === '*' ? OTHER : column }
}

function findings(
  before: Policy,
  after: Policy,
  role: string,
  resource: string,
  columns: readonly Column[],
): Findings {
  const [from, to] = [maskingFor(before, role, resource), maskingFor(after, role, resource)]
  const found: Findings = new Map()
  const compare = (subject: string, was: Said, is: Said) => {
    if (was.text === is.text) return
    const direction: Direction = directionOf(was.rank, is.rank)
    const text = `${subject} ${is.text} (was: ${was.text})`
    found.set(`${direction} ${text}`, changed(direction, text))
  }
  for (const column of columns) {
    compare(column.spelt, shownAs(from, column), shownAs(to, column))
    for (const use of ['derived', 'conditions'] as const)
      compare(`${WORDS[use]} ${column.spelt}`, usedAs(from, column, use), usedAs(to, column, use))
  }
  const finds = new Map([...(from === undefined ? [] : findsOf(from)), ...findsOf(to)])
  for (const what of finds.keys())
    compare(`${what} found in any value`, foundAs(from, what), foundAs(to, what))
  return found
}

const WORDS = { derived: 'computing with', conditions: 'searching by' } as const
const CLEAR: Said = { text: 'is shown in the clear', rank: MASK_METHODS.length }

/** The stricter the method, the less is seen. */
const maskSaid = ({ how, fixed }: ColumnMask, more = ''): Said => ({
  text: `is masked by ${how}${fixed === undefined ? '' : ` ${JSON.stringify(fixed)}`}${more}`,
  rank: MASK_METHODS.length - 1 - MASK_METHODS.indexOf(how),
})

function shownAs(masking: JudgedMasking | undefined, { relation, column }: Column): Said {
  const mask = masking?.columnMask(relation, column)
  return mask === undefined ? CLEAR : maskSaid(mask)
}

function usedAs(
  masking: JudgedMasking | undefined,
  { relation, column }: Column,
  use: 'derived' | 'conditions',
): Said {
  const rules = (masking?.rulesOf(relation, column) ?? []).map((rule) => rule[use])
  const [strictest] = rules.map(ruleSaid).toSorted((a, b) => a.rank - b.rank)
  return strictest ?? ruleSaid('allow')
}

function ruleSaid(rule: UseRule): Said {
  if (rule === 'allow') return { text: 'is left to the lines', rank: 1_000 }
  if (rule === 'block') return { text: 'is blocked', rank: 0 }
  return { text: askText(rule), rank: 500 - rule.quorum }
}

const findsOf = (masking: JudgedMasking | undefined): (readonly [string, string])[] =>
  (masking?.detect ?? []).flatMap(({ detectors, patterns }) => [
    ...detectors.map((name) => [name, ''] as const),
    ...patterns.map(({ name, pattern }) => [name, pattern] as const),
  ])

/** By the strictest of the masks that look for it. */
function foundAs(masking: JudgedMasking | undefined, what: string): Said {
  const said = (masking?.detect ?? []).flatMap((mask) => {
    const own = mask.patterns.filter(({ name }) => name === what).map(({ pattern }) => pattern)
    const looks = own.length > 0 || (mask.detectors as readonly string[]).includes(what)
    return looks ? [maskSaid(mask, own.length === 0 ? '' : ` (${canonicalText(own)})`)] : []
  })
  return said.toSorted((a, b) => a.rank - b.rank)[0] ?? CLEAR
}
