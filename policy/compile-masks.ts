// Turns the masks of a validated document into the masking of each role on each resource, once. It
// trusts the document and checks nothing.

import { approvalOf } from './compile-approval.js'
import { columnPatternOf, fitsColumn } from './column-pattern.js'
import type { ColumnPattern } from './column-pattern.js'
import { MASK_METHODS } from './masking.js'
import type {
  ColumnMask,
  ColumnRule,
  DetectMask,
  JudgedMasking,
  MaskingTable,
  UseRule,
} from './masking.js'
import type { PolicyDocument } from './schema.js'

type MaskDocument = PolicyDocument['masks'][number]
type ResourceDocument = PolicyDocument['resources'][number]

/** A mask, prepared for every resource and role. */
interface Rule {
  readonly except: ReadonlySet<string>
  readonly patterns: readonly ColumnPattern[]
  readonly columns: ColumnRule
  readonly detect: DetectMask | undefined
  readonly on: MaskDocument['on']
}

/** A pattern with the rule that it belongs to. */
interface PatternRule {
  readonly pattern: ColumnPattern
  readonly rule: ColumnRule
}

const NO_RULES: readonly PatternRule[] = Object.freeze([])
/** Stands for every role, or resource, that is not there; no name is empty. */
const NOT_THERE = ''

/** The maskings of all roles and resources of the document. */
export const compileMasks = (document: PolicyDocument): MaskingTable => new Maskings(document)

/** Makes each masking when it is first asked for: most pairs of a role and a resource never are. */
class Maskings implements MaskingTable {
  readonly #rules: readonly Rule[]
  readonly #resources: ReadonlyMap<string, ResourceDocument>
  readonly #rolePlaces: ReadonlyMap<string, ReadonlySet<string>>
  readonly #made = new Map<string, Map<string, JudgedMasking | undefined>>()

  constructor({ masks, resources, roles, approvers }: PolicyDocument) {
    this.#rules = masks.map((mask, at) => ({
      except: new Set(mask.except),
      patterns: mask.columns?.map(columnPatternOf) ?? [],
      columns: columnRuleOf(mask, at, approvers),
      detect: detectOf(mask, at),
      on: mask.on,
    }))
    this.#resources = new Map(resources.map((resource) => [resource.name, resource]))
    this.#rolePlaces = new Map(roles.map(({ name, on }) => [name, new Set(on)]))
  }

  of(role: string, resource: string): JudgedMasking | undefined {
    const made = this.#made.get(resource)
    return made?.has(role) === true ? made.get(role) : this.#find(role, resource)
  }

  /** Names that are not there share one masking, so that what is kept stays bounded. */
  #find(role: string, resource: string): JudgedMasking | undefined {
    const place = this.#resources.has(resource) ? resource : NOT_THERE
    const who = this.#rolePlaces.get(role)?.has(place) === true ? role : NOT_THERE
    if (place !== resource || who !== role) return this.of(who, place)
    const masking = this.#make(role, this.#resources.get(resource))
    const made = this.#made.get(resource) ?? new Map<string, JudgedMasking | undefined>()
    this.#made.set(resource, made.set(role, masking))
    return masking
  }

  #make(role: string, resource: ResourceDocument | undefined): JudgedMasking | undefined {
    const rules = this.#rules.filter(({ except }) => !except.has(role))
    const columns = rules.flatMap(({ patterns, columns: rule }) =>
      patterns
        .filter((pattern) => pattern.resource === '*' || pattern.resource === resource?.name)
        .map((pattern) => ({ pattern, rule })),
    )
    const detect = rules.flatMap((rule) =>
      rule.detect !== undefined && isSearched(rule.on, resource) ? rule.detect : [],
    )
    if (columns.length === 0 && detect.length === 0) return undefined
    return new RoleMasking(columns, detect)
  }
}

function isSearched(on: MaskDocument['on'], resource: ResourceDocument | undefined): boolean {
  if (on === undefined) return true
  if (isNames(on)) return resource !== undefined && on.includes(resource.name)
  return resource === undefined || hasLabels(resource.labels, on)
}

const isNames = (on: NonNullable<MaskDocument['on']>): on is string[] => Array.isArray(on)

/** True when each label that is asked for is there, with a value that will do. */
export function hasLabels(
  labels: ResourceDocument['labels'],
  asked: Exclude<NonNullable<MaskDocument['on']>, string[]>,
): boolean {
  return Object.entries(asked).every(
    ([label, values]) =>
      Object.hasOwn(labels, label) &&
      [values].flat().some((value) => String(value) === String(labels[label])),
  )
}

function columnMaskOf({ how, value }: MaskDocument, at: number): ColumnMask {
  const fixed = value === undefined ? undefined : String(value)
  return Object.freeze({ label: `mask ${at + 1}`, how, fixed })
}

function columnRuleOf(
  mask: MaskDocument,
  at: number,
  groups: PolicyDocument['approvers'],
): ColumnRule {
  const {
    approvers = '',
    quorum = 1,
    timeout = '15m',
    reason = 'optional',
    derived = 'block',
    conditions = 'block',
  } = mask
  const approval = approvalOf({ approvers, quorum, timeout, reason }, groups)
  const use = (stated: 'allow' | 'block' | 'ask'): UseRule => (stated === 'ask' ? approval : stated)
  return { mask: columnMaskOf(mask, at), derived: use(derived), conditions: use(conditions) }
}

function detectOf(mask: MaskDocument, at: number): DetectMask | undefined {
  if (mask.columns !== undefined) return undefined
  const { detect = [], patterns = [] } = mask
  return { ...columnMaskOf(mask, at), detectors: detect, patterns }
}

const strictness = ({ rule }: PatternRule): number => MASK_METHODS.indexOf(rule.mask.how)

/** What one set of rules masks; asked for single columns without allocating. */
class RoleMasking implements JudgedMasking {
  readonly hasColumns: boolean
  readonly detect: readonly DetectMask[]
  /** Rules of one relation, by its name, and those of more; the strictest mask first in each list. */
  readonly #named = new Map<string, PatternRule[]>()
  readonly #others: readonly PatternRule[]

  constructor(columns: readonly PatternRule[], detect: readonly DetectMask[]) {
    this.hasColumns = columns.length > 0
    this.detect = detect
    const strictestFirst = columns.toSorted((a, b) => strictness(b) - strictness(a))
    this.#others = strictestFirst.filter(({ pattern }) => pattern.relation === undefined)
    for (const one of strictestFirst) {
      const { relation } = one.pattern
      if (relation === undefined) continue
      const same = this.#named.get(relation)
      if (same === undefined) this.#named.set(relation, [one])
      else same.push(one)
    }
  }

  columnMask(relation: string, column: string): ColumnMask | undefined {
    const named = firstOf(this.#named.get(relation) ?? NO_RULES, relation, column)
    const other = firstOf(this.#others, relation, column)
    if (named === undefined || other === undefined) return (named ?? other)?.rule.mask
    return strictness(other) > strictness(named) ? other.rule.mask : named.rule.mask
  }

  rulesOf(relation: string, column: string): readonly ColumnRule[] {
    const fitting = [...(this.#named.get(relation) ?? NO_RULES), ...this.#others]
      .filter(({ pattern }) => fitsColumn(pattern, relation, column))
      .toSorted((a, b) => strictness(b) - strictness(a))
    return [...new Set(fitting.map(({ rule }) => rule))]
  }
}

function firstOf(
  rules: readonly PatternRule[],
  relation: string,
  column: string,
): PatternRule | undefined {
  for (const one of rules) if (fitsColumn(one.pattern, relation, column)) return one
  return undefined
}
