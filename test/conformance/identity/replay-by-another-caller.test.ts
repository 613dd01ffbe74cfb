import { expect, test } from 'vitest'
import { inWorld } from './world.js'

test('a token that belongs to one address is refused from any other', async () => {
  await inWorld(
    async ({ issuer, why }) => {
      const token = issuer.mint()
      expect(await why(token, '10.0.0.7:40000')).toBeUndefined()
      expect(await why(token, '10.0.0.7:40001')).toBeUndefined()
      expect(await why(token, '10.0.0.8:40000')).toBe('another address has used it first')
      expect(await why(token, '[::1]:40000')).toBe('another address has used it first')
      expect(await why(issuer.mint(), '10.0.0.8:40000')).toBeUndefined()
    },
    { replay: 'bind' },
  )
})

test('a token that proves nothing binds nothing', async () => {
  await inWorld(
    async ({ issuer, why }) => {
      const claims = { jti: 'one' }
      expect(
        await why(issuer.mint({ ...claims, aud: 'https://other' }), '10.0.0.8:1'),
      ).toBeDefined()
      expect(await why(issuer.mint(claims), '10.0.0.7:1')).toBeUndefined()
    },
    { replay: 'bind' },
  )
})
