import { expect, test } from 'vitest'
import { accessRulesOf } from '../../../activities/access-rules.js'
import { EMPTY_POLICY } from '../../../policy/load.js'
import { principal } from '../../workflows/questions.js'

test('without a policy every wish is blocked and every token is single-use', () => {
  const rules = accessRulesOf(EMPTY_POLICY)
  const wish = { resource: 'orders-db', role: 'reader', reason: 'why not' }
  expect(rules.judge(principal('job'), wish, 0).outcome).toBe('block')
  expect(rules.isSingleUse('demo')).toBe(true)
  expect(rules.digest).toBe(EMPTY_POLICY.digest)
})
