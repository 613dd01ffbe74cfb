// Texts that are not even plain data.

import { expect, test } from 'vitest'
import { problemsOf } from './sample.js'

const UNREADABLE: [string, string, RegExp][] = [
  ['an empty text', '', /is empty/],
  ['only comments', '# nothing yet\n', /is empty/],
  ['nothing but a word', 'roles', /the policy: must be a map of keys, not text/],
  ['a list at the top', '[]', /must be a map of keys, not a list/],
  ['broken YAML', 'roles: [', /line 1: the policy: is not plain YAML/],
  ['a tab as indentation', 'roles:\n\t- name: x', /line 2: the policy: is not plain YAML/],
  ['two documents', '{}\n---\n{}', /more than one document/],
  ['a directive', '%YAML 1.1\n---\ngateway: {}', /directive/],
  ['an alias', 'gateway: &a { audience: x }\nduties: *a', /line 2: duties: is an alias/],
  ['an alias that leads nowhere', 'gateway: *a', /not plain YAML|is an alias/],
  ['a tag', 'gateway: !secret { audience: x }', /not plain YAML/],
  ['binary', 'gateway: { audience: !!binary aGk= }', /not plain YAML/],
  ['a key twice', 'issuers: []\nroles: []\nissuers: []', /line 3: issuers: is stated twice/],
  ['a merge key', 'gateway: { <<: { audience: x } }', /gateway\.<<: unknown key/],
  ['the key __proto__', 'gateway: { __proto__: { audience: x } }', /reserved/],
  ['an empty key', 'gateway: { "": x }', /empty, too long or reserved/],
  ['a list as key', '? [a]\n: b', /not plain YAML/],
  ['a value of 5000 characters', `gateway: { audience: ${'x'.repeat(5000)} }`, /4096 characters/],
  ['40 levels', `gateway: ${'['.repeat(40)}${']'.repeat(40)}`, /deeper than 32/],
  ['100000 open brackets', '['.repeat(100_000), /deeper than 32/],
  ['20000 nested dashes', '- '.repeat(20_000), /deeper than 32/],
  ['20000 question marks', '? '.repeat(20_000), /deeper than 32/],
  ['more than 1 MiB', ' '.repeat(1_048_577), /longer than 1048576/],
]
test.each(UNREADABLE)('%s is refused', (_name, text, what) => {
  expect(problemsOf(text).join('\n')).toMatch(what)
})

test('an alias bomb is refused before it grows', () => {
  const levels = Array.from({ length: 30 }, (_, at) =>
    at === 0 ? 'a0: &a0 [x]' : `a${at}: &a${at} [*a${at - 1}, *a${at - 1}]`,
  )
  expect(problemsOf(levels.join('\n')).join('\n')).toMatch(/is an alias/)
})
