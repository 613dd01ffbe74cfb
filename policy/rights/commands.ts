// What a change of roles means for commands: both policies judge the same commands, and where their
// verdicts differ, a line says so. What a line's wording alone changes is not seen. Pure.

import type { Approval, Verdict } from '../../core/verdict.js'
import { canonicalText } from '../difference.js'
import { approvalText } from '../explain.js'
import { judgeCommand } from '../judge-command.js'
import { maskingFor } from '../masking.js'
import type { Policy } from '../policy.js'
import { changed, directionOf, type Direction, type RightsChange } from './change.js'
import { ANYWHERE_ELSE, NOWHERE, probesFor, type Probe } from './probes.js'

/** What is said of a verdict, and how much it permits. */
interface Said {
  readonly text: string
  readonly rank: number
}

/** Verdicts that differ, with everything that they are the same for. */
interface Transition {
  readonly before: Said
  readonly after: Said
  /** By what is done: where. */
  readonly cases: Map<string, Set<string>>
}

/** One list for all roles; a role on several resources is told of once where all is the same. */
export function commandChanges(before: Policy, after: Policy): RightsChange[] {
  const names = new Set([...before.roles.keys(), ...after.roles.keys()])
  return [...names].flatMap((name) => roleChanges(name, before, after))
}

function roleChanges(name: string, before: Policy, after: Policy): RightsChange[] {
  const known = [before.roles.get(name), after.roles.get(name)].filter((role) => role !== undefined)
  const probes = probesFor(known)
  const resources = [...new Set(known.flatMap(({ on }) => on))]
  const bySentences = new Map<string, { changes: RightsChange[]; on: string[] }>()
  for (const resource of resources) {
    const changes =
      probes === undefined
        ? untold(documentOf(before, name), documentOf(after, name))
        : placeChanges(probes, (probe) => [
            saidOf(before, name, resource, probe),
            saidOf(after, name, resource, probe),
          ])
    const key = canonicalText(changes)
    const same = bySentences.get(key)
    if (same === undefined) bySentences.set(key, { changes, on: [resource] })
    else same.on.push(resource)
  }
  return [...bySentences.values()].flatMap(({ changes, on }) =>
    changes.map(({ direction, text }) =>
      changed(direction, `role ${name} on ${on.join(', ')}: ${text}`),
    ),
  )
}

type RoleDocument = Policy['document']['roles'][number] | undefined

const documentOf = ({ document }: Policy, name: string): RoleDocument =>
  document.roles.find((role) => role.name === name)

/** Too many lines to compare: it might be more, so it is said to be more. */
function untold(before: RoleDocument, after: RoleDocument): RightsChange[] {
  return canonicalText(before) === canonicalText(after)
    ? []
    : [changed('widens', 'its lines changed, and are too many to be compared; read them')]
}

function saidOf(policy: Policy, name: string, resource: string, { command }: Probe): Said {
  const isThere = policy.roles.get(name)?.on.includes(resource) === true
  if (!isThere) return { text: 'the role is not there', rank: 0 }
  const verdict = judgeCommand(policy, name, resource, command)
  const hasMasks = maskingFor(policy, name, resource)?.hasColumns === true
  return said(verdict, hasMasks)
}

function said(verdict: Verdict, hasMasks: boolean): Said {
  if (verdict.outcome === 'allow') return { text: 'passes without asking', rank: 1_000 }
  if (verdict.outcome === 'ask') {
    // The more people have to agree, the less is permitted.
    return { text: askText(verdict.approval), rank: 500 - verdict.approval.quorum }
  }
  const isByMask = hasMasks && verdict.reasons.some(({ code }) => code === 'masked-unknown')
  return { text: isByMask ? 'is blocked, because columns are masked' : 'is blocked', rank: 0 }
}

/** Whom an approval asks, with whatever else it says. */
export const askText = (approval: Approval): string => `asks ${approvalText(approval)}`

function placeChanges(
  probes: readonly Probe[],
  judge: (probe: Probe) => readonly [Said, Said],
): RightsChange[] {
  const transitions = new Map<string, Transition>()
  const keys = new Map<string, string>()
  for (const probe of probes) {
    const [from, to] = judge(probe)
    if (from.text === to.text || isTrivial(from, to)) continue
    const key = `${from.text} → ${to.text}`
    keys.set(`${probe.what}\n${probe.where}`, key)
    if (probe.impliedBy.some((what) => keys.get(`${what}\n${probe.where}`) === key)) continue
    const transition = transitions.get(key) ?? transitionOf(from, to)
    transitions.set(key, transition)
    const where = transition.cases.get(probe.what) ?? new Set<string>()
    transition.cases.set(probe.what, where.add(probe.where))
  }
  const wheres = new Set(probes.map(({ where }) => where))
  return [...transitions.values()].flatMap((transition) => sentences(transition, wheres))
}

const transitionOf = (before: Said, after: Said): Transition => ({
  ...{ before, after },
  cases: new Map(),
})

/** A role that comes or goes is told by what it permits, not by all that it blocks. */
const isTrivial = (from: Said, to: Said): boolean => from.rank === 0 && to.rank === 0

function sentences({ before, after, cases }: Transition, all: ReadonlySet<string>): RightsChange[] {
  const direction: Direction = directionOf(before.rank, after.rank)
  const byPlaces = new Map<string, string[]>()
  for (const [what, where] of cases) {
    const places = placesText(where, all)
    byPlaces.set(places, [...(byPlaces.get(places) ?? []), what])
  }
  return [...byPlaces].map(([places, whats]) => {
    const subject = whats.join(', ')
    return changed(direction, `${subject}${places} ${after.text} (was: ${before.text})`)
  })
}

function placesText(where: ReadonlySet<string>, all: ReadonlySet<string>): string {
  const named = [...all].filter((one) => one !== NOWHERE)
  const isEverywhere = named.every((one) => where.has(one))
  if (isEverywhere) return where.has(NOWHERE) || named.length === 1 ? '' : ' on any relation'
  if (where.size === 1 && where.has(NOWHERE)) return ' that names no relation'
  const list = [...where].filter((one) => one !== NOWHERE && one !== ANYWHERE_ELSE)
  const elsewhere = where.has(ANYWHERE_ELSE) ? [ANYWHERE_ELSE] : []
  const nowhere = where.has(NOWHERE) ? ', or naming none,' : ''
  return ` on ${[...list, ...elsewhere].join(', ')}${nowhere}`
}
