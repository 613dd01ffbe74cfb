import { afterEach, beforeEach, expect, test } from 'vitest'
import { Provider } from './world.js'

let github: Provider
beforeEach(async () => {
  github = await Provider.start('GitHub Actions', 'github-actions')
})
afterEach(() => github.stop())

test('a job of the repository in its environment may, and its actor is a party', async () => {
  const token = github.mint()
  expect(await github.verdict(token)).toBe('allow')
  const { principal, tokenId } = await github.caller(token)
  expect(principal.parties).toEqual(['github/12'])
  expect(principal.attributes['job_workflow_ref']).toContain('release.yml')
  expect(tokenId).toBeDefined()
})

test('the subject may have either form', async () => {
  const sub = 'repo:acme@991/orders@5512:environment:production'
  expect(await github.verdict(github.mint({ sub }))).toBe('allow')
})

test('another repository of that name is another repository', async () => {
  expect(await github.verdict(github.mint({ repository_id: '5513' }))).toBe('block')
})

test('a pull request, without environment and on an unprotected ref, may not', async () => {
  const changes = {
    sub: 'repo:acme/orders:pull_request',
    event_name: 'pull_request',
    ref: 'refs/pull/7/merge',
    environment: undefined,
    ref_protected: 'false',
  }
  expect(await github.verdict(github.mint(changes))).toBe('block')
})

test('a repository of another owner is refused', async () => {
  await github.refuses(github.mint({ repository_owner_id: '992' }), 'repository_owner_id')
})

test('a token for the owner’s default audience is refused', async () => {
  await github.refuses(github.mint({ aud: 'https://github.com/acme' }), 'another audience')
})

test('a token without id can’t be spent, and is refused', async () => {
  await github.refuses(github.mint({ jti: undefined }), 'lacks the claim jti')
})
