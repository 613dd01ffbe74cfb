import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadPolicy } from '../../../../policy/load.js'

const text = readFileSync(new URL('../../../../scripts/demo/policy.yaml', import.meta.url), 'utf8')
const load = (yaml: string) =>
  loadPolicy(yaml, (value) => createHash('sha256').update(value).digest('hex'))

test('the policy of the demo is refused until its addresses are filled in', () => {
  expect(load(text).ok).toBe(false)
})

test('the policy of the demo is valid once its addresses are filled in', () => {
  const filled = text
    .replace('ISSUER_URL', 'http://127.0.0.1:4000')
    .replace('TARGET_ADDRESS', '127.0.0.1:5000')
    .replace('TARGET_PASSWORD_FILE', '/tmp/password')
  expect(load(filled)).toMatchObject({ ok: true })
})
