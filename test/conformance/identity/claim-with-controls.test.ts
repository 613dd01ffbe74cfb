import { test } from 'vitest'
import { refuses } from './refuses.js'

const NAMES = { groups: 'teams', parties: ['actor'], aliases: { okta: ['email'] } }

test.each([
  { sub: 'job\u001b[2J' },
  { sub: 'job\n' },
  { sub: 'job\u202egnp' },
  { sub: 'job\u200b' },
  { sub: 'job\u0000' },
  { teams: ['admins', 'ad\u00admins'] },
  { actor: 'maria\r' },
  { email: 'maria\u2028@acme.io' },
])('a name with characters that can’t be seen is refused: %j', async (claims) => {
  await refuses((issuer) => issuer.mint(claims), "can't be seen", NAMES)
})
