import { afterEach, beforeEach, expect, test } from 'vitest'
import { Provider } from './world.js'

let google: Provider
beforeEach(async () => {
  google = await Provider.start('Google', 'google')
})
afterEach(() => google.stop())

test('the service account on a machine of the project may; its keys are where the policy says', async () => {
  const token = google.mint({ jti: undefined })
  expect(await google.verdict(token)).toBe('allow')
  expect([...google.issuer.asked.keys()]).toEqual(['/jwks'])
  const { principal } = await google.caller(token)
  expect(principal.attributes['gce_instance']).toBe('3140592653589793238')
})

test('the service account somewhere else has no such attribute, and may not', async () => {
  expect(await google.verdict(google.mint({ google: undefined }))).toBe('block')
})

test('a claim at the top can’t pass for the nested one', async () => {
  const token = google.mint({ google: undefined, gce_project: 'acme-prod' })
  expect(await google.verdict(token)).toBe('block')
  expect((await google.caller(token)).principal.attributes['gce_project']).toBeUndefined()
})

test('an address that nobody verified is refused', async () => {
  await google.refuses(google.mint({ email_verified: false }), 'email_verified')
})
