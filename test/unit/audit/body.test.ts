// The canonical form of an event: the same fields are the same bytes, and nothing hides in them.

import { expect, test } from 'vitest'
import { AUDIT_EVENTS, type AuditEvent } from '../../../core/audit.js'
import {
  bodyOf,
  canonicalJson,
  keysOf,
  openSealed,
  readBody,
  SEALED_FIELD,
  splitEvent,
} from '../../../audit/body.js'
import { finished, random, sealer } from './fixtures.js'

test.each([
  '{"b":1,"a":2}',
  '{"a": 1}',
  '{"a":1,"a":1}',
  '{"a":1.0}',
  '{"a":"\u00e9"}',
  '{"a":"\\u0041"}',
  '{"a":null}',
  '{"a":{"b":1}}',
  '{"a":[1]}',
  '["a"]',
  'null',
  '{',
  '',
])('%j is not read as a body', (text) => {
  expect(readBody(text)).toBeUndefined()
})

test('no event has a public field under the name that sealed fields stand under', () => {
  for (const [kind, fields] of Object.entries(AUDIT_EVENTS)) {
    expect(Object.keys(fields), kind).not.toContain(SEALED_FIELD)
  }
})

test('sealed fields open in their own place only', () => {
  const event = splitEvent(finished(1, 'select secret'))
  const fields = readBody(bodyOf(event, sealer, 'gwy_a', 5)) ?? {}
  const kind = event.kind
  expect(openSealed(fields, sealer, { chain: 'gwy_a', seq: 5, kind })['texts']).toEqual([
    'select secret',
  ])
  for (const place of [
    { chain: 'gwy_b', seq: 5, kind },
    { chain: 'gwy_a', seq: 6, kind },
    { chain: 'gwy_a', seq: 5, kind: 'command.refused' },
  ]) {
    expect(() => openSealed(fields, sealer, place)).toThrow('altered or belongs to another row')
  }
})

test('any text survives the canonical form, as printable ASCII', () => {
  const seed = 99
  const roll = random(seed)
  for (let round = 0; round < 300; round += 1) {
    const text = String.fromCharCode(...Array.from({ length: roll(40) }, () => roll(0x10000)))
    const fields = { text, list: [text, ''], number: roll(1_000) / 7 }
    const body = canonicalJson(fields)
    expect(body, `seed ${String(seed)}`).toMatch(/^[\x20-\x7e]*$/)
    expect(readBody(body)).toEqual(fields)
  }
})

test('an event without sensitive fields has nothing sealed, and absent fields leave no trace', () => {
  const event = { kind: 'review.ended', fields: { reviewId: 'cmd_1', state: undefined } }
  const body = bodyOf(splitEvent(event as unknown as AuditEvent), sealer, 'gwy_a', 1)
  expect(body).toBe('{"reviewId":"cmd_1"}')
  expect(keysOf(readBody(body) ?? {})).toMatchObject({ reviewId: 'cmd_1', sessionId: null })
})
