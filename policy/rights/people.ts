// What a change of issuers, resources, approver groups and duties means: whose word counts. Pure.

import { canonicalText } from '../difference.js'
import { matcherText } from '../explain.js'
import type { Duty, Issuer, Matcher, Policy } from '../policy.js'
import { includes } from './access.js'
import { changed, directionOf, type Direction, type RightsChange } from './change.js'

/** Who vouches, what is reached, who decides, and who may do what is not a decision. */
export const peopleChanges = (before: Policy, after: Policy): RightsChange[] => [
  ...named(before.issuers, after.issuers).flatMap(([name, from, to]) => issuer(name, from, to)),
  ...named(documents(before, 'resources'), documents(after, 'resources')).flatMap(
    ([name, from, to]) => resource(name, from, to),
  ),
  ...named(before.approvers, after.approvers).flatMap(([name, from = [], to = []]) =>
    group(name, from, to),
  ),
  ...(Object.keys(after.duties) as Duty[]).flatMap((duty) => duties(duty, before, after)),
  ...secondPerson(before, after),
  ...fields('the gateway', before.document.gateway, after.document.gateway, {}),
]

type Pair<T> = readonly [name: string, before: T | undefined, after: T | undefined]

const named = <T>(before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>): Pair<T>[] =>
  [...new Set([...before.keys(), ...after.keys()])].map((name) => [
    name,
    before.get(name),
    after.get(name),
  ])

const documents = ({ document }: Policy, section: 'resources') =>
  new Map(document[section].map((item) => [item.name, item]))

function issuer(name: string, from: Issuer | undefined, to: Issuer | undefined): RightsChange[] {
  if (from === undefined)
    return [changed('widens', `tokens of ${to?.issuer ?? ''} are accepted, as ${name}`)]
  if (to === undefined)
    return [changed('narrows', `tokens of ${from.issuer} are no longer accepted, as ${name}`)]
  return fields(`issuer ${name}`, from, to, {
    algorithms: (a, b) => bySets(a, b),
    clockToleranceS: (a, b) => directionOf(Number(a), Number(b)),
    // Fewer parties: somebody behind a job may now approve what it asks.
    parties: (a, b) => bySets(b, a),
    replay: (a, b) => directionOf(REPLAY.indexOf(String(a)), REPLAY.indexOf(String(b))),
    require: (a, b) => byRequired(a as Issuer['require'], b as Issuer['require']),
    tokenAgeMaxS: (a, b) => directionOf(Number(a), Number(b)),
  })
}

/** From the strictest. */
const REPLAY = ['once', 'bind', 'none']

function resource(
  name: string,
  from: { readonly address: string } | undefined,
  to: { readonly address: string } | undefined,
): RightsChange[] {
  if (from === undefined)
    return [changed('widens', `resource ${name} is there, at ${to?.address ?? ''}`)]
  if (to === undefined) return [changed('narrows', `resource ${name} is gone`)]
  return fields(`resource ${name}`, from, to, {})
}

/** The way that a changed field goes, where one can be told. */
type Judges = Readonly<Record<string, (before: unknown, after: unknown) => Direction>>

function fields(subject: string, before: object, after: object, judges: Judges): RightsChange[] {
  const [from, to] = [new Map(Object.entries(before)), new Map(Object.entries(after))]
  return named<unknown>(from, to).flatMap(([key, was, is]) => {
    if (canonicalText(was) === canonicalText(is)) return []
    const direction = judges[key]?.(was, is) ?? 'changes'
    return [
      changed(direction, `${subject}: ${key} is ${canonicalText(is)} (was: ${canonicalText(was)})`),
    ]
  })
}

/** More entries permit more. */
function bySets(before: unknown, after: unknown): Direction {
  const [from, to] = [new Set([before].flat()), new Set([after].flat())]
  if ([...from].every((one) => to.has(one))) return 'widens'
  return [...to].every((one) => from.has(one)) ? 'narrows' : 'changes'
}

/** Fewer claims, or more values for them, accept more tokens. */
function byRequired(before: Issuer['require'], after: Issuer['require']): Direction {
  const accepts = (wide: Issuer['require'], narrow: Issuer['require']) =>
    Object.entries(wide).every(
      ([claim, values]) => narrow[claim]?.every((value) => values.includes(value)) === true,
    )
  if (accepts(after, before)) return 'widens'
  return accepts(before, after) ? 'narrows' : 'changes'
}

function group(name: string, from: readonly Matcher[], to: readonly Matcher[]): RightsChange[] {
  const missing = (members: readonly Matcher[], others: readonly Matcher[]) =>
    members.filter((member) => !others.some((other) => includes(other, member)))
  return [
    ...missing(to, from).map((member) =>
      changed('widens', `${matcherText(member)} decides for ${name}`),
    ),
    ...missing(from, to).map((member) =>
      changed('narrows', `${matcherText(member)} no longer decides for ${name}`),
    ),
  ]
}

function duties(duty: Duty, before: Policy, after: Policy): RightsChange[] {
  const [from, to] = [new Set(before.duties[duty]), new Set(after.duties[duty])]
  return [
    ...[...to]
      .filter((name) => !from.has(name))
      .map((name) => changed('widens', `${name} has the duty ${duty}`)),
    ...[...from]
      .filter((name) => !to.has(name))
      .map((name) => changed('narrows', `${name} no longer has the duty ${duty}`)),
  ]
}

function secondPerson(before: Policy, after: Policy): RightsChange[] {
  if (before.secondPerson === after.secondPerson) return []
  return after.secondPerson
    ? [changed('narrows', 'a policy is applied by two people (was: by one)')]
    : [changed('widens', 'a policy is applied by one person alone (was: by two)')]
}
