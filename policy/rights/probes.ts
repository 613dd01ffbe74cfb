// Commands that tell two roles apart: one for each effect, statement, relation and trait that any line
// of either names, and one for what none of them names. Pure.

import { EFFECTS } from '../../core/command.js'
import type { Command, CommandPart, Effect } from '../../core/command.js'
import type { Line, Role } from '../policy.js'
import { STATEMENT_KINDS } from '../statement-kinds.js'

/** One command to be judged under both policies, with the words for it. */
export interface Probe {
  /** `ddl`, `drop-table`, `write without WHERE`, `insert that reads`. */
  readonly what: string
  /** Probes before this one that say the same where their verdicts change in the same way. */
  readonly impliedBy: readonly string[]
  /** `public.orders`, `public.*` for the rest of a schema, or one of the words below. */
  readonly where: string
  readonly command: Command
}

/** Where no pattern of either policy reaches. */
export const ANYWHERE_ELSE = 'any other relation'
/** A change that names no relation: DROP SCHEMA, NOTIFY … */
export const NOWHERE = 'no relation'

/** More can't be compared in the time that a person waits. */
export const PROBE_COUNT_MAX = 40_000

/** No statement has this kind, so that only lines without `statements` fit it. */
const OTHER_KIND = 'other-statement'
/** A name that no pattern of a policy can spell (it has a dot), but `schema.*` would not cover dots. */
const OTHER_NAME = '\u0001other'

interface What {
  readonly kind: string
  readonly effect: Effect
}

/** The commands that tell these roles apart; undefined when there are too many of them. */
export function probesFor(roles: readonly Role[]): readonly Probe[] | undefined {
  const lines = roles.flatMap(({ allow, ask, block }) => [...allow, ...ask, ...block])
  const whats = whatsOf(lines)
  const places = placesOf(lines)
  if (whats.length * (places.length * 2 + 1) * 2 > PROBE_COUNT_MAX) return undefined
  const byWhere = lines.some(({ withoutWhere }) => withoutWhere)
  return whats.flatMap((what) => [
    ...probesOf(what, places, []),
    ...(byWhere && what.effect === 'write' ? probesOf(what, places, ['without-where']) : []),
  ])
}

function whatsOf(lines: readonly Line[]): What[] {
  const whats = new Map<string, What>()
  const add = (kind: string, effect: Effect) => whats.set(`${kind} ${effect}`, { kind, effect })
  for (const effect of EFFECTS) add(OTHER_KIND, effect)
  // Session control that reaches other sessions is judged by the lines, not let through.
  add('notify', 'session-control')
  for (const { statements = [], effects = [] } of lines)
    for (const kind of statements) {
      add(kind, STATEMENT_KINDS.get(kind) ?? 'unknown')
      for (const effect of effects) add(kind, effect)
    }
  return [...whats.values()]
}

type Place = readonly [where: string, relation: string]

function placesOf(lines: readonly Line[]): Place[] {
  const places = new Map<string, string>()
  for (const { relations } of lines) {
    for (const name of relations?.names ?? []) places.set(name, name)
    for (const prefix of relations?.prefixes ?? []) places.set(`${prefix}*`, prefix + OTHER_NAME)
  }
  places.set(ANYWHERE_ELSE, `${OTHER_NAME}.${OTHER_NAME}`)
  return [...places]
}

function probesOf(what: What, places: readonly Place[], traits: CommandPart['traits']): Probe[] {
  const { kind, effect } = what
  const access = effect === 'read' ? 'read' : 'write'
  const [plain, ending] = [kindText(what), traits.length === 0 ? '' : ' without WHERE']
  const make = (reads: string, where: string, relations: CommandPart['relations']): Probe => {
    const part: CommandPart = { kind, effect, relations, traits, because: [] }
    const own = `${plain}${ending}${reads}`
    const others = [effect, plain, `${effect}${ending}`, `${plain}${ending}`]
    const impliedBy = [...others, ...(reads === '' ? [] : ['read', `${effect}${reads}`])]
    return {
      ...{ what: own, where, impliedBy: impliedBy.filter((other) => other !== own) },
      command: { protocol: 'postgres', effect, parts: [part] },
    }
  }
  const probes = places.map(([where, relation]) => make('', where, [{ relation, access }]))
  probes.push(make('', NOWHERE, []))
  if (effect === 'read') return probes
  // What a changing statement reads is judged as reading, but by lines that fit the statement.
  return [
    ...probes,
    ...places.map(([where, relation]) =>
      make(' that reads', where, [{ relation, access: 'read' as const }]),
    ),
  ]
}

function kindText({ kind, effect }: What): string {
  if (kind === OTHER_KIND) return effect
  return STATEMENT_KINDS.get(kind) === effect ? kind : `${kind} (${effect})`
}
