import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a list of groups that is as long as the issuer’s longest may have been cut', async () => {
  const teams = Array.from({ length: 100 }, (_, at) => `team-${at}`)
  await refuses((issuer) => issuer.mint({ teams }), 'lists 100 groups, and may have been cut', {
    groups: 'teams',
    groupsCutAt: 100,
  })
})
