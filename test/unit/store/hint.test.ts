// The bus's messages: exactly ours, or not read at all.

import { expect, test } from 'vitest'
import {
  decodeHints,
  encodeHints,
  MESSAGE_BYTES_MAX,
  MESSAGE_HINT_COUNT_MAX,
  type Hint,
} from '../../../store/hint.js'

const cancel = {
  kind: 'cancel',
  processId: 0x7fff_ffff,
  nonce: 'A'.repeat(22),
  proof: 'f'.repeat(64),
} as const
const grant = { kind: 'grant', id: 'grt_2345678901' } as const

const refused = {
  'no JSON': 'grt_2345678901',
  'an array': '[]',
  'another version': JSON.stringify({ v: 2, from: 'gwy_a', hints: [grant] }),
  'one that says more': JSON.stringify({ v: 1, from: 'gwy_a', hints: [grant], row: {} }),
  'a hint that says more': JSON.stringify({ v: 1, from: 'gwy_a', hints: [{ ...grant, row: {} }] }),
  'a hint of an unknown kind': JSON.stringify({ v: 1, from: 'gwy_a', hints: [{ kind: 'end' }] }),
  'a sender that is no gateway': JSON.stringify({ v: 1, from: 'x', hints: [grant] }),
  'an id that is no grant’s': JSON.stringify({
    ...{ v: 1, from: 'gwy_a', hints: [{ kind: 'grant', id: 'req_2345678901' }] },
  }),
  'an id without end': JSON.stringify({
    ...{ v: 1, from: 'gwy_a', hints: [{ kind: 'grant', id: `grt_${'2'.repeat(65)}` }] },
  }),
  'no hints': JSON.stringify({ v: 1, from: 'gwy_a', hints: [] }),
  'too many hints': JSON.stringify({
    ...{ v: 1, from: 'gwy_a', hints: Array(MESSAGE_HINT_COUNT_MAX + 1).fill({ kind: 'policy' }) },
  }),
  'a process id of 0': JSON.stringify({
    ...{ v: 1, from: 'gwy_a', hints: [{ ...cancel, processId: 0 }] },
  }),
  'a process id beyond 31 bits': JSON.stringify({
    ...{ v: 1, from: 'gwy_a', hints: [{ ...cancel, processId: 2 ** 31 }] },
  }),
  'a proof in capitals': JSON.stringify({
    ...{ v: 1, from: 'gwy_a', hints: [{ ...cancel, proof: 'F'.repeat(64) }] },
  }),
  'a message beyond the limit': encodeHints({ from: 'gwy_a', hints: [grant] }).padEnd(
    MESSAGE_BYTES_MAX + 1,
  ),
}

for (const [name, text] of Object.entries(refused)) {
  test(`${name} is not read`, () => {
    expect(decodeHints(text)).toBeUndefined()
  })
}

test('the longest list of the longest hints is read back, and fits a NOTIFY', () => {
  const longest: Hint[] = Array<Hint>(MESSAGE_HINT_COUNT_MAX).fill(cancel)
  const message = { from: `gwy_${'2'.repeat(64)}` as const, hints: longest }
  const text = encodeHints(message)
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MESSAGE_BYTES_MAX)
  expect(decodeHints(text)).toEqual(message)
})
