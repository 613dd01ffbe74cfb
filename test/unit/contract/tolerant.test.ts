import { expect, test } from 'vitest'
import { z } from 'zod'
import { itemView } from '../../../contract/items.js'
import { replayLine } from '../../../contract/replay.js'
import { tolerant } from '../../../contract/tolerant.js'

const schema = z.object({
  state: z.enum(['open', 'closed']),
  list: z.array(z.object({ name: z.string() })).readonly(),
  maybe: z.object({ at: z.number() }).optional(),
  none: z.string().nullable(),
  map: z.record(z.string(), z.object({ on: z.boolean() })),
})
const answer = { state: 'open', list: [{ name: 'a' }], none: null, map: { x: { on: true } } }

test.each([
  ['a missing field', { ...answer, state: undefined }],
  ['another type', { ...answer, list: 'a' }],
  ['a missing field within a list', { ...answer, list: [{}] }],
  ['a missing field within what may be missing', { ...answer, maybe: {} }],
  ['another type within a map', { ...answer, map: { x: { on: 1 } } }],
  ['null where none may be', { ...answer, map: null }],
])('%s is still refused', (_, value) => {
  expect(tolerant(schema).safeParse(value).success).toBe(false)
})

test('what an older reader does not know stays in the answer, however deep', () => {
  const newer = {
    ...{ ...answer, state: 'ajar', maybe: { at: 1, zone: 'utc' }, extra: [1] },
    ...{ list: [{ name: 'a', color: 'red' }], map: { x: { on: true, why: 'so' } } },
  }
  expect(tolerant(schema).parse(newer)).toEqual(newer)
})

test('a kind of item that nobody knows is refused', () => {
  expect(tolerant(itemView).safeParse({ kind: 'wish', id: 'req_000001' }).success).toBe(false)
})

test('a line of a replay is told from the others by its type', () => {
  const line = { type: 'output', offsetMs: 1, number: 2, text: 'x', omittedBytes: 0, more: 1 }
  expect(tolerant(replayLine).parse(line)).toEqual(line)
  expect(tolerant(replayLine).safeParse({ ...line, text: undefined }).success).toBe(false)
})
