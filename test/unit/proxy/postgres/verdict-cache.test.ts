import { expect, test } from 'vitest'

import { unknownCommand } from '../../../../core/command.js'
import { EMPTY_POLICY } from '../../../../policy/load.js'
import { LIMITS } from '../../../../proxy/limits.js'
import type { JudgedStatement } from '../../../../proxy/postgres/occurrence.js'
import { VerdictCache, VerdictCaches } from '../../../../proxy/postgres/verdict-cache.js'
import { Statement } from '../../../../proxy/statement.js'

const judged = (policy = EMPTY_POLICY): JudgedStatement => ({
  command: unknownCommand('postgres', 'test'),
  lineage: undefined,
  verdict: { outcome: 'allow', reasons: [] },
  policy,
  kinds: [],
  relations: [],
})

const NONE: readonly number[] = []
const text = (value: string) => Buffer.from(value, 'latin1')
const found = (cache: VerdictCache, value: string, types = NONE, nowMs = 0) =>
  cache.get(text(value), types, EMPTY_POLICY, nowMs)?.judged

/** A cache that holds judgements of these texts, each of its own, as exact texts or as shapes. */
function holding(texts: readonly string[], isOfShape: boolean) {
  const cache = new VerdictCache()
  const all = texts.map((value) => {
    const one = judged()
    cache.set(new Statement(text(value)), NONE, one, isOfShape, 0)
    return one
  })
  return { cache, all }
}

test('bytes and parameter types are told apart', () => {
  const { cache, all } = holding(['a', '\xe4'], false)
  expect(found(cache, 'a')).toBe(all[0])
  expect(found(cache, '\xe4')).toBe(all[1])
  expect(cache.get(Buffer.from('\xe4'), NONE, EMPTY_POLICY, 0)).toBeUndefined()
  expect(found(cache, 'b')).toBeUndefined()
  expect(found(cache, 'a', [23])).toBeUndefined()
  const one = judged()
  cache.set(new Statement(text('a')), [23], one, false, 0)
  expect(found(cache, 'a', [23])).toBe(one)
  expect(found(cache, 'a', [23, 25])).toBeUndefined()
})

test('a judgement of a shape holds for all values of its literals, and for nothing else', () => {
  const { cache, all } = holding(["select 1 from t where a = 'x'"], true)
  expect(found(cache, "select 22 from t where a = 'y z'")).toBe(all[0])
  for (const other of [
    'select 2 from t where a = 3',
    "select 2 from u where a = 'x'",
    "select 2.5 from t where a = 'x'",
    "select 2 from t where a = E'x'",
    "select 2 from t where a = 'x' -- y",
    'select \x01 from t where a = \x03',
  ])
    expect(found(cache, other), other).toBeUndefined()
})

test('a judgement of one text holds for no other of its shape', () => {
  const { cache, all } = holding(['select 1', 'select \x01'], false)
  expect(found(cache, 'select 1')).toBe(all[0])
  expect(found(cache, 'select 2')).toBeUndefined()
  // The bytes that stand for literals in a shape mean nothing in a text.
  expect(found(cache, 'select \x01')).toBe(all[1])
})

test('the statement comes back with a judgement of its exact text only', () => {
  const statement = new Statement(text('select 1'))
  const exact = new VerdictCache()
  exact.set(statement, NONE, judged(), false, 0)
  expect(exact.get(text('select 1'), NONE, EMPTY_POLICY, 0)?.statement).toBe(statement)
  const cache = new VerdictCache()
  cache.set(statement, NONE, judged(), true, 0)
  expect(cache.get(text('select 1'), NONE, EMPTY_POLICY, 0)?.statement).toBeUndefined()
})

test.each([true, false])(
  'a judgement is too old after its time, and of another policy at once (of a shape: %s)',
  (isOfShape) => {
    const cache = new VerdictCache()
    const one = judged()
    const set = () => cache.set(new Statement(text('select 1')), NONE, one, isOfShape, 100)
    const last = 100 + LIMITS.verdictAgeMsMax - 1
    set()
    expect(found(cache, 'select 1', NONE, last)).toBe(one)
    expect(cache.isFresh(one, EMPTY_POLICY, 100)).toBe(true)
    expect(cache.isFresh(one, { ...EMPTY_POLICY }, 100)).toBe(false)
    expect(cache.get(text('select 1'), NONE, { ...EMPTY_POLICY }, 100)).toBeUndefined()
    set()
    expect(cache.isFresh(one, EMPTY_POLICY, last + 1)).toBe(false)
    expect(found(cache, 'select 1', NONE, last + 1)).toBeUndefined()
  },
)

test('a judgement that this cache never saw is not fresh', () => {
  expect(new VerdictCache().isFresh(judged(), EMPTY_POLICY, 0)).toBe(false)
})

test('roles share nothing, sessions of one role share their cache', () => {
  const caches = new VerdictCaches()
  expect(caches.of('db', 'a')).toBe(caches.of('db', 'a'))
  expect(caches.of('db', 'a')).not.toBe(caches.of('db', 'b'))
  expect(caches.of('db', 'a')).not.toBe(caches.of('other', 'a'))
})

test.each([true, false])(
  'what is forgotten is forgotten by open sessions and prepared statements, too (of a shape: %s)',
  (isOfShape) => {
    const caches = new VerdictCaches()
    const [mine, other] = [caches.of('db', 'a'), caches.of('other', 'a')]
    const one = judged()
    for (const cache of [mine, other]) {
      cache.set(new Statement(text('select 1')), NONE, one, isOfShape, 0)
    }
    caches.forget('db')
    caches.forget('nowhere')
    expect(found(mine, 'select 1', NONE, 1)).toBeUndefined()
    expect(mine.isFresh(one, EMPTY_POLICY, 1)).toBe(false)
    expect(found(other, 'select 1', NONE, 1)).toBe(one)
  },
)

test('what one session knows for itself is forgotten with the rest of its resource, and no other', () => {
  const caches = new VerdictCaches()
  const [own, other] = [caches.own('db'), caches.own('other')]
  const one = judged()
  for (const cache of [own, other]) cache.set(new Statement(text('select 1')), NONE, one, false, 0)
  expect(caches.of('db', 'a')).not.toBe(own)
  caches.forget('db')
  expect(found(own, 'select 1', NONE, 1)).toBeUndefined()
  expect(own.isFresh(one, EMPTY_POLICY, 1)).toBe(false)
  expect(own.meaning('shape', 1)).toBeUndefined()
  expect(found(other, 'select 1', NONE, 1)).toBe(one)
})
