import { afterEach, beforeEach, expect, test } from 'vitest'
import { Provider } from './world.js'

let okta: Provider
beforeEach(async () => {
  okta = await Provider.start('Okta', 'okta', { path: '/oauth2/default' })
})
afterEach(() => okta.stop())

const groups = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => (at === 0 ? 'db-admins' : `group-${at}`))

test('a person in the group may', async () => {
  expect(await okta.verdict(okta.mint())).toBe('allow')
})

test('ninety-nine groups are a whole list', async () => {
  expect(await okta.verdict(okta.mint({ groups: groups(99) }))).toBe('allow')
})

test.each([100, 101])('a list of %i groups may have been cut, and is refused', async (count) => {
  await okta.refuses(okta.mint({ groups: groups(count) }), /lists 10[01] groups.*cut off/)
})

test('a token of another application is refused', async () => {
  await okta.refuses(okta.mint({ cid: '0oaother' }), 'cid')
})

test('an encrypted, wrapped or other kind of token is refused', async () => {
  await okta.refuses(okta.mint({}, { typ: 'logout+jwt' }), 'its type is not')
  await okta.refuses(okta.mint({}, { typ: 'dpop+jwt' }), 'its type is not')
})
