import { expect, test } from 'vitest'
import { WarderError } from '../../../core/errors.js'
import { inWorld } from './world.js'

test('while nobody can say whose a token is, it is nobody’s', async () => {
  const away = {
    bind: () => Promise.reject(new WarderError('CONTROL_PLANE_UNAVAILABLE', { why: 'store away' })),
  }
  await inWorld(
    async ({ issuer, why }) => {
      expect(await why(issuer.mint(), '10.0.0.7:1')).toBe('store away')
    },
    { replay: 'bind' },
    away,
  )
})
