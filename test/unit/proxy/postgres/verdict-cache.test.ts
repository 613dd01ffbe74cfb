import { expect, test } from 'vitest'

import { unknownCommand } from '../../../../core/command.js'
import { EMPTY_POLICY } from '../../../../policy/load.js'
import type { Judged } from '../../../../proxy/intercept.js'
import { LIMITS } from '../../../../proxy/limits.js'
import { VerdictCache, VerdictCaches } from '../../../../proxy/postgres/verdict-cache.js'

const judged = (policy = EMPTY_POLICY): Judged => ({
  command: unknownCommand('postgres', 'test'),
  verdict: { outcome: 'allow', reasons: [] },
  policy,
  kinds: [],
  relations: [],
})

test('the key tells bytes and parameter types apart', () => {
  const keys = [
    VerdictCache.key(Buffer.from('a'), []),
    VerdictCache.key(Buffer.from('b'), []),
    VerdictCache.key(Buffer.from('a'), [23]),
    VerdictCache.key(Buffer.from('a'), [23, 25]),
    VerdictCache.key(Buffer.from('\xe4'), []),
    VerdictCache.key(Buffer.from('\xe4', 'latin1'), []),
  ]
  expect(new Set(keys).size).toBe(keys.length)
})

test('a judgement is too old after its time, and of another policy at once', () => {
  const cache = new VerdictCache()
  const one = judged()
  cache.set('k', { judged: one }, 100)
  expect(cache.get('k', EMPTY_POLICY, 100 + LIMITS.verdictAgeMsMax - 1)?.judged).toBe(one)
  expect(cache.isFresh(one, EMPTY_POLICY, 100)).toBe(true)
  expect(cache.isFresh(one, { ...EMPTY_POLICY }, 100)).toBe(false)
  expect(cache.get('k', { ...EMPTY_POLICY }, 100)).toBeUndefined()
  cache.set('k', { judged: one }, 100)
  expect(cache.isFresh(one, EMPTY_POLICY, 100 + LIMITS.verdictAgeMsMax)).toBe(false)
  expect(cache.get('k', EMPTY_POLICY, 100 + LIMITS.verdictAgeMsMax)).toBeUndefined()
})

test('a judgement that this cache never saw is not fresh', () => {
  expect(new VerdictCache().isFresh(judged(), EMPTY_POLICY, 0)).toBe(false)
})

test('roles share nothing, sessions of one role share their cache', () => {
  const caches = new VerdictCaches()
  expect(caches.of('db', 'a')).toBe(caches.of('db', 'a'))
  expect(caches.of('db', 'a')).not.toBe(caches.of('db', 'b'))
  expect(caches.of('db', 'a')).not.toBe(caches.of('other', 'a'))
})

test('what is forgotten is forgotten by open sessions and prepared statements, too', () => {
  const caches = new VerdictCaches()
  const [mine, other] = [caches.of('db', 'a'), caches.of('other', 'a')]
  const one = judged()
  mine.set('k', { judged: one }, 0)
  other.set('k', { judged: one }, 0)
  caches.forget('db')
  caches.forget('nowhere')
  expect(mine.get('k', EMPTY_POLICY, 1)).toBeUndefined()
  expect(mine.isFresh(one, EMPTY_POLICY, 1)).toBe(false)
  expect(other.get('k', EMPTY_POLICY, 1)?.judged).toBe(one)
})
