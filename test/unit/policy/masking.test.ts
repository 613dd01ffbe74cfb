// Which columns are masked for whom, and how.

import { expect, test } from 'vitest'
import { EMPTY_POLICY } from '../../../policy/load.js'
import { maskingFor } from '../../../policy/masking.js'
import { masked, policyOf, SAMPLE, sampleWith } from './sample.js'

const maskingOf = (role: string, resource: string, ...masks: string[]) =>
  maskingFor(policyOf(masked(...masks)), role, resource)

/** How `relation`, `column` is masked for reader on orders-db by one pattern; `clear` if it is not. */
const by = (pattern: string, relation: string, column: string) =>
  maskingOf('reader', 'orders-db', `{ columns: ['${pattern}'], how: hash }`)?.columnMask(
    relation,
    column,
  )?.how ?? 'clear'

const FITS: [string, string, string][] = [
  ['orders-db/public.customers.ssn', 'public.customers', 'ssn'],
  ['*/public.customers.ssn', 'public.customers', 'ssn'],
  ['*/public.customers.ssn', 'public.customers', '*'],
  ['*/public.customers.*', 'public.customers', 'ssn'],
  ['*/public.customers.*', 'public.customers', '*'],
  ['*/public.*.ssn', 'public.customers', 'ssn'],
  ['*/public.*.ssn', 'public.orders', '*'],
  ['*/public.*.*', 'public.orders', 'id'],
  ['*/*.ssn', 'hr.people', 'ssn'],
  ['*/*.ssn', 'hr.people', '*'],
  ['*/*.*', 'hr.people', 'id'],
  // Dots within names: what may be meant is masked.
  ['*/public.customers.*', 'public.customers.old', 'x'],
  ['*/public.*.ssn', 'public.a.b', 'ssn'],
  ['*/public.*.ssn', 'public.a', 'b.ssn'],
  ['*/*.ssn', 'public.a', 'b.ssn'],
  ['*/public.*.ssn', 'public', 'ssn'],
]
test.each(FITS)('%s masks %s, %s', (pattern, relation, column) => {
  expect(by(pattern, relation, column)).toBe('hash')
})

const DIFFERS: [string, string, string][] = [
  ['*/public.customers.ssn', 'public.customers', 'SSN'],
  ['*/public.customers.ssn', 'public.Customers', 'ssn'],
  ['*/public.customers.ssn', 'public.customers', 'xssn'],
  ['*/public.customers.ssn', 'public.customers2', 'ssn'],
  ['*/public.customers.ssn', 'public2.customers', '*'],
  ['*/public.customers.*', 'public.customers2', 'ssn'],
  ['*/public.customers.*', 'public.custom', '*'],
  ['*/public.*.ssn', 'public2.customers', 'ssn'],
  ['*/public.*.ssn', 'xpublic.customers', 'ssn'],
  ['*/*.ssn', 'public.customers', 'xssn'],
  ['local-db/public.customers.ssn', 'public.customers', 'ssn'],
  ['local-db/*.*', 'public.customers', '*'],
]
test.each(DIFFERS)('%s leaves %s, %s alone', (pattern, relation, column) => {
  expect(by(pattern, relation, column)).toBe('clear')
})

test('nothing is masked without masks', () => {
  expect(maskingFor(policyOf(SAMPLE), 'reader', 'orders-db')).toBeUndefined()
  expect(maskingFor(EMPTY_POLICY, 'reader', 'orders-db')).toBeUndefined()
})

test('a role that every mask excepts has no masking, another keeps it', () => {
  const masks = [
    "{ columns: ['orders-db/*.ssn'], how: hash, except: [reader] }",
    '{ detect: [email], how: redact, except: [asker, reader] }',
  ]
  expect(maskingOf('reader', 'orders-db', ...masks)).toBeUndefined()
  expect(maskingOf('asker', 'orders-db', ...masks)).toMatchObject({ hasColumns: true, detect: [] })
  expect(maskingOf('orders-migrator', 'orders-db', ...masks)?.detect).toHaveLength(1)
  expect(maskingOf('orders-migrator', 'local-db', ...masks)).toMatchObject({ hasColumns: false })
})

test('one mask excepts from itself only', () => {
  const masking = maskingOf(
    'reader',
    'orders-db',
    "{ columns: ['*/*.ssn'], how: 'null', except: [reader] }",
    "{ columns: ['*/public.customers.ssn'], how: last4 }",
  )
  expect(masking?.columnMask('public.customers', 'ssn')).toMatchObject({
    how: 'last4',
    label: 'mask 2',
  })
  expect(masking?.columnMask('public.others', 'ssn')).toBeUndefined()
})

test('a role or resource that is not there is excepted from nothing', () => {
  const masks = [
    "{ columns: ['*/*.ssn'], how: hash, except: [reader] }",
    "{ columns: ['orders-db/*.pay'], how: hash, except: [reader] }",
    '{ detect: [email], how: redact, on: { env: prod }, except: [reader] }',
    '{ detect: [iban], how: redact, on: [orders-db], except: [reader] }',
  ]
  const policy = policyOf(masked(...masks))
  for (const [role, resource] of [
    ['reader', 'gone-db'],
    ['gone', 'gone-db'],
    ['', ''],
    ['reader', '__proto__'],
  ] as const) {
    const masking = maskingFor(policy, role, resource)
    expect(masking?.columnMask('a.b', 'ssn')?.how).toBe('hash')
    expect(masking?.detect.map(({ detectors }) => detectors)).toEqual([['email']])
  }
  // The role exists, but not on this resource.
  expect(maskingFor(policy, 'reader', 'local-db')?.columnMask('a.b', 'ssn')?.how).toBe('hash')
  expect(maskingFor(policy, 'gone', 'orders-db')?.columnMask('a.b', 'pay')?.how).toBe('hash')
  expect(maskingFor(policy, 'reader', 'orders-db')).toBeUndefined()
})

test('a masking is made once', () => {
  const policy = policyOf(masked("{ columns: ['*/*.ssn'], how: hash }"))
  for (const [role, resource] of [
    ['reader', 'orders-db'],
    ['gone', 'orders-db'],
    ['reader', 'gone-db'],
  ] as const)
    expect(maskingFor(policy, role, resource)).toBe(maskingFor(policy, role, resource))
  expect(maskingFor(policy, 'gone', 'a')).toBe(maskingFor(policy, 'lost', 'b'))
})

test('of several masks of a column the strictest counts, whichever comes first', () => {
  const rising = ['last4', 'hash', 'redact', 'fixed, value: x', "'null'"]
  const patterns = ['*/public.customers.ssn', '*/*.ssn', 'orders-db/public.customers.*']
  for (const [at, mild] of rising.entries())
    for (const strict of rising.slice(at + 1))
      for (const first of patterns)
        for (const second of patterns) {
          const masks = [
            `{ columns: ['${first}'], how: ${mild} }`,
            `{ columns: ['${second}'], how: ${strict} }`,
          ]
          for (const order of [masks, masks.toReversed()])
            for (const column of ['ssn', '*'])
              expect(
                maskingOf('reader', 'orders-db', ...order)?.columnMask('public.customers', column)
                  ?.how,
              ).toBe(/\w+/.exec(strict)?.[0])
        }
})

test('a fixed text is carried as text, and nothing else carries one', () => {
  const mask = (keys: string) =>
    maskingOf('reader', 'orders-db', `{ columns: ['*/*.*'], ${keys} }`)?.columnMask('a.b', 'c')
  expect(mask('how: fixed, value: 0')?.fixed).toBe('0')
  expect(mask('how: fixed, value: ""')?.fixed).toBe('')
  expect(mask('how: null')).toEqual({ label: 'mask 1', how: 'null', fixed: undefined })
})

test('detectors hold where their resources or labels say', () => {
  const detectors = (resource: string, on: string) =>
    maskingOf('orders-migrator', resource, `{ detect: [jwt, email], how: hash${on} }`)?.detect[0]
      ?.detectors ?? []
  expect(detectors('orders-db', '')).toEqual(['jwt', 'email'])
  expect(detectors('local-db', '')).toEqual(['jwt', 'email'])
  expect(detectors('local-db', ', on: [orders-db]')).toEqual([])
  expect(detectors('orders-db', ', on: [orders-db]')).toHaveLength(2)
  expect(detectors('local-db', ', on: { env: prod }')).toEqual([])
  expect(detectors('orders-db', ', on: { env: prod }')).toHaveLength(2)
  expect(detectors('orders-db', ', on: { tier: ["1", 2] }')).toHaveLength(2)
})

test('patterns are handed on as they stand', () => {
  const masking = maskingOf(
    'reader',
    'orders-db',
    "{ patterns: [{ name: employee-id, pattern: 'E\\d{6}' }], how: fixed, value: E-?, on: { env: prod } }",
  )
  expect(masking?.hasColumns).toBe(false)
  expect(masking?.columnMask('a.b', '*')).toBeUndefined()
  expect(masking?.detect).toEqual([
    {
      label: 'mask 1',
      how: 'fixed',
      fixed: 'E-?',
      detectors: [],
      patterns: [{ name: 'employee-id', pattern: 'E\\d{6}' }],
    },
  ])
})

test('a policy with masks is frozen like any other', () => {
  const policy = policyOf(
    masked("{ columns: ['*/*.ssn'], how: hash }", '{ detect: [jwt], how: hash }'),
  )
  expect(Object.isFrozen(policy.masking)).toBe(true)
  const mask = maskingFor(policy, 'reader', 'orders-db')?.columnMask('a.b', 'ssn')
  expect(Object.isFrozen(mask)).toBe(true)
})

test('a label with a name of every object is no label', () => {
  const text = sampleWith('tier: 1', 'tier: 1, constructor: a')
  const on = (value: string) =>
    maskingFor(
      policyOf(`${text}masks: [{ detect: [jwt], how: hash, on: { constructor: ${value} } }]\n`),
      'orders-migrator',
      'local-db',
    )
  expect(on('a')).toBeUndefined()
})
