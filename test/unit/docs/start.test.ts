// What docs/start.md tells a newcomer to write has to be accepted as it stands there.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { loadPolicy } from '../../../policy/load.js'

const page = readFileSync(fileURLToPath(new URL('../../../docs/start.md', import.meta.url)), 'utf8')
const sha256Hex = (text: string) => createHash('sha256').update(text).digest('hex')

/** The block of YAML, without the indent of the list it stands in. */
const policyOnPage = (): string =>
  (/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '').replace(/^ {3}/gm, '')

test('the policy that the first page shows is valid', () => {
  expect(loadPolicy(policyOnPage(), sha256Hex)).toMatchObject({ ok: true })
})

test('a typo in it would be named with the key that was meant', () => {
  const loaded = loadPolicy(
    policyOnPage().replace('approvers: db-owners', 'aprovers: db-owners'),
    sha256Hex,
  )
  expect(JSON.stringify(loaded.ok ? [] : loaded.problems)).toContain('"nearest":"approvers"')
})
