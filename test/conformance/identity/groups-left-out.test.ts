import { test } from 'vitest'
import { refuses } from './refuses.js'

test('a token whose issuer left the groups out is refused', async () => {
  await refuses(
    (issuer) => issuer.mint({ _claim_names: { groups: 'src1' } }),
    'left the groups out',
  )
})
