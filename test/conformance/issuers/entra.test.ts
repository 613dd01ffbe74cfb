import { afterEach, beforeEach, expect, test } from 'vitest'
import { Provider } from './world.js'

const TENANT = '7d1e0c2b-3a4f-4d5e-8c6b-9a8b7c6d5e4f'
const COMMON = { aud: '6f0e5d4c-3b2a-4190-8f7e-6d5c4b3a2918', jti: undefined }

let entra: Provider
beforeEach(async () => {
  entra = await Provider.start('Microsoft Entra', 'entra', { path: `/${TENANT}/v2.0` })
})
afterEach(() => entra.stop())

test('a workload with the app role may', async () => {
  const token = entra.mint(COMMON)
  expect(await entra.verdict(token)).toBe('allow')
  const { principal } = await entra.caller(token)
  expect(principal.groups).toEqual(['Orders.Migrate'])
  expect(Object.keys(principal.attributes)).not.toContain('uti')
})

test('a workload without app roles is in no group, and may not', async () => {
  expect(await entra.verdict(entra.mint({ ...COMMON, roles: undefined }))).toBe('block')
})

test.each([
  { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph' } } },
  { hasgroups: true },
])(
  'a token whose groups were left out (%j) is refused, never taken for one without',
  async (more) => {
    await entra.refuses(entra.mint({ ...COMMON, ...more }), 'left the groups out')
  },
)

test('a token of a person is refused where workloads are required', async () => {
  await entra.refuses(entra.mint({ ...COMMON, idtyp: 'user' }), 'idtyp')
})

test('another tenant is refused', async () => {
  const iss = entra.issuer.url.replace(TENANT, 'common')
  await entra.refuses(entra.mint({ ...COMMON, iss }), 'issuer is not configured')
})
