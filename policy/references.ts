// Checks that hold between parts of a policy: every name that is used exists, names are unique, and
// what is asked can be answered. Says everything at once.

import { SERVICE_KEY_ISSUER } from '../core/service-key.js'
import { PATTERN_COUNT_MAX } from './detect/patterns.js'
import { columnPatternOf } from './column-pattern.js'
import { hasLabels } from './compile-masks.js'
import { durationMs } from './duration.js'
import type { Path, Problem } from './problem.js'
import { nearestOf, pathText, PROBLEM_COUNT_MAX } from './problem.js'
import type { Entry, NamedSection, Sections } from './shape.js'

type MatcherDocument = Sections['access'][number]['value']['who']
type Report = (path: Path, what: string, nearest?: string) => void

const ONE: Readonly<Record<NamedSection, string>> = {
  issuers: 'issuer',
  resources: 'resource',
  roles: 'role',
  approvers: 'approver group',
}

/** Everything wrong between the parts. `lineOf` finds the line of a place. */
export function referenceProblems(
  sections: Sections,
  lineOf: (path: Path) => number | undefined,
): readonly Problem[] {
  const problems: Problem[] = []
  const report: Report = (path, what, nearest) => {
    if (problems.length <= PROBLEM_COUNT_MAX)
      problems.push({ path: pathText(path), line: lineOf(path), what, nearest })
  }
  const check = new Check(sections, report)
  for (const section of ['issuers', 'resources', 'roles'] as const)
    reportRepeated(sections.names[section], `another ${ONE[section]} has this name`, report)
  checkIssuers(sections, check, report)
  checkResources(sections, report)
  for (const role of sections.roles) checkRole(role, check)
  checkMasks(sections, check, report)
  checkAccess(sections, check, report)
  for (const { path, value } of sections.approvers) {
    value.members.forEach((member, at) => check.matcher([...path, 'members', at], member))
    checkEscalation([...path, 'escalate', 'to'], value.escalate?.to, String(path[1]), check, report)
  }
  const { secondPerson, ...duties } = sections.duties
  for (const [duty, groups] of Object.entries(duties))
    groups.forEach((group, at) => check.name('approvers', ['duties', duty, at], group))
  if (secondPerson) check.twoPeople(['duties', 'secondPerson'], duties.apply)
  return problems
}

/** An approval as far as it refers to a group. */
interface Asked {
  readonly approvers: string
  readonly quorum?: number | undefined
  readonly timeout?: string | undefined
}

/** Looks names up; reports those that lead nowhere with the nearest that exists. */
class Check {
  readonly #report: Report
  readonly #known: Readonly<Record<NamedSection, ReadonlySet<string>>>
  /** Issuers that vouch for anybody, as far as the policy says. */
  readonly #open: ReadonlySet<string>
  /** After what time a group escalates. */
  readonly #escalations: ReadonlyMap<string, string>
  /** How many people a group has; undefined when that can't be counted. */
  readonly #people: ReadonlyMap<string, number | undefined>

  constructor(sections: Sections, report: Report) {
    this.#report = report
    const known = (section: NamedSection) =>
      new Set(sections.names[section].map(({ value }) => value))
    const issuers = known('issuers')
    if (sections.acceptsServiceKeys) issuers.add(SERVICE_KEY_ISSUER)
    this.#known = {
      issuers,
      resources: known('resources'),
      roles: known('roles'),
      approvers: known('approvers'),
    }
    this.#open = new Set(
      sections.issuers
        .filter(({ value }) => Object.keys(value.require).length === 0)
        .map(({ value }) => value.name),
    ).add(SERVICE_KEY_ISSUER)
    this.#escalations = new Map(
      sections.approvers.flatMap(({ path, value: { escalate } }) =>
        escalate === undefined ? [] : [[String(path[1]), escalate.after]],
      ),
    )
    this.#people = new Map(
      sections.approvers.map(({ path, value }) => [String(path[1]), countable(value.members)]),
    )
  }

  name(section: NamedSection, path: Path, name: string): boolean {
    const known = this.#known[section]
    if (known.has(name)) return true
    this.#report(path, `there is no ${ONE[section]} ${name}`, nearestOf(name, [...known]))
    return false
  }

  names(section: NamedSection, path: Path, names: readonly string[]): void {
    names.forEach((name, at) => this.name(section, [...path, at], name))
  }

  /** The group must exist and be able to reach the quorum. */
  approval(path: Path, asked: Asked): void {
    if (!this.name('approvers', [...path, 'approvers'], asked.approvers)) return
    const after = this.#escalations.get(asked.approvers)
    const { timeout = '15m' } = asked
    if (after !== undefined && durationMs(timeout) <= durationMs(after))
      this.#report(
        [...path, 'timeout'],
        `must be longer than ${after}, after which ${asked.approvers} escalates`,
      )
    const people = this.#people.get(asked.approvers)
    const quorum = asked.quorum ?? 1
    if (people !== undefined && people < quorum)
      this.#report(
        [...path, 'quorum'],
        `asks for ${quorum} people, but ${asked.approvers} has only ${people}`,
      )
  }

  /** Between them the groups must hold two people. */
  twoPeople(path: Path, groups: readonly string[]): void {
    const people = groups.map((group) => (this.#people.has(group) ? this.#people.get(group) : 0))
    if (people.includes(undefined)) return
    const count = people.reduce<number>((sum, one = 0) => sum + one, 0)
    if (count < 2)
      this.#report(path, `asks for 2 people, but those with the duty apply are ${count}`)
  }

  matcher(path: Path, matcher: MatcherDocument): void {
    const { issuer, actor, ...conditions } = matcher
    this.name('issuers', [...path, 'issuer'], issuer)
    if (this.#open.has(issuer) && Object.keys(conditions).length === 0)
      this.#report(
        path,
        `matches everybody that ${issuer} vouches for; add subject, group or a claim, or give the issuer a require`,
      )
    for (const [claim, meant] of Object.entries(MISNAMED))
      if (Object.hasOwn(matcher, claim))
        this.#report([...path, claim], 'is never a claim that can be matched', meant)
    for (const claim of Object.keys(conditions).filter((one) => one.startsWith('/')))
      this.#report(
        [...path, claim],
        'is a path: name it under the issuer’s attributes, and match that name',
      )
    for (const one of actor === undefined ? [] : [actor].flat()) {
      const name = String(one).split('/', 1)[0] ?? ''
      if (!String(one).includes('/')) this.#report([...path, 'actor'], 'must be issuer/subject')
      else this.name('issuers', [...path, 'actor'], name)
    }
  }
}

/** Words that are tempting in a matcher and would silently match nobody, with the right ones. */
const MISNAMED: Readonly<Record<string, string>> = {
  sub: 'subject',
  iss: 'issuer',
  groups: 'group',
  act: 'actor',
}

/** Names that mean something else in a matcher, or that every token has. */
const RESERVED = new Set(['issuer', 'subject', 'group', 'actor', ...Object.keys(MISNAMED), 'aud'])

/** How many people a group has, if its members are all named one by one. */
function countable(members: readonly MatcherDocument[]): number | undefined {
  const people = new Set<string>()
  for (const { issuer, subject } of members) {
    if (subject === undefined) return undefined
    for (const one of [subject].flat()) people.add(`${issuer}/${String(one)}`)
  }
  return people.size
}

function reportRepeated(entries: readonly Entry<string>[], what: string, report: Report): void {
  const seen = new Set<string>()
  for (const { path, value } of entries) {
    if (seen.has(value)) report(path, what)
    seen.add(value)
  }
}

function checkIssuers(sections: Sections, check: Check, report: Report): void {
  const urls = sections.issuers.map(({ path, value }) => ({
    path: [...path, 'issuer'],
    value: value.issuer,
  }))
  reportRepeated(urls, 'another issuer has this URL', report)
  for (const { path, value } of sections.issuers) {
    if (value.name === SERVICE_KEY_ISSUER)
      report([...path, 'name'], 'is the name that service keys have')
    if (value.audience === undefined && sections.audience === undefined)
      report([...path, 'audience'], 'is missing: give gateway.audience, or one of its own')
    for (const taken of Object.keys(value.attributes).filter((one) => RESERVED.has(one)))
      report([...path, 'attributes', taken], 'has a name that rules can’t match as an attribute')
    for (const other of Object.keys(value.aliases))
      check.name('issuers', [...path, 'aliases', other], other)
  }
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]):\d+$/

function checkResources(sections: Sections, report: Report): void {
  for (const { path, value } of sections.resources) {
    if (value.tls === 'off' && !LOOPBACK.test(value.address))
      report([...path, 'tls'], 'may be off only for a target on the same host')
    if (value.tlsAuthority !== undefined && !value.tls.startsWith('verify'))
      report([...path, 'tlsAuthority'], `is never looked at with tls: ${value.tls}`)
  }
}

function checkRole({ path, value }: Sections['roles'][number], check: Check): void {
  check.names('resources', [...path, 'on'], value.on)
  value.ask.forEach((line, at) => check.approval([...path, 'ask', at], line))
  if (value.approvers !== undefined) check.approval(path, { ...value, approvers: value.approvers })
  if (value.plans !== undefined) check.approval([...path, 'plans'], value.plans)
}

function checkMasks(sections: Sections, check: Check, report: Report): void {
  let patternCount = 0
  for (const { path, value } of sections.masks) {
    value.columns?.forEach((column, at) => {
      const { resource } = columnPatternOf(column)
      if (resource !== '*') check.name('resources', [...path, 'columns', at], resource)
    })
    check.names('roles', [...path, 'except'], value.except ?? [])
    if (value.approvers !== undefined)
      check.approval(path, { ...value, approvers: value.approvers })
    checkPlace([...path, 'on'], value.on, sections, check, report)
    patternCount += value.patterns?.length ?? 0
    if (patternCount > PATTERN_COUNT_MAX) {
      report([...path, 'patterns'], `makes more than ${PATTERN_COUNT_MAX} patterns in all`)
      patternCount = Number.NEGATIVE_INFINITY
    }
  }
}

/** Labels that no resource has would mask nothing, silently. */
function checkPlace(
  path: Path,
  on: Sections['masks'][number]['value']['on'],
  { resources, names }: Sections,
  check: Check,
  report: Report,
): void {
  if (on === undefined) return
  if (Array.isArray(on)) {
    check.names('resources', path, on)
    return
  }
  // A broken resource may be the one that is meant.
  if (resources.length < names.resources.length) return
  const known = [...new Set(resources.flatMap(({ value }) => Object.keys(value.labels)))]
  const unknown = Object.keys(on).filter((label) => !known.includes(label))
  for (const label of unknown)
    report([...path, label], 'is a label that no resource has', nearestOf(label, known))
  if (unknown.length === 0 && !resources.some(({ value }) => hasLabels(value.labels, on)))
    report(path, 'fits the labels of no resource')
}

/** One step only, so that two groups may stand in for each other; to itself says nothing. */
function checkEscalation(
  path: Path,
  to: string | undefined,
  group: string,
  check: Check,
  report: Report,
): void {
  if (to === undefined || !check.name('approvers', path, to)) return
  if (to === group) report(path, 'is the same group; name another one')
}

function checkAccess(sections: Sections, check: Check, report: Report): void {
  const roles = new Map(sections.roles.map(({ value }) => [value.name, value]))
  for (const { path, value } of sections.access) {
    check.matcher([...path, 'who'], value.who)
    if (value.approval !== undefined) check.approval([...path, 'approval'], value.approval)
    if (value.breakGlass !== undefined)
      check.name('approvers', [...path, 'breakGlass', 'approvers'], value.breakGlass.approvers)
    if (value.on !== undefined) check.names('resources', [...path, 'on'], value.on)
    if (!check.name('roles', [...path, 'role'], value.role)) continue
    const role = roles.get(value.role)
    for (const [at, resource] of (value.on ?? []).entries())
      if (role !== undefined && !role.on.includes(resource))
        report(
          [...path, 'on', at],
          `role ${role.name} does not exist there`,
          nearestOf(resource, role.on),
        )
  }
}
