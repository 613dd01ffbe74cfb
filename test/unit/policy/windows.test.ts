// When an access rule applies: days, times, zones, summer time, midnight.

import { expect, test } from 'vitest'
import { windowOf } from '../../../policy/compile-access.js'
import { explainPolicy } from '../../../policy/explain.js'
import { judgeAccess } from '../../../policy/judge-access.js'
import { isOpen, isZone, openUntil } from '../../../policy/windows.js'
import { JOB, person, policyOf, problemsOf, sampleWith } from './sample.js'

const window = (days: string[], from: string, to: string, zone = 'Europe/Zurich') =>
  windowOf({ days, from, to, zone })
const OFFICE = window(['mon-fri'], '09:00', '17:00')
const at = (text: string) => Date.parse(text)
const WEEK_MS = 7 * 86_400_000
const end = (windows: Parameters<typeof openUntil>[0], from: string) => {
  const until = openUntil(windows, at(from), at(from) + WEEK_MS)
  return until === undefined ? undefined : new Date(until).toISOString()
}

test.each([
  ['the minute before', '2026-11-23T07:59:59.999Z', false],
  ['the minute it opens', '2026-11-23T08:00:00Z', true],
  ['its last millisecond', '2026-11-23T15:59:59.999Z', true],
  ['the minute it closes', '2026-11-23T16:00:00Z', false],
  ['Friday', '2026-11-27T12:00:00Z', true],
  ['Saturday', '2026-11-28T12:00:00Z', false],
  ['Sunday', '2026-11-22T12:00:00Z', false],
  ['Sunday in UTC that is Monday in the zone, too early', '2026-11-22T23:30:00Z', false],
  ['an hour earlier in UTC in summer', '2026-07-06T07:00:00Z', true],
  ['the same UTC time in winter', '2026-12-07T07:00:00Z', false],
])('office hours at %s', (_name, time, open) => {
  expect(isOpen(OFFICE, at(time))).toBe(open)
})

const NIGHT = window(['fri'], '22:00', '02:00')
test.each([
  ['Friday evening', '2026-11-27T21:00:00Z', true],
  ['Saturday, before it ends', '2026-11-28T00:59:00Z', true],
  ['Saturday, when it ends', '2026-11-28T01:00:00Z', false],
  ['Friday at one in the morning, which is Thursday’s night', '2026-11-27T00:30:00Z', false],
  ['Saturday evening', '2026-11-28T21:30:00Z', false],
])('a window over midnight belongs to the day it began on: %s', (_name, time, open) => {
  expect(isOpen(NIGHT, at(time))).toBe(open)
})

test('outside every window there is no end', () => {
  expect(end([OFFICE], '2026-11-28T12:00:00Z')).toBeUndefined()
})

test('a window ends where the wall clock says, whatever the summer does', () => {
  expect(end([OFFICE], '2026-11-23T10:00:00Z')).toBe('2026-11-23T16:00:00.000Z')
  expect(end([NIGHT], '2026-11-27T22:00:00Z')).toBe('2026-11-28T01:00:00.000Z')
  // Clocks go forward at 01:00 UTC on 29 March 2026, and back at 01:00 UTC on 25 October.
  const sunday = window(['sun'], '00:00', '06:00')
  expect(end([sunday], '2026-03-29T00:00:00Z')).toBe('2026-03-29T04:00:00.000Z')
  expect(end([sunday], '2026-10-25T00:00:00Z')).toBe('2026-10-25T05:00:00.000Z')
})

test('an hour that the clock skips is no time at all, and one that it shows twice counts twice', () => {
  const early = window(['sun'], '02:00', '03:00')
  expect(isOpen(early, at('2026-03-29T00:59:59Z'))).toBe(false)
  expect(isOpen(early, at('2026-03-29T01:00:00Z'))).toBe(false)
  expect(end([early], '2026-10-25T00:00:00Z')).toBe('2026-10-25T02:00:00.000Z')
})

test('windows that follow on each other are one stretch, and a gap of minutes ends it', () => {
  const week = window(['mon-sun'], '00:00', '24:00')
  const start = '2026-11-23T10:00:00Z'
  expect(end([week], start)).toBe(new Date(at(start) + WEEK_MS).toISOString())
  const early = window(['mon'], '09:00', '11:07')
  expect(end([early, window(['mon'], '11:07', '12:00')], start)).toBe('2026-11-23T11:00:00.000Z')
  expect(end([early, window(['mon'], '11:10', '12:00')], start)).toBe('2026-11-23T10:07:00.000Z')
})

test('zones that are no whole hours away keep their own time', () => {
  const kathmandu = window(['mon'], '09:00', '17:00', 'Asia/Kathmandu')
  expect(end([kathmandu], '2026-11-23T04:00:00Z')).toBe('2026-11-23T11:15:00.000Z')
  const chatham = window(['mon'], '09:00', '17:00', 'Pacific/Chatham')
  expect(end([chatham], '2026-11-22T20:00:00Z')).toBe('2026-11-23T03:15:00.000Z')
})

test.each(['Europe/Zürich', 'Mars/Olympus', '+01:00', 'UTC+1', '', 'Europe/../UTC', 'local'])(
  '%j is no time zone',
  (zone) => {
    expect(isZone(zone)).toBe(false)
  },
)

const RULE = 'role: reader, for: 1h }'
const reading = (more: string) => sampleWith(RULE, `role: reader, for: 1h, ${more} }`)
const OPEN = "windows: [{ days: [mon-fri], from: '09:00', to: '17:00', zone: Europe/Zurich }]"

const WRONG: [string, string, RegExp][] = [
  ['no window', 'windows: []', /windows: must have at least 1 entry/],
  ['no zone', "windows: [{ days: [mon], from: '09:00', to: '17:00' }]", /zone: is missing/],
  ['an unknown zone', OPEN.replace('Zurich', 'Zuerich'), /zone: must be an IANA time zone/],
  ['an unknown day', OPEN.replace('mon-fri', 'monday'), /days\[0\]: must be mon, tue/],
  ['half a range', OPEN.replace('mon-fri', 'mon-'), /days\[0\]: must be mon/],
  ['a time of the afternoon', OPEN.replace('17:00', '5pm'), /to: must be a time such as 09:00/],
  ['a 25th hour', OPEN.replace('17:00', '25:00'), /to: must be a time/],
  ['a time without a zero', OPEN.replace('09:00', '9:00'), /from: must be a time/],
  ['an empty window', OPEN.replace('17:00', '09:00'), /to: must not be the time of `from`/],
  ['a start at the end of the day', OPEN.replace('09:00', '24:00'), /from: must be before 24:00/],
  ['a misspelt key', OPEN.replace('days', 'day'), /unknown key; did you mean days\?/],
]
test.each(WRONG)('an access rule with %s is a problem', (_name, windows, problem) => {
  expect(problemsOf(reading(windows)).join('\n')).toMatch(problem)
})

const ann = person('ann', 'readers')
const WISH = { resource: 'orders-db', role: 'reader', reason: '' }
const judged = (text: string, time: string, wish: Partial<typeof WISH> & object = {}) =>
  judgeAccess(policyOf(text), ann, { ...WISH, ...wish }, at(time))

test('outside its windows a rule gives nothing, and says when it would', () => {
  const verdict = judged(reading(OPEN), '2026-11-28T12:00:00Z')
  expect(verdict.outcome).toBe('block')
  expect(verdict.reasons).toEqual([
    {
      code: 'outside-windows',
      text: 'access rule 2: it holds only mon-fri 09:00–17:00 Europe/Zurich',
    },
  ])
})

test('a grant ends with its window, and the verdict says so when that cuts it short', () => {
  const early = judged(reading(OPEN), '2026-11-23T10:00:00Z')
  expect(early).toMatchObject({ outcome: 'allow' })
  expect(early.reasons[0]?.text).toBe('auto-approved by access rule 2: reader for 1h')
  const late = judged(reading(OPEN), '2026-11-23T15:30:00Z')
  expect(late).toMatchObject({ outcome: 'allow', endsAt: at('2026-11-23T16:00:00Z') })
  expect(late.reasons[0]?.text).toBe(
    'auto-approved by access rule 2: reader for 1h, but until 2026-11-23T16:00Z at most',
  )
})

/** Office hours: at once. Else: somebody is asked. */
const BOTH = reading(OPEN).replace(
  'approvers:\n  db-owners',
  '  - { who: { issuer: okta, group: readers }, role: reader, for: 30m, approval: { approvers: on-call } }\napprovers:\n  db-owners',
)

test('two rules say: at once in office hours, and with approval otherwise', () => {
  const office = judged(BOTH, '2026-11-23T10:00:00Z')
  expect(office.outcome).toBe('allow')
  expect(office.reasons[0]?.text).toContain('auto-approved by access rule 2')
  const night = judged(BOTH, '2026-11-23T22:00:00Z')
  expect(night).toMatchObject({ outcome: 'ask', approval: { approvers: 'on-call' } })
  expect(night.reasons[0]?.text).toContain('access rule 3')
  const words = explainPolicy(policyOf(BOTH)).join('\n')
  expect(words).toContain('at once, only mon-fri 09:00–17:00 Europe/Zurich')
  expect(words).toContain('when on-call within 15m agrees')
})

test('of two rules that allow, the one whose grant can last longer speaks', () => {
  const text = reading(OPEN).replace(
    'approvers:\n  db-owners',
    '  - { who: { issuer: okta, group: readers }, role: reader, for: 30m }\napprovers:\n  db-owners',
  )
  expect(judged(text, '2026-11-23T10:00:00Z').reasons[0]?.text).toContain('access rule 2')
  expect(judged(text, '2026-11-23T15:55:00Z').reasons[0]?.text).toContain('access rule 3')
})

const GLASS = 'approval: { approvers: db-owners, timeout: 15m }'
const breaking = (fields: string) => sampleWith(GLASS, `${GLASS}\n    breakGlass: ${fields}`)
const TERMS = '{ approvers: on-call, max: 20m, within: 1d }'

const WRONG_TERMS: [string, string, RegExp][] = [
  ['no reviewers', '{ max: 1h }', /breakGlass\.approvers: is missing/],
  ['reviewers that are not there', '{ approvers: oncall }', /did you mean on-call\?/],
  [
    'a review that is due before the grant ends',
    '{ approvers: on-call, max: 2h, within: 1h }',
    /breakGlass\.within: must not be shorter than max/,
  ],
  ['a misspelt key', '{ approvers: on-call, maximum: 1h }', /unknown key; did you mean max\?/],
  ['commands that are blocked', '{ approvers: on-call, commands: block }', /must be ask or allow/],
]
test.each(WRONG_TERMS)('break-glass with %s is a problem', (_name, fields, problem) => {
  expect(problemsOf(breaking(fields)).join('\n')).toMatch(problem)
})

test('a rule that asks nobody has no glass to break', () => {
  expect(problemsOf(reading(`breakGlass: ${TERMS}`)).join('\n')).toMatch(
    /access\[1\]\.breakGlass: is only for a rule that asks people/,
  )
})

const URGENT = {
  ...{ resource: 'orders-db', role: 'orders-migrator', reason: 'disk full', breakGlass: true },
}
const urgent = (text: string, wish: object = {}, who = JOB) =>
  judgeAccess(policyOf(text), who, { ...URGENT, ...wish }, 0)

test.each([
  ['where no rule knows it', sampleWith('for: 1h', 'for: 1h'), {}, 'no-break-glass'],
  ['without a reason', breaking(TERMS), { reason: ' ' }, 'reason-missing'],
  [
    'for longer than its own maximum',
    breaking(TERMS),
    { durationMs: 1_200_001 },
    'duration-too-long',
  ],
  ['for another role', breaking(TERMS), { role: 'reader' }, 'no-access'],
])('break-glass %s is blocked', (_name, text, wish, code) => {
  const verdict = urgent(text, wish)
  expect(verdict.outcome).toBe('block')
  expect(verdict.reasons.map((reason) => reason.code)).toEqual([code])
})

test('break-glass opens at once, for its own maximum, and names who reviews it', () => {
  const verdict = urgent(breaking(TERMS))
  expect(verdict).toMatchObject({
    ...{ outcome: 'allow', durationMs: 1_200_000, durationMsMax: 1_200_000 },
    breakGlass: { approvers: 'on-call', withinMs: 86_400_000, commands: 'ask' },
  })
  expect(verdict.reasons[0]?.text).toBe(
    'break-glass by access rule 1: orders-migrator for 20m at once; on-call reviews it within 1d',
  )
})

test('windows do not hold an emergency up, and an ordinary wish is still asked about', () => {
  const text = breaking(TERMS).replace('for: 30m', `for: 30m\n    ${OPEN}`)
  expect(urgent(text).outcome).toBe('allow')
  expect(urgent(breaking(TERMS), { breakGlass: false }).outcome).toBe('ask')
  expect(urgent(text, { breakGlass: false }).outcome).toBe('block')
})
