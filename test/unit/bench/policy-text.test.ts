import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { MASKED_COLUMN, MASKED_TABLE } from '../../../bench/cases.js'
import { ROLE, policyText } from '../../../bench/policy-text.js'
import { DATABASE, TLS_DATABASE } from '../../../bench/target.js'
import { DETECTOR_NAMES } from '../../../policy/detect/names.js'
import { loadPolicy } from '../../../policy/load.js'
import { maskingFor } from '../../../policy/masking.js'

const textOf = (isStrict: boolean) =>
  policyText({
    target: {
      cluster: { host: '127.0.0.1', port: 5432 },
      passwordFile: '/tmp/bench/password',
      certificate: { authorityFile: '/tmp/bench/authority.pem' },
    },
    issuerUrl: 'http://127.0.0.1:8080',
    isStrict,
  })

const load = (text: string) =>
  loadPolicy(text, (one) => createHash('sha256').update(one).digest('hex'))

test.each([false, true])('the policy is accepted as it is (strict: %s)', (isStrict) => {
  const loaded = load(textOf(isStrict))
  expect(loaded.ok ? [] : loaded.problems).toEqual([])
})

test('only the strict policy makes reads wait for the log', () => {
  expect(textOf(false)).not.toContain('audit: strict')
  expect(textOf(true)).toContain('  audit: strict\n')
})

test.each([DATABASE, TLS_DATABASE])(
  'on %s one column is masked and everything is looked for',
  (on) => {
    const loaded = load(textOf(false))
    const masking = loaded.ok ? maskingFor(loaded.policy, ROLE, on) : undefined
    expect(masking?.columnMask('bench.pgbench_accounts', MASKED_COLUMN)).toBeUndefined()
    expect(masking?.columnMask(MASKED_TABLE, MASKED_COLUMN)).toMatchObject({ how: 'redact' })
    expect(masking?.detect.map(({ detectors }) => detectors)).toEqual([DETECTOR_NAMES])
  },
)
