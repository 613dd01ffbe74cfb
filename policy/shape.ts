// Holds plain data against the schema and says in our own words what does not fit. What fits is
// handed on even when other parts are broken, so that one run shows every mistake.

import { z } from 'zod'
import type { Path, Problem } from './problem.js'
import { nearestOf, pathText, PROBLEM_COUNT_MAX } from './problem.js'
import { POLICY_SCHEMA, SECTION_ITEMS } from './schema.js'
import type { PolicyDocument } from './schema.js'
import type { Plain, Source } from './source.js'

/** A valid item with the place it stands at. */
export interface Entry<T> {
  readonly path: Path
  readonly value: T
}

type Item<S extends keyof typeof SECTION_ITEMS> = Entry<z.output<(typeof SECTION_ITEMS)[S]>>

/** The items of each section that are valid by themselves, and every name that is stated at all. */
export interface Sections {
  readonly audience: string | undefined
  readonly acceptsServiceKeys: boolean
  readonly issuers: readonly Item<'issuers'>[]
  readonly resources: readonly Item<'resources'>[]
  readonly roles: readonly Item<'roles'>[]
  readonly masks: readonly Item<'masks'>[]
  readonly access: readonly Item<'access'>[]
  readonly approvers: readonly Item<'approvers'>[]
  readonly duties: PolicyDocument['duties']
  /** Names by section, those of broken items included. */
  readonly names: Readonly<Record<NamedSection, readonly Entry<string>[]>>
}

/** Sections whose items have a name that other parts refer to. */
export type NamedSection = 'issuers' | 'resources' | 'roles' | 'approvers'

/** What a source is, held against the schema. */
export interface Shape {
  /** Absent when anything does not fit. */
  readonly document: PolicyDocument | undefined
  readonly sections: Sections
  readonly problems: readonly Problem[]
}

/** Checks everything that can be said without looking from one part to another. */
export function checkShape(source: Source): Shape {
  const { value, problems, issues } = problemsAgainst(POLICY_SCHEMA, source)
  return {
    document: value,
    sections: sectionsOf(withoutUnknownKeys(source.value, issues)),
    problems,
  }
}

/** A source held against any schema: its value, or each mistake with its line and the nearest key. */
export function problemsAgainst<T>(schema: z.ZodType<T>, source: Source) {
  const parsed = schema.safeParse(source.value, { error: wording })
  const issues = parsed.error?.issues ?? []
  const known = issues.some((issue) => issue.code === 'unrecognized_keys')
    ? z.toJSONSchema(schema, { io: 'input' })
    : undefined
  const problems = issues
    .slice(0, PROBLEM_COUNT_MAX + 1)
    .flatMap((issue) => problemsOf(issue, source, known))
  return { value: parsed.data, issues, problems }
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
}

/** What the schema's author did not word himself. */
function wording(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type') {
    const expected = EXPECTED[issue.expected] ?? issue.expected
    return issue.input === undefined
      ? `is missing: ${expected} is needed`
      : `must be ${expected}, not ${kindOf(issue.input)}`
  }
  if (issue.code === 'invalid_value') {
    const missing = issue.input === undefined ? 'is missing: ' : ''
    return `${missing}must be ${issue.values
      .map(String)
      .join(', ')
      .replace(/, ([^,]*)$/, ' or $1')}`
  }
  if (issue.code === 'too_small') return `must ${amount('at least', issue.minimum, issue.origin)}`
  if (issue.code === 'too_big') return `must ${amount('at most', issue.maximum, issue.origin)}`
  return undefined
}

function amount(bound: string, count: number | bigint, origin: string): string {
  if (origin === 'string') return `have ${bound} ${count} character${count === 1 ? '' : 's'}`
  if (origin === 'array') return `have ${bound} ${count} ${count === 1 ? 'entry' : 'entries'}`
  return `be ${bound} ${count}`
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map of keys'
  return typeof value === 'string'
    ? 'text'
    : typeof value === 'number'
      ? 'this number'
      : 'true or false'
}

function problemsOf(issue: z.core.$ZodIssue, { value, lineOf }: Source, known: unknown): Problem[] {
  const path = pathOf(issue.path)
  const at = (place: Path, what: string, nearest?: string): Problem => ({
    path: pathText(place),
    line: lineOf(place),
    what,
    nearest,
  })
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys
        .slice(0, PROBLEM_COUNT_MAX + 1)
        .map((key) => at([...path, key], 'unknown key', nearestOf(key, keysAt(known, path))))
    case 'invalid_key':
      return [at(path, `has a name that ${issue.issues[0]?.message ?? 'is not valid'}`)]
    case 'invalid_value': {
      const written = valueAt(value, path)
      return [
        at(
          path,
          issue.message,
          typeof written === 'string' ? nearestOf(written, issue.values.map(String)) : undefined,
        ),
      ]
    }
    default:
      return [at(path, issue.message)]
  }
}

const pathOf = (path: readonly PropertyKey[]): Path =>
  path.map((step) => (typeof step === 'number' ? step : String(step)))

function valueAt(value: Plain, path: Path): Plain | undefined {
  let at: Plain | undefined = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = Array.isArray(at) ? at[Number(step)] : at[step]
  }
  return at
}

/** The keys that the schema (as JSON Schema) knows at a place. */
function keysAt(schema: unknown, path: Path): readonly string[] {
  let at = schema
  for (const step of path) {
    if (typeof step === 'number') at = member(at, 'items')
    else at = member(member(at, 'properties'), step) ?? member(at, 'additionalProperties')
  }
  const properties = member(at, 'properties')
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : []
}

const member = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined

/** A copy in which only what is wrong beyond a mistyped key is still wrong. */
function withoutUnknownKeys(value: Plain, issues: readonly z.core.$ZodIssue[]): Plain {
  if (!issues.some((issue) => issue.code === 'unrecognized_keys')) return value
  const copy = JSON.parse(JSON.stringify(value)) as Plain
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue
    const owner = valueAt(copy, pathOf(issue.path))
    if (typeof owner !== 'object' || owner === null) continue
    for (const key of issue.keys) Reflect.deleteProperty(owner, key)
  }
  return copy
}

function sectionsOf(value: Plain): Sections {
  const { gateway, duties } = POLICY_SCHEMA.shape
  return {
    audience: gateway.safeParse(member(value, 'gateway')).data?.audience,
    acceptsServiceKeys: gateway.safeParse(member(value, 'gateway')).data?.serviceKeys === 'allow',
    issuers: validItems(value, 'issuers', SECTION_ITEMS.issuers),
    resources: validItems(value, 'resources', SECTION_ITEMS.resources),
    roles: validItems(value, 'roles', SECTION_ITEMS.roles),
    masks: validItems(value, 'masks', SECTION_ITEMS.masks),
    access: validItems(value, 'access', SECTION_ITEMS.access),
    approvers: validItems(value, 'approvers', SECTION_ITEMS.approvers),
    duties: duties.safeParse(member(value, 'duties')).data ?? {
      ...{ revoke: [], apply: [], audit: [] },
      secondPerson: false,
    },
    names: {
      issuers: namesIn(value, 'issuers'),
      resources: namesIn(value, 'resources'),
      roles: namesIn(value, 'roles'),
      approvers: itemsOf(value, 'approvers').map(({ path }) => ({ path, value: String(path[1]) })),
    },
  }
}

function itemsOf(value: Plain, section: string): Entry<unknown>[] {
  const items = member(value, section)
  if (typeof items !== 'object' || items === null) return []
  return Array.isArray(items)
    ? items.map((item: unknown, at) => ({ path: [section, at], value: item }))
    : Object.entries(items).map(([name, item]) => ({
        path: [section, name],
        value: item as unknown,
      }))
}

function validItems<T>(value: Plain, section: string, schema: z.ZodType<T>): Entry<T>[] {
  return itemsOf(value, section).flatMap((item) => {
    const parsed = schema.safeParse(item.value)
    return parsed.success ? [{ path: item.path, value: parsed.data }] : []
  })
}

const namesIn = (value: Plain, section: string): Entry<string>[] =>
  itemsOf(value, section).flatMap(({ path, value: item }) => {
    const name = member(item, 'name')
    return typeof name === 'string' ? [{ path: [...path, 'name'], value: name }] : []
  })
