// The schema as documentation: the reference page and editors are only as good as it is.

import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { POLICY_SCHEMA } from '../../../policy/schema.js'
import { SAMPLE } from './sample.js'

const ROOT: unknown = z.toJSONSchema(POLICY_SCHEMA, { io: 'input' })

/** Every key with its schema, from the top. */
function keysOf(schema: unknown, path = ''): [string, Record<string, unknown>][] {
  if (typeof schema !== 'object' || schema === null) return []
  const { properties, items, additionalProperties } = schema as Record<string, unknown>
  const named = Object.entries((properties ?? {}) as Record<string, Record<string, unknown>>)
  return [
    ...named.flatMap(([key, inner]): [string, Record<string, unknown>][] => [
      [`${path}.${key}`, inner],
      ...keysOf(inner, `${path}.${key}`),
    ]),
    ...keysOf(items, `${path}[]`),
    ...keysOf(additionalProperties, `${path}.*`),
  ]
}

test('every key says what it is for', () => {
  const keys = keysOf(ROOT)
  expect(keys.length).toBeGreaterThan(60)
  const silent = keys.filter(([, schema]) => typeof schema['description'] !== 'string')
  expect(silent.map(([path]) => path)).toEqual([])
})

test('every map of fixed keys refuses others', () => {
  const maps = [['', ROOT as Record<string, unknown>] as const, ...keysOf(ROOT)]
    .map(
      ([path, schema]) => [path, (schema['items'] ?? schema) as Record<string, unknown>] as const,
    )
    .filter(([, schema]) => schema['properties'] !== undefined)
  const open = maps.filter(([, schema]) => schema['additionalProperties'] !== false)
  // Whoever is meant is told by claims of any name.
  expect(open.map(([path]) => path)).toEqual(['.access[].who', '.approvers.*.members'])
})

test('the schema by itself takes what any YAML parser makes of a policy', () => {
  expect(POLICY_SCHEMA.safeParse(parse(SAMPLE)).success).toBe(true)
})
