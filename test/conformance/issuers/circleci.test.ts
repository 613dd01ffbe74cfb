import { afterEach, beforeEach, expect, test } from 'vitest'
import { Provider } from './world.js'

const ORGANIZATION = '8a2c1b4e-0f6d-4f0c-9d53-5b1de0c7a111'
const WITHOUT_ID = { jti: undefined }

let circleci: Provider
beforeEach(async () => {
  circleci = await Provider.start('CircleCI', 'circleci', { path: `/org/${ORGANIZATION}` })
})
afterEach(() => circleci.stop())

test('a job of the project on its branch may, though its tokens have no id', async () => {
  expect(await circleci.verdict(circleci.mint(WITHOUT_ID))).toBe('allow')
})

test('a job that somebody reran over SSH may not', async () => {
  const changes = { ...WITHOUT_ID, 'oidc.circleci.com/ssh-rerun': true }
  expect(await circleci.verdict(circleci.mint(changes))).toBe('block')
})

test('a job of another branch may not', async () => {
  const changes = { ...WITHOUT_ID, 'oidc.circleci.com/vcs-ref': 'refs/heads/other' }
  expect(await circleci.verdict(circleci.mint(changes))).toBe('block')
})

test('a token for the organisation, the default audience, is refused', async () => {
  await circleci.refuses(circleci.mint({ ...WITHOUT_ID, aud: ORGANIZATION }), 'another audience')
})

test('the issuer of another organisation is refused', async () => {
  const iss = circleci.issuer.url.replace(ORGANIZATION, ORGANIZATION.replace('8', '9'))
  await circleci.refuses(circleci.mint({ ...WITHOUT_ID, iss }), 'issuer is not configured')
})
