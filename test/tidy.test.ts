// The house rules, executed: one test per rule. A failure lists every breach as file:line, and what
// to do about it. Types, promises and format are the compiler's, ESLint's and Prettier's.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../core/errors.js'
import { referencePages } from '../scripts/docs.js'
import { cycles, unreachable, wrongArrows, wrongPackages } from './tidy/imports.js'
import {
  FILE_LINES,
  FUNCTION_LINES,
  longFiles,
  longFunctions,
  measureFunctions,
  p90,
} from './tidy/sizes.js'
import { isProduction, listFiles, readSources, type Finding } from './tidy/tree.js'
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
} from './tidy/words.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PATHS = listFiles(ROOT)
const SOURCES = readSources(ROOT, PATHS)
/** These spell out what they forbid. */
const ABOUT_WORDS = /^test\/(?:unit\/)?tidy(?:\/|\.test\.ts$)/
const SPOKEN = SOURCES.filter(({ path }) => !ABOUT_WORDS.test(path))

function expectNone(findings: readonly Finding[], advice: string): void {
  if (findings.length === 0) return
  const places = findings.map(({ path, line, what }) => `  ${path}:${line}: ${what}`)
  expect.fail(`${advice}\n${places.join('\n')}`)
}

test('the rules see the tree', () => {
  expect(SOURCES.filter(isProduction).length).toBeGreaterThan(20)
  expect(SOURCES.flatMap(({ imports }) => imports).length).toBeGreaterThan(50)
})

test('dependencies point inward', () => {
  expectNone(wrongArrows(SOURCES), 'Move what is needed into core/ or behind a port; app/ wires.')
})

test('packages stay where they belong', () => {
  expectNone(wrongPackages(SOURCES), 'Declare a port in core/ and implement it further out.')
})

test('no file imports itself, however far around', () => {
  expectNone(cycles(SOURCES), 'Move what both need into a file of its own.')
})

test('every production file is reached from an entry or a test', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    bin: Record<string, string>
  }
  const programs = Object.values(manifest.bin).map((path) =>
    path.replace(/^dist\//, '').replace(/\.js$/, '.ts'),
  )
  expectNone(unreachable(SOURCES, programs), 'Wire it, or delete it.')
})

test(`no file is longer than ${FILE_LINES.max} lines`, () => {
  expectNone(longFiles(SOURCES), 'Split it by what changes together.')
})

test(`nine of ten files have at most ${FILE_LINES.p90Max} lines`, () => {
  const lengths = SOURCES.filter(isProduction).map(({ lineCount }) => lineCount)
  expect(p90(lengths), 'Split the longest files.').toBeLessThanOrEqual(FILE_LINES.p90Max)
})

test(`no function is longer than ${FUNCTION_LINES.max} lines`, () => {
  expectNone(
    longFunctions(SOURCES.filter(({ folder }) => folder !== 'test')),
    'Name its parts and take them out.',
  )
})

test(`nine of ten functions have at most ${FUNCTION_LINES.p90Max} lines`, () => {
  const lengths = measureFunctions(SOURCES.filter(isProduction)).map(({ lineCount }) => lineCount)
  expect(p90(lengths), 'Take parts out of the longest functions.').toBeLessThanOrEqual(
    FUNCTION_LINES.p90Max,
  )
})

test('every export of production is documented', () => {
  expectNone(undocumented(SOURCES), 'Write one sentence of purpose in /** … */ above it.')
})

test('no name says utils, helpers or manager', () => {
  const paths = PATHS.filter((path) => !ABOUT_WORDS.test(path))
  expectNone(emptyWords(SPOKEN, paths), 'Name it after what it is.')
})

test('nothing is left to do', () => {
  expectNone(unfinished(SPOKEN), 'Do it, or leave it out and say so in ROADMAP.md.')
})

test('no assertion forges a type', () => {
  expectNone(forgedTypes(SOURCES), 'Check the value; a Permit comes only from Permit.issue.')
})

test('production never writes to the console', () => {
  expectNone(consoleUses(SOURCES), 'Take an output stream, or a logger, as a parameter.')
})

test('only the clock files read the wall clock', () => {
  // In a workflow Temporal replaces Date by the time of its history, so it has a file of its own.
  const clockFiles = ['app/clock.ts', 'workflows/clock.ts']
  expectNone(clockUses(SOURCES, clockFiles), 'Take a Clock (core/ports.ts) as a parameter.')
})

test('only app/ reads the environment', () => {
  expectNone(environmentUses(SOURCES), 'Read it in app/ and pass on what it means.')
})

test('the inner folders speak the words of the glossary', () => {
  expectNone(foreignWords(SOURCES), 'Rename it: one word per thing.')
})

test('every error code is used', () => {
  // core/errors.ts defines them, and each protocol's errors.ts has to list them all.
  const users = SOURCES.filter((source) => isProduction(source) && !/errors\.ts$/.test(source.path))
  const used = literalsOf(users)
  const unused = ERROR_CODES.filter((code) => !used.has(code))
  expect(unused, 'Use the code, or take it out of core/errors.ts.').toEqual([])
})

test('the reference pages say what the code says', () => {
  const stale = [...referencePages()].flatMap(([path, text]) =>
    PATHS.includes(path) && readFileSync(join(ROOT, path), 'utf8') === text
      ? []
      : [{ path, line: 1, what: 'differs from the code' }],
  )
  expectNone(stale, 'Run `npm run docs` and look at what changed.')
})

test('no file speaks of the place where it was written', () => {
  // Put together here, so that this file does not speak of it either.
  const places = [['', 'work', ''].join('/'), ['..', 'shared'].join('/'), ['.', 'library'].join('')]
  const findings = PATHS.flatMap((path) =>
    readFileSync(join(ROOT, path), 'utf8')
      .split('\n')
      .flatMap((line, at) =>
        places
          .filter((place) => line.includes(place))
          .map((what) => ({ path, line: at + 1, what })),
      ),
  )
  expectNone(findings, 'Say where it is for whoever clones the repository.')
})
