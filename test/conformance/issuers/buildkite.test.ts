import { afterEach, beforeEach, expect, test } from 'vitest'
import { Provider } from './world.js'

let buildkite: Provider
beforeEach(async () => {
  buildkite = await Provider.start('Buildkite', 'buildkite')
})
afterEach(() => buildkite.stop())

test('the step of the pipeline may', async () => {
  expect(await buildkite.verdict(buildkite.mint({ jti: undefined }))).toBe('allow')
})

test('another step of the same build may not', async () => {
  expect(await buildkite.verdict(buildkite.mint({ step_key: 'test' }))).toBe('block')
})

test('another organisation is refused', async () => {
  await buildkite.refuses(buildkite.mint({ organization_slug: 'acme-inc' }), 'organization_slug')
})

test('a token that is older than the policy allows is refused, though it has not expired', async () => {
  const iat = Math.floor(buildkite.clock.now() / 1000) - 700
  await buildkite.refuses(buildkite.mint({ iat, exp: iat + 7200 }), 'issued more than 600 s ago')
})
