// The tidy rules find what they forbid: a rule that sees nothing would pass for ever.

import { expect, test } from 'vitest'
import { cycles, unreachable, wrongArrows, wrongPackages } from '../../tidy/imports.js'
import { longFiles, longFunctions, measureFunctions, p90 } from '../../tidy/sizes.js'
import { parseSource, type Finding } from '../../tidy/tree.js'
import {
  clockUses,
  consoleUses,
  emptyWords,
  environmentUses,
  foreignWords,
  forgedTypes,
  literalsOf,
  undocumented,
  unfinished,
  wordsOf,
} from '../../tidy/words.js'

const sourcesOf = (files: Readonly<Record<string, string>>) =>
  Object.entries(files).map(([path, text]) => parseSource(path, text))
const places = (findings: readonly Finding[]) => findings.map(({ path, line }) => `${path}:${line}`)

const ARROWS: [string, string, boolean][] = [
  ['core/a.ts', '../policy/b.js', true],
  ['policy/a.ts', '../core/b.js', false],
  ['policy/a.ts', '../proxy/b.js', true],
  ['workflows/a.ts', '../core/b.js', false],
  ['workflows/a.ts', '../policy/b.js', true],
  ['identity/a.ts', '../policy/b.js', false],
  ['identity/a.ts', '../store/b.js', true],
  ['proxy/a.ts', '../audit/b.js', true],
  ['proxy/postgres/a.ts', '../limits.js', false],
  ['proxy/postgres/a.ts', './sql/b.js', false],
  ['proxy/postgres/a.ts', '../ssh/b.js', true],
  ['activities/a.ts', '../workflows/b.js', true],
  ['cli/a.ts', '../app/b.js', true],
  ['store/a.ts', '../test/b.js', true],
  ['app/a.ts', '../proxy/postgres/b.js', false],
  ['app/a.ts', '../scripts/b.js', true],
  ['scripts/a.ts', '../app/b.js', false],
]
test.each(ARROWS)('%s → %s is wrong: %s', (path, specifier, isWrong) => {
  const written = [
    `import { b } from '${specifier}'`,
    `export * from '${specifier}'`,
    `await import('${specifier}')`,
    `new Worker(new URL('${specifier.replace('.js', '-worker.js')}', import.meta.url))`,
  ]
  for (const line of written)
    expect(places(wrongArrows(sourcesOf({ [path]: `\n${line}\n` })))).toEqual(
      isWrong ? [`${path}:2`] : [],
    )
})

test('activities may import types of workflows, in every spelling', () => {
  const text = `import type { A } from '../workflows/a.js'
import { type B } from '../workflows/b.js'
type C = import('../workflows/c.js').C`
  expect(wrongArrows(sourcesOf({ 'activities/a.ts': text }))).toEqual([])
})

const PACKAGES: [string, string, boolean][] = [
  ['core/a.ts', 'zod', true],
  ['core/a.ts', 'node:crypto', true],
  ['policy/a.ts', 'zod', false],
  ['policy/a.ts', 'node:crypto', true],
  ['workflows/a.ts', '@temporalio/workflow', false],
  ['workflows/a.ts', '@temporalio/client', true],
  ['workflows/a.ts', 'nanoid', true],
  ['store/a.ts', '@temporalio/client', true],
  ['cli/a.ts', '@temporalio/common', true],
  ['activities/a.ts', '@temporalio/activity', false],
  ['app/a.ts', '@temporalio/worker', false],
]
test.each(PACKAGES)('%s importing %s is wrong: %s', (path, specifier, isWrong) => {
  const found = wrongPackages(sourcesOf({ [path]: `import '${specifier}'` }))
  expect(places(found)).toEqual(isWrong ? [`${path}:1`] : [])
})

test('a cycle is found however long it is, and once', () => {
  const found = cycles(
    sourcesOf({
      'core/a.ts': "import './b.js'",
      'core/b.ts': "import type { C } from './c.js'",
      'core/c.ts': "import './a.js'",
      'core/d.ts': "import './a.js'",
    }),
  )
  expect(found.map(({ what }) => what)).toEqual([
    'imports itself: core/a.ts → core/b.ts → core/c.ts → core/a.ts',
  ])
})

test('what no entry reaches is found', () => {
  const sources = sourcesOf({
    'app/main.ts': "import './used.js'",
    'app/used.ts': "new URL('./parser-worker.js', import.meta.url)",
    'app/parser-worker.ts': "import './also-used.js'",
    'app/also-used.ts': '',
    'app/types.d.ts': '',
    'cli/main.ts': '',
    'app/lonely.ts': "import './lonely-too.js'",
    'app/lonely-too.ts': '',
  })
  expect(places(unreachable(sources, ['cli/main.ts']))).toEqual([
    'app/lonely.ts:1',
    'app/lonely-too.ts:1',
  ])
})

test('long files and functions are found, whatever kind of function it is', () => {
  const body = 'x()\n'.repeat(71)
  const text = `function a() {\n${body}}
const b = () => {\n${body}}
class C { constructor() {\n${body}} get d() {\n${body}} }
const fine = () => {\n${'x()\n'.repeat(70)}}`
  const sources = sourcesOf({
    'core/a.ts': text,
    'core/b.ts': 'x\n'.repeat(501),
    'core/c.ts': 'x\n'.repeat(500),
  })
  expect(longFunctions(sources).map(({ what }) => what)).toEqual([
    'a: 71 lines',
    'b: 71 lines',
    'constructor: 71 lines',
    'd: 71 lines',
  ])
  expect(places(longFiles(sources))).toEqual(['core/b.ts:1'])
  expect(measureFunctions(sourcesOf({ 'core/a.ts': 'const a = () => 1' }))[0]?.lineCount).toBe(1)
})

test('nine of ten is nine of ten', () => {
  expect(p90([])).toBe(0)
  expect(p90([10, 9, 8, 7, 6, 5, 4, 3, 2, 1])).toBe(9)
})

test('exports without a docstring are found, re-exports and overloads are not', () => {
  const text = `export const a = 1
/** Fine. */
export const b = 1
// Not a docstring.
export function c() {}
export interface D {}
export default class {}
/** Fine. */
export function e(x: string): void
export function e(x: number): void
export { f } from './f.js'
const g = 1`
  expect(places(undocumented(sourcesOf({ 'core/a.ts': text, 'test/a.ts': text })))).toEqual([
    'core/a.ts:1',
    'core/a.ts:5',
    'core/a.ts:6',
    'core/a.ts:7',
  ])
})

test('empty words are found in paths and names, not in what others named', () => {
  const text = `import { helper as mine } from 'x'
const stringUtils = 1
mine.utils.manager()
class GrantManager {}
const manage = 1`
  expect(
    places(emptyWords(sourcesOf({ 'core/a.ts': text }), ['core/utils/a.ts', 'core/a.ts'])),
  ).toEqual(['core/utils/a.ts:1', 'core/a.ts:2', 'core/a.ts:4'])
})

test('unfinished work is found in comments and text', () => {
  const text = "// TODO: later\nconst a = 'FIXME'\nconst b = 'photodo'"
  expect(places(unfinished(sourcesOf({ 'core/a.ts': text })))).toEqual([
    'core/a.ts:1',
    'core/a.ts:2',
  ])
})

test('forged types are found', () => {
  const text = 'a as any\nb as Permit\nc as unknown\n// as any'
  expect(places(forgedTypes(sourcesOf({ 'proxy/a.ts': text })))).toEqual([
    'proxy/a.ts:1',
    'proxy/a.ts:2',
  ])
})

test('console, clock and environment are found in production only', () => {
  const text = 'console.log(1)\nDate.now()\nnew Date()\nprocess.env.HOME\nnew Date(0)\nclock.now()'
  const sources = sourcesOf({ 'web/a.ts': text, 'app/clock.ts': text, 'test/a.ts': text })
  expect(places(consoleUses(sources))).toEqual(['web/a.ts:1', 'app/clock.ts:1'])
  expect(places(clockUses(sources, ['app/clock.ts']))).toEqual(['web/a.ts:2', 'web/a.ts:3'])
  expect(places(environmentUses(sources))).toEqual(['web/a.ts:4'])
})

test('words of others are found in exported names of the inner folders', () => {
  const text = `export interface UserAccount {}
export const CLIENT_MAX = 1
export type ClientelePolicy = 1
const backend = 1`
  const sources = sourcesOf({ 'core/a.ts': text, 'store/a.ts': text })
  expect(places(foreignWords(sources))).toEqual(['core/a.ts:1', 'core/a.ts:2'])
})

test('names are taken apart in every spelling', () => {
  expect(wordsOf('PolicyVersion')).toEqual(['policy', 'version'])
  expect(wordsOf('POLICY_VERSION')).toEqual(['policy', 'version'])
  expect(wordsOf('core/policy-version.ts')).toEqual(['core', 'policy', 'version', 'ts'])
  expect(wordsOf('parseACLRule')).toEqual(['parse', 'acl', 'rule'])
})

test('literals are found', () => {
  expect([...literalsOf(sourcesOf({ 'core/a.ts': "a('X'); b = `Y`; // 'Z'" }))]).toEqual(['X', 'Y'])
})
