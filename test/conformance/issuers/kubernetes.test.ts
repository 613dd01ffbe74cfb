import { afterEach, beforeEach, expect, test } from 'vitest'
import { Provider } from './world.js'

const OURS = { aud: ['https://warder.acme.io'], jti: '1f6b8a1e-2c3d-4e5f-8a9b-0c1d2e3f4a5b' }

let cluster: Provider
beforeEach(async () => {
  cluster = await Provider.start('Kubernetes service accounts', 'kubernetes')
})
afterEach(() => cluster.stop())

test('the service account may, with what is nested as attributes', async () => {
  const token = cluster.mint(OURS)
  expect(await cluster.verdict(token)).toBe('allow')
  const { principal } = await cluster.caller(token)
  expect(principal.attributes).toMatchObject({ namespace: 'orders', service_account: 'migrate' })
})

test('one token serves the same pod again and again, until it rotates', async () => {
  const token = cluster.mint(OURS)
  await cluster.caller(token, '10.244.1.7:50000')
  await cluster.caller(token, '10.244.1.7:50001')
  await cluster.caller(token, '::ffff:10.244.1.7:50002')
})

test('the same token from another address is refused', async () => {
  const token = cluster.mint(OURS)
  await cluster.caller(token, '10.244.1.7:50000')
  await cluster.refuses(token, 'another address has used it first', '10.244.9.9:50000')
  await cluster.caller(token, '10.244.1.7:50003')
})

test('a service account that was made anew under the old name may not', async () => {
  const anew = { namespace: 'orders', serviceaccount: { name: 'migrate', uid: 'another' } }
  expect(await cluster.verdict(cluster.mint({ ...OURS, 'kubernetes.io': anew }))).toBe('block')
})

test('a token for the API server itself is refused', async () => {
  const aud = ['https://kubernetes.default.svc.cluster.local']
  await cluster.refuses(cluster.mint({ ...OURS, aud }), 'another audience')
})

test('an old token without id can’t be bound, and is refused', async () => {
  await cluster.refuses(cluster.mint({ ...OURS, jti: undefined }), 'lacks the claim jti')
})
