// What changes from one policy to the next, in lines that people read before they apply it. Pure.

import type { Policy } from './policy.js'
import type { PolicyDocument } from './schema.js'

/** Longer values are cut: the difference says what changes, the file says how. */
const VALUE_LENGTH_MAX = 400

/**
 * One line per change, prefixed `+` (added), `-` (removed) or `~` (changed), with the place; empty when
 * both mean the same. Order matters nowhere but in line numbers, so moving a line is no change.
 */
export const describeDifference = (before: Policy, after: Policy): string[] =>
  changes('', comparable(before.document), comparable(after.document))

/**
 * Masks by what they mask: a list of columns is cut when it is long, and the one that is missing must
 * not be lost behind the cut.
 */
const comparable = (document: PolicyDocument): unknown => ({
  ...document,
  masks: byWhatIsMasked(document.masks),
})

function byWhatIsMasked(masks: PolicyDocument['masks']): Record<string, unknown> {
  const masked = new Map<string, unknown[]>()
  const add = (what: string, settings: unknown) => {
    masked.set(what, [...(masked.get(what) ?? []), settings])
  }
  for (const { columns = [], detect = [], patterns = [], ...settings } of masks) {
    for (const column of columns) add(column, settings)
    for (const detector of detect) add(detector, settings)
    for (const { name, pattern } of patterns) add(name, { pattern, ...settings })
  }
  return Object.fromEntries(
    [...masked].map(([what, all]) => [what, all.length === 1 ? all[0] : all]),
  )
}

function changes(place: string, before: unknown, after: unknown): string[] {
  if (text(before) === text(after)) return []
  if (before === undefined) return [`+ ${place}: ${shown(after)}`]
  if (after === undefined) return [`- ${place}: ${shown(before)}`]
  if (Array.isArray(before) && Array.isArray(after)) return listChanges(place, before, after)
  if (isRecord(before) && isRecord(after)) return recordChanges(place, before, after)
  return [`~ ${place}: ${shown(before)} → ${shown(after)}`]
}

function recordChanges(
  place: string,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys].flatMap((key) =>
    changes(place === '' ? key : `${place}.${key}`, own(before, key), own(after, key)),
  )
}

/** Named items are compared with their namesakes; others are there or not there. */
function listChanges(
  place: string,
  before: readonly unknown[],
  after: readonly unknown[],
): string[] {
  const [from, to] = [byName(before), byName(after)]
  if (from !== undefined && to !== undefined) return recordChanges(place, from, to)
  return [
    ...missing(before, after).map((item) => `- ${place}: ${shown(item)}`),
    ...missing(after, before).map((item) => `+ ${place}: ${shown(item)}`),
  ]
}

function byName(items: readonly unknown[]): Record<string, unknown> | undefined {
  const named: [string, unknown][] = []
  for (const item of items) {
    if (!isRecord(item) || typeof item['name'] !== 'string') return undefined
    named.push([item['name'], item])
  }
  return Object.fromEntries(named)
}

/** Items of one list beyond those that the other holds as well, counted. */
function missing(items: readonly unknown[], others: readonly unknown[]): unknown[] {
  const count = new Map<string, number>()
  for (const other of others) count.set(text(other), (count.get(text(other)) ?? 0) + 1)
  return items.filter((item) => {
    const left = count.get(text(item)) ?? 0
    count.set(text(item), left - 1)
    return left <= 0
  })
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const own = (record: Readonly<Record<string, unknown>>, key: string): unknown =>
  Object.hasOwn(record, key) ? record[key] : undefined

/** Canonical: equal for equal values, whatever the order of keys; what is undefined is not there. */
export const canonicalText = (value: unknown): string => text(value)

function text(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(text).join(', ')}]`
  if (!isRecord(value)) return value === undefined ? 'nothing' : JSON.stringify(value)
  const keys = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .toSorted()
  return `{ ${keys.map((key) => `${key}: ${text(value[key])}`).join(', ')} }`
}

function shown(value: unknown): string {
  const whole = text(value).replace(/"([\w./@:*-]+)"/g, '$1')
  return whole.length <= VALUE_LENGTH_MAX ? whole : `${whole.slice(0, VALUE_LENGTH_MAX)}…`
}
