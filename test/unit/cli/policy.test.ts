// `warder apply` and `warder policy`, as people read them.

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { Terminal } from './run.js'

let terminal: Terminal

beforeAll(async () => {
  terminal = new Terminal()
  await terminal.start()
})
afterAll(() => terminal.stop())
beforeEach(() => {
  terminal.warder.processes = [
    { process: 'gwy_a', version: 2 },
    { process: 'gwy_b', version: 2 },
  ]
  terminal.warder.versions = [1, 2].map((version) => ({
    ...{ version, digest: 'd'.repeat(64), source: 'a: 1\n', by: 'okta/otto', at: 0 },
    ...{ reason: 'be\u001b[31mcause', ...(version === 2 ? { confirmedBy: 'okta/bob' } : {}) },
  }))
  terminal.warder.policyDifference = {
    digest: 'e'.repeat(64),
    rights: [
      { direction: 'widens', text: 'role x: ddl passes' },
      { direction: 'narrows', text: 'role y: read is blocked' },
      { direction: 'changes', text: 'resource z: address is b (was: a)' },
    ],
    changes: ['~ resources.z.address: a → b'],
  }
  terminal.warder.proposals = [
    {
      ...{ id: 'pol_fake0001', state: 'pending', digest: 'e'.repeat(64), base: 2 },
      ...{ by: 'okta/ann', reason: 'ticket 1', at: 0, expiresAt: 86_400_000 },
    },
  ]
})

const run = (...argv: string[]) => terminal.run(['policy', ...argv], { as: 'otto' })

test('a difference is told with what widens first', async () => {
  const { out, code } = await run('diff', '1', '2')
  expect(code).toBe(0)
  expect(out).toBe(
    'Widens rights:\n  + role x: ddl passes\n' +
      'Narrows rights:\n  - role y: read is blocked\n' +
      'Changes, neither wider nor narrower:\n  ~ resource z: address is b (was: a)\n' +
      'Edited (+ added, - removed, ~ changed):\n  ~ resources.z.address: a → b\n',
  )
})

test('versions are listed, and what stands in them can’t steer the terminal', async () => {
  const { out } = await run('list')
  expect(out).toMatch(/^VERSION {2}APPLIED .*\n2 .*okta\/otto {2}okta\/bob {6}dddddddddddd {2}be/)
  expect(out).not.toContain('\u001b')
})

test('show prints the text of a version as it was applied', async () => {
  expect((await run('show', '1')).out).toBe('a: 1\n')
  expect((await run('show', 'current')).out).toBe('a: 1\n')
  expect((await run('show', 'newest')).code).toBe(64)
  expect((await run('show', '7')).code).toBe(77)
})

test('rollback says what it changes and waits until all processes judge by it', async () => {
  const { out, code } = await run('rollback', '1', '--reason', 'incident 12')
  expect(code).toBe(0)
  expect(out).toContain('+ role x: ddl passes')
  expect(out).toMatch(/in force: version 2 \(digest e+\)\nin force on 2 of 2 processes\n$/)
  expect((await run('rollback', '1')).code).toBe(64)
})

test('a process that stays behind is named, and the exit code says so', async () => {
  terminal.warder.processes = [
    { process: 'gwy_a', version: 2 },
    { process: 'gwy_b', version: 1, trouble: 'it can’t be read' },
  ]
  const { out, code } = await run('rollback', '1', '--reason', 'incident 12')
  expect(code).toBe(69)
  expect(out).toContain(
    'in force on 1 of 2 processes\n  gwy_b judges by version 1: it can’t be read\n',
  )
})

test('proposals are listed, shown, confirmed and rejected', async () => {
  expect((await run('proposals')).out).toMatch(/pol_fake0001 {2}version 2 {2}okta\/ann/)
  const shown = await run('show', 'pol_fake0001')
  expect(shown.out).toMatch(/replaces +version 2[\s\S]*Widens rights:\n {2}\+ role x/)
  const confirmed = await run('confirm', 'pol_fake0001')
  expect(confirmed.out).toBe('pol_fake0001 is version 2; in force on 2 of 2 processes\n')
  expect((await run('reject', 'pol_fake0001', '--reason', 'no')).out).toContain('is rejected')
  expect((await run('reject', 'pol_fake0001')).code).toBe(64)
  expect((await run('confirm', '../../secrets/x')).code).toBe(64)
})

test.each([
  ['rollback', 'x', '--reason', 'y'],
  ['diff', '1'],
  ['diff', '1', '-1'],
  ['list', '--before', 'x'],
])('policy %s %s is wrong usage', async (...argv) => {
  expect((await run(...argv)).code).toBe(64)
})
