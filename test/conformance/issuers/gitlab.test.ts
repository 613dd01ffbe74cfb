import { afterEach, beforeEach, expect, test } from 'vitest'
import { Provider } from './world.js'

let gitlab: Provider
beforeEach(async () => {
  gitlab = await Provider.start('GitLab', 'gitlab')
})
afterEach(() => gitlab.stop())

test('a job on the protected branch may, and who triggered it is a party', async () => {
  const token = gitlab.mint()
  expect(await gitlab.verdict(token)).toBe('allow')
  const { principal } = await gitlab.caller(token)
  expect(principal.parties).toEqual(['gitlab/41'])
  expect(principal.groups).toEqual([])
})

test.each([
  { ref_protected: 'false' },
  { ref: 'main', ref_type: 'tag' },
  { project_id: '21' },
  { environment_protected: undefined },
])('a job with %j may not', async (changes) => {
  expect(await gitlab.verdict(gitlab.mint(changes))).toBe('block')
})

test('a project of another group is refused', async () => {
  await gitlab.refuses(gitlab.mint({ namespace_id: '73' }), 'namespace_id')
})

test('a list where a text is required is refused', async () => {
  await gitlab.refuses(gitlab.mint({ namespace_id: ['72'] }), 'namespace_id')
})
