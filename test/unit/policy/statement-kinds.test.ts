// The kinds that a policy may name are those that statements are given, neither fewer nor more.

import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { EFFECTS } from '../../../core/command.js'
import { STATEMENT_KINDS } from '../../../policy/statement-kinds.js'
import { PLAIN_DEFINITIONS } from '../../../proxy/postgres/sql/definitions.js'
import {
  DROPS,
  FIXED_STATEMENTS,
  SESSION_STATEMENTS,
} from '../../../proxy/postgres/sql/fixed-statements.js'
import { problemsOf, sampleWith } from './sample.js'

const SQL = new URL('../../../proxy/postgres/sql/', import.meta.url)

/** Words in kebab case that stand in quotes where the source gives a statement its kind. */
function kindsInSources(): Set<string> {
  const kinds = new Set<string>()
  const places = [
    /walk\.kind\(([^\n]*)\)/g,
    /(?:ddl|say)\(\s*walk,\s*([^\n]*)\)/g,
    /(?:rename|comment)\(node, walk, ('[a-z-]+')/g,
    /setNamed\(('[a-z-]+')/g,
    /\['(?:OBJECT_[A-Z_]+|[A-Za-z]+Stmt)', ('[a-z-]+')\]/g,
    /\n {2}kind: ('[a-z-]+'),/g,
    /#kind = ('[a-z-]+')/g,
    / (?:\?\? \[)('[a-z-]+')/g,
  ]
  for (const name of readdirSync(SQL).filter((file) => file.endsWith('.ts'))) {
    const source = readFileSync(new URL(name, SQL), 'utf8')
    for (const place of places)
      for (const [, found = ''] of source.matchAll(place))
        for (const [, word = ''] of found.matchAll(/(?<!\[)'([a-z]+(?:-[a-z]+)*)'/g))
          kinds.add(word)
  }
  return kinds
}

test('every kind that a statement is given can be named', () => {
  const tables = [
    ...[...FIXED_STATEMENTS.values()].map(({ kind }) => kind),
    ...SESSION_STATEMENTS.values(),
    ...[...DROPS.values()].map(([kind]) => kind),
    ...[...PLAIN_DEFINITIONS.values()].map(({ kind }) => kind),
  ]
  const given = [...new Set([...tables, ...kindsInSources()])].filter(
    // Effects that stand beside a kind in the same call.
    (word) => !(EFFECTS as readonly string[]).includes(word) || word === 'unknown',
  )
  expect(given.filter((kind) => !STATEMENT_KINDS.has(kind))).toEqual([])
  expect([...STATEMENT_KINDS.keys()].filter((kind) => !given.includes(kind))).toEqual([])
})

test('the least effect of a kind is the one that the tables give it', () => {
  for (const { kind, effect } of FIXED_STATEMENTS.values())
    if (kind !== 'alter-type') expect([kind, STATEMENT_KINDS.get(kind)]).toEqual([kind, effect])
  for (const [kind, effect] of DROPS.values()) expect(STATEMENT_KINDS.get(kind)).toBe(effect)
  for (const kind of SESSION_STATEMENTS.values())
    expect(STATEMENT_KINDS.get(kind)).toBe('session-control')
})

test('a misspelt kind is a mistake, with the one that is meant', () => {
  expect(problemsOf(sampleWith('[drop-database, truncate]', '[drop-database, trunkate]'))).toEqual([
    expect.stringMatching(
      /^line \d+: roles\[0\]\.block\[0\]\.statements\[1\]: must be a statement kind in kebab case, such as create-table; did you mean truncate\?$/,
    ),
  ])
  expect(problemsOf(sampleWith('[drop-database, truncate]', '[DROP DATABASE]'))).toHaveLength(1)
})
