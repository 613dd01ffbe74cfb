// What the hand-written pages tell people to write and to type: masks are valid in the policy that the
// first page shows, commands and options exist, and tables are whole.

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'

import { ENVIRONMENT_VARIABLES } from '../../../app/environment.js'
import { buildProgram } from '../../../cli/program.js'
import { DETECTOR_NAMES } from '../../../policy/detect/names.js'
import { loadPolicy } from '../../../policy/load.js'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const GUIDES = readdirSync(join(ROOT, 'docs/guides')).map((name) => `docs/guides/${name}`)
const PAGES = [
  'README.md',
  'SECURITY.md',
  'ARCHITECTURE.md',
  'ROADMAP.md',
  'docs/start.md',
  'docs/concepts.md',
  ...GUIDES,
]

const page = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const sha256Hex = (text: string) => createHash('sha256').update(text).digest('hex')

/** The code blocks of a page in one language, without the indent of the list they stand in. */
const blocks = (path: string, language: string): readonly string[] =>
  [
    ...page(path).matchAll(
      new RegExp(String.raw`^( *)\x60{3}${language}\n([^]*?)^ *\x60{3}$`, 'gm'),
    ),
  ].map(([, indent = '', text = '']) => text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''))

/** The program as `warder` has it, which runs nothing here. */
function program(): Command {
  const nowhere = new PassThrough()
  const context = {
    ...{ env: {}, stdin: nowhere, stdout: nowhere, stderr: nowhere, isTerminal: false },
    ...{ clock: { now: () => 0, monotonicMs: () => 0 }, pause: () => Promise.resolve() },
    onSignal: () => () => undefined,
  }
  const readToken = () => Promise.reject(new Error('nothing is read here'))
  const serve = () => Promise.resolve(0)
  return buildProgram(
    {
      ...{ context, version: '0', up: serve, gateway: serve, worker: serve, readToken },
      openSqlBench: () => Promise.reject(new Error('no server here')),
    },
    () => undefined,
  )
}

/** What of a command line is not there; of its own arguments, up to `--`. */
function unknownParts(line: string): readonly string[] {
  const words = (line.split(/\s(?:--|#|\||>|<)\s/)[0] ?? '')
    .replaceAll(/"[^"]*"/g, 'TEXT')
    .trim()
    .split(/\s+/)
  let command = program()
  const unknown: string[] = []
  for (const word of words.slice(1)) {
    if (word.startsWith('-') && word !== '-') {
      const isThere = command.options.some(({ long, short }) => [long, short].includes(word))
      if (!isThere) unknown.push(word)
      continue
    }
    const inner = command.commands.find((one) => one.name() === word)
    if (inner !== undefined) command = inner
    else if (command.commands.length > 0) unknown.push(word)
  }
  return unknown
}

const masksOnPages = GUIDES.flatMap((path) => blocks(path, 'yaml')).filter((block) =>
  block.startsWith('masks:'),
)

test('the masks that the guides show are valid in the policy of the first page', () => {
  const [policy = ''] = blocks('docs/start.md', 'yaml')
  expect(masksOnPages.length).toBeGreaterThan(1)
  for (const masks of masksOnPages) {
    const whole = policy.replace(/^masks:[^]*?(?=^\w+:\n)/m, `${masks}\n`)
    expect(whole).not.toBe(policy)
    expect(loadPolicy(whole, sha256Hex)).toMatchObject({ ok: true })
  }
})

test.each(PAGES)('every command and option on %s exists', (path) => {
  const lines = blocks(path, 'sh')
    .flatMap((block) => block.replaceAll(/\\\n/g, ' ').split('\n'))
    .flatMap((line) => /(?:^|\| )((?:[A-Z_]+=\S+ )*warder .*)$/.exec(line)?.[1] ?? [])
    .map((line) => line.replace(/^(?:[A-Z_]+=\S+ )+/, ''))
  expect(lines.flatMap((line) => unknownParts(line).map((part) => `${part} in: ${line}`))).toEqual(
    [],
  )
})

test('a command that isn’t there would be found', () => {
  expect(unknownParts('warder replay ses_1 --sped 8')).toEqual(['--sped'])
  expect(unknownParts('warder audit verfy')).toEqual(['verfy'])
})

test.each(PAGES)('every link on %s leads to a file', (path) => {
  const targets = [...page(path).matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)].map(([, to = '']) => to)
  expect(targets.filter((to) => !existsSync(join(ROOT, dirname(path), to)))).toEqual([])
})

describe('the guides name', () => {
  test('every detector', () => {
    const named = [...page('docs/guides/masking.md').matchAll(/^\| `([a-z-]+)` +\|/gm)].map(
      ([, name]) => name,
    )
    expect(named.toSorted()).toEqual(DETECTOR_NAMES.toSorted())
  })

  test('every variable of recordings', () => {
    const names = ENVIRONMENT_VARIABLES.map(({ name }) => name).filter((name) =>
      name.startsWith('WARDER_RECORDINGS'),
    )
    const text = page('docs/guides/recordings.md')
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([])
  })
})
