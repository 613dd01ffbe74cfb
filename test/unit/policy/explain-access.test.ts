// What fits a caller and what is missing, in words that always agree with the judge.

import { expect, test } from 'vitest'
import type { Principal } from '../../../core/principal.js'
import { explainAccess, missesOf } from '../../../policy/explain-access.js'
import { matches } from '../../../policy/match.js'
import type { Matcher } from '../../../policy/policy.js'
import { seeded, seedOfRun } from '../../random.js'
import { JOB, person, policyOf, SAMPLE } from './sample.js'

const POLICY = policyOf(SAMPLE)
const missesFor = (principal: Principal): (readonly string[])[] =>
  explainAccess(POLICY, principal).map(({ misses }) => misses)

test('a rule that fits misses nothing, and says what it gives and who must agree', () => {
  const [rule] = explainAccess(POLICY, JOB)
  expect(rule?.misses).toEqual([])
  expect(rule?.gives).toBe(
    'orders-migrator on orders-db for 30m (at most 2h), when db-owners within 15m agrees, reason required',
  )
})

test('each condition that does not hold is named with what is there', () => {
  const attributes = { repository_id: '5513' }
  expect(missesFor({ ...JOB, attributes })[0]).toEqual([
    'repository_id is 5513, must be 5512',
    'environment is missing, must be production',
  ])
})

test('of a rule for another issuer nothing else is said', () => {
  expect(missesFor(person('ann'))).toEqual([
    ['it is for callers of github'],
    ['in none of the groups readers'],
  ])
})

test('an agent that acts for the subject is named', () => {
  const actors = [{ issuer: 'github', subject: 'agent' }]
  expect(missesFor({ ...JOB, actors })[0]).toEqual(['github/agent acts for it, and nobody may'])
})

test('what a token says can’t steer a terminal or fill it', () => {
  const [misses] = missesFor({
    ...JOB,
    attributes: { repository_id: `\u001b[2J${'x'.repeat(999)}` },
  })
  expect(misses?.[0]).toContain('\\u{1b}[2J')
  expect(misses?.[0]?.length).toBeLessThan(200)
})

test('no miss exactly when the judge says that it matches', () => {
  const seed = seedOfRun()
  const random = seeded(seed)
  const pick = <T>(...from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  for (let round = 0; round < 2_000; round += 1) {
    const matcher: Matcher = {
      issuer: pick('a', 'b'),
      subjects: pick(undefined, new Set(['s'])),
      groups: pick(undefined, new Set(['g', 'h'])),
      actors: pick(undefined, new Set(['a/x'])),
      claims: pick<Matcher['claims']>([], [['c', new Set(['1'])]], [['toString', new Set(['1'])]]),
    }
    const principal: Principal = {
      ...JOB,
      issuer: pick('a', 'b'),
      subject: pick('s', 't'),
      groups: pick([], ['g'], ['z']),
      actors: pick<Principal['actors']>(
        [],
        [{ issuer: 'a', subject: 'x' }],
        [{ issuer: 'b', subject: 'x' }],
      ),
      attributes: pick<Record<string, string>>({}, { c: '1' }, { c: '2' }),
    }
    expect(missesOf(matcher, principal).length === 0, `seed ${seed}`).toBe(
      matches(matcher, principal),
    )
  }
})
