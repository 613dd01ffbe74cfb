// What a mask in a policy file has to be.

import { expect, test } from 'vitest'
import { masked, policyOf, problemsOf, SAMPLE, sampleWith } from './sample.js'

const SSN = 'columns: [orders-db/public.customers.ssn]'
const LONG = 'x'.repeat(501)
const MANY = Array.from({ length: 21 }, (_, at) => `{ name: p${at}, pattern: x }`).join(', ')
const FORM = /columns\[0\]: must be RESOURCE\/schema\.relation\.column/

const REFUSED: [string, string, RegExp][] = [
  [
    'a mistyped key',
    `{ ${SSN}, how: last4, exept: [reader] }`,
    /exept: unknown key; did you mean except\?/,
  ],
  ['a mistyped method', `{ ${SSN}, how: last5 }`, /how: must be .*; did you mean last4\?/],
  ['no method', `{ ${SSN} }`, /masks\[0\]\.how: is missing: must be/],
  [
    'a mistyped detector',
    '{ detect: [credit-cart], how: redact }',
    /detect\[0\]: must be .*; did you mean credit-card\?/,
  ],
  [
    'a mistyped key of a pattern',
    '{ patterns: [{ name: a, patern: x }], how: hash }',
    /patterns\[0\]\.patern: unknown key; did you mean pattern\?/,
  ],
  ['nothing to mask', '{ how: redact }', /masks\[0\]: masks nothing/],
  [
    'an empty list of columns',
    '{ columns: [], how: redact }',
    /columns: must have at least 1 entry/,
  ],
  [
    'an empty list of detectors',
    '{ detect: [], how: redact }',
    /detect: must have at least 1 entry/,
  ],
  [
    'columns with detectors',
    `{ ${SSN}, detect: [email], how: redact }`,
    /detect: is only for a mask without columns/,
  ],
  [
    'columns with patterns',
    `{ ${SSN}, patterns: [{ name: a, pattern: x }], how: hash }`,
    /patterns: is only for/,
  ],
  [
    'columns with a place',
    `{ ${SSN}, on: [orders-db], how: redact }`,
    /on: is only for a mask without columns/,
  ],
  [
    'uses without columns',
    '{ detect: [email], how: redact, derived: block }',
    /derived: is only for masks of columns/,
  ],
  [
    'conditions without columns',
    '{ detect: [email], how: redact, conditions: allow }',
    /conditions: is only for masks of columns/,
  ],
  [
    'derived values allowed',
    `{ ${SSN}, how: hash, derived: allow }`,
    /derived: must be block or ask/,
  ],
  [
    'approvers without ask',
    `{ ${SSN}, how: hash, approvers: on-call }`,
    /approvers: is only for `derived: ask` or/,
  ],
  [
    'a quorum without ask',
    `{ ${SSN}, how: hash, conditions: allow, quorum: 2 }`,
    /quorum: is only for/,
  ],
  ['a timeout without ask', '{ detect: [email], how: hash, timeout: 1m }', /timeout: is only for/],
  [
    'ask without approvers',
    `{ ${SSN}, how: hash, derived: ask }`,
    /approvers: is missing: `ask` needs approvers/,
  ],
  ['fixed without value', `{ ${SSN}, how: fixed }`, /value: is missing: `how: fixed` needs it/],
  ['a value without fixed', `{ ${SSN}, how: redact, value: x }`, /value: is only for `how: fixed`/],
  [
    'a long value',
    `{ ${SSN}, how: fixed, value: ${LONG} }`,
    /value: must have at most 256 characters/,
  ],
  ['a value with a zero byte', `{ ${SSN}, how: fixed, value: "a\\0b" }`, /no control characters/],
  ['a list as value', `{ ${SSN}, how: fixed, value: [a] }`, /value: must be text/],
  [
    'a long pattern',
    `{ patterns: [{ name: a, pattern: ${LONG} }], how: hash }`,
    /pattern: must have at most 500 characters/,
  ],
  [
    'an empty pattern',
    "{ patterns: [{ name: a, pattern: '' }], how: hash }",
    /pattern: must have at least 1 character/,
  ],
  [
    'a pattern that RE2 does not know',
    "{ patterns: [{ name: a, pattern: '(a)\\1' }], how: hash }",
    /patterns\[0\]\.pattern: is no pattern in RE2 syntax/,
  ],
  [
    'a pattern that matches nothing at all',
    "{ patterns: [{ name: a, pattern: 'a*' }], how: hash }",
    /patterns\[0\]\.pattern: matches the empty text/,
  ],
  ['many patterns', `{ patterns: [${MANY}], how: hash }`, /patterns: must have at most 20 entries/],
  [
    'two patterns of one name',
    '{ patterns: [{ name: a, pattern: x }, { name: a, pattern: y }], how: hash }',
    /patterns\[1\]\.name: is the name of another/,
  ],
  [
    'a pattern by the name of a detector',
    '{ patterns: [{ name: email, pattern: x }], how: hash }',
    /patterns\[0\]\.name: is the name of another/,
  ],
  [
    'no exception in a list of them',
    `{ ${SSN}, how: hash, except: [] }`,
    /except: must have at least 1 entry/,
  ],
  [
    'a place that is text',
    '{ detect: [email], how: redact, on: orders-db }',
    /on: must be a list of resources, or labels/,
  ],
  [
    'no place in a list of them',
    '{ detect: [email], how: redact, on: [] }',
    /on: must have at least 1 entry|on: must be a list/,
  ],
  ['no label', '{ detect: [email], how: redact, on: {} }', /on: names no label|on: must be a list/],
  ['a column without resource', '{ columns: [public.customers.ssn], how: hash }', FORM],
  ['a column without schema', '{ columns: [orders-db/customers.ssn], how: hash }', FORM],
  ['a relation without column', "{ columns: ['orders-db/public.*'], how: hash }", FORM],
  [
    'a column with a database',
    '{ columns: [orders-db/orders.public.customers.ssn], how: hash }',
    FORM,
  ],
  ['a quoted column', `{ columns: ['orders-db/public.customers."SSN"'], how: hash }`, FORM],
  ['a star within a name', "{ columns: ['orders-db/public.customers.ssn*'], how: hash }", FORM],
  ['a star for a schema alone', "{ columns: ['orders-db/*.customers.ssn'], how: hash }", FORM],
  ['a star for everything', "{ columns: ['*'], how: hash }", FORM],
  ['a column of two lines', '{ columns: ["orders-db/public.customers.ssn\\n"], how: hash }', FORM],
  [
    'a resource that is not there',
    '{ columns: [order-db/public.customers.ssn], how: hash }',
    /columns\[0\]: there is no resource order-db; did you mean orders-db\?/,
  ],
  [
    'an exception for a role that is not there',
    `{ ${SSN}, how: hash, except: [readers] }`,
    /except\[0\]: there is no role readers; did you mean reader\?/,
  ],
  [
    'approvers that are not there',
    `{ ${SSN}, how: hash, derived: ask, approvers: oncall }`,
    /approvers: there is no approver group oncall; did you mean on-call\?/,
  ],
  [
    'a quorum that the group can not reach',
    `{ ${SSN}, how: hash, derived: ask, approvers: on-call, quorum: 3 }`,
    /quorum: asks for 3 people, but on-call has only 2/,
  ],
  [
    'a place that is not there',
    '{ detect: [email], how: redact, on: [ordersdb] }',
    /on\[0\]: there is no resource ordersdb; did you mean orders-db\?/,
  ],
  [
    'a label that is not there',
    '{ detect: [email], how: redact, on: { enw: prod } }',
    /on\.enw: is a label that no resource has; did you mean env\?/,
  ],
  [
    'labels that fit nothing',
    '{ detect: [email], how: redact, on: { env: production } }',
    /on: fits the labels of no resource/,
  ],
  [
    'labels that fit nothing together',
    '{ detect: [email], how: redact, on: { env: prod, tier: 2 } }',
    /on: fits the labels of no resource/,
  ],
]
test.each(REFUSED)('%s is refused', (_name, mask, what) => {
  const problems = problemsOf(masked(mask))
  expect(problems.join('\n')).toMatch(what)
  const line = SAMPLE.split('\n').length + 1
  for (const problem of problems) expect(problem).toContain(`line ${line}: masks[0]`)
})

test('more patterns than all values can be searched for are refused once', () => {
  const twenty = `{ patterns: [${MANY.replace(/, [^,]*, [^,]*$/, '')}], how: hash }`
  expect(problemsOf(masked(twenty))).toEqual([])
  const problems = problemsOf(masked(...Array.from({ length: 4 }, () => twenty)))
  expect(problems).toHaveLength(1)
  expect(problems[0]).toMatch(/masks\[1\]\.patterns: makes more than 32 patterns in all/)
})

test('more than five hundred masks are refused', () => {
  const problems = problemsOf(masked(...Array.from({ length: 501 }, () => `{ ${SSN}, how: hash }`)))
  expect(problems.join()).toMatch(/masks: must have at most 500 entries/)
})

test('a broken resource is not missed by the labels that may mean it', () => {
  const text = masked('{ detect: [email], how: redact, on: { env: prod } }')
  expect(problemsOf(text.replace('protocol: postgres', 'protocol: ssh'))).toHaveLength(1)
})

const VALID: [string, string][] = [
  ['one column', `{ ${SSN}, how: last4 }`],
  [
    'a column in exact case, with spaces',
    '{ columns: [orders-db/public.Customer List.SSN], how: hash }',
  ],
  ['a column everywhere', "{ columns: ['*/*.ssn'], how: redact }"],
  ['a column of each relation of a schema', "{ columns: ['orders-db/hr.*.pay'], how: redact }"],
  ['every column of a relation', "{ columns: ['orders-db/hr.pay.*'], how: redact }"],
  ['every column of a schema', "{ columns: ['orders-db/hr.*.*'], how: redact }"],
  ['every column', "{ columns: ['*/*.*'], how: redact }"],
  ['null as YAML writes it', `{ ${SSN}, how: null }`],
  ['null in quotes', `{ ${SSN}, how: "null" }`],
  ['a number as value', `{ ${SSN}, how: fixed, value: 0 }`],
  ['an empty value', `{ ${SSN}, how: fixed, value: "" }`],
  [
    'both uses put to people',
    `{ ${SSN}, how: hash, derived: ask, conditions: ask, approvers: on-call, quorum: 2, timeout: 1m }`,
  ],
  [
    'detectors with patterns',
    "{ detect: [email, iban], patterns: [{ name: employee-id, pattern: 'E\\d{6}' }], how: hash, on: [local-db] }",
  ],
  [
    'a label of several values',
    '{ detect: [jwt], how: redact, on: { tier: [0, 1] }, except: [reader, asker] }',
  ],
]
test.each(VALID)('%s is valid', (_name, mask) => {
  expect(problemsOf(masked(mask))).toEqual([])
})

test('reads wait for the audit log only where the policy says so', () => {
  expect(policyOf(SAMPLE).auditStrict).toBe(false)
  const strict = (mode: string) => sampleWith('gateway: {', `gateway: { audit: ${mode},`)
  expect(policyOf(strict('strict')).auditStrict).toBe(true)
  expect(policyOf(strict('fast')).auditStrict).toBe(false)
  expect(problemsOf(strict('stric')).join()).toMatch(
    /gateway\.audit: must be fast or strict; did you mean strict\?/,
  )
})
