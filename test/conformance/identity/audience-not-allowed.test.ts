import { test } from 'vitest'
import { refuses } from './refuses.js'

const ALLOWED = { audiencesAlso: ['https://also.test'] }

test('a further audience than those the policy allows is refused', async () => {
  const aud = ['https://warder.test', 'https://also.test', 'https://other.test']
  await refuses((issuer) => issuer.mint({ aud }), 'more than one audience', ALLOWED)
})

test('what is allowed besides our audience does not stand in for it', async () => {
  await refuses((issuer) => issuer.mint({ aud: 'https://also.test' }), 'another audience', ALLOWED)
})
