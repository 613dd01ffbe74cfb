import { expect, test } from 'vitest'
import { isTrustDomain, issuerOf, trustDomainOf } from '../../../identity/spiffe.js'

test.each([
  ['spiffe://acme.io/ns/prod/sa/migrate', 'spiffe://acme.io'],
  ['spiffe://acme.io/a.b-c_d', 'spiffe://acme.io'],
  ['spiffe://acme.io', undefined],
  ['spiffe://acme.io/', undefined],
  ['spiffe://acme.io//x', undefined],
  ['spiffe://acme.io/x/', undefined],
  ['spiffe://acme.io/../x', undefined],
  ['spiffe://acme.io/./x', undefined],
  ['spiffe://ACME.io/x', undefined],
  ['spiffe://acme.io:443/x', undefined],
  ['spiffe://acme.io/x?y', undefined],
  ['spiffe://acme.io/%61', undefined],
  ['spiffe://a@acme.io/x', undefined],
  ['https://acme.io/x', undefined],
  [7, undefined],
])('the subject %s is of the trust domain %s', (subject, domain) => {
  expect(trustDomainOf(subject)).toBe(domain)
})

test('the trust domain of a subject counts only when the token names no issuer at all', () => {
  const sub = 'spiffe://acme.io/x'
  expect(issuerOf({ sub })).toBe('spiffe://acme.io')
  expect(issuerOf({ sub, iss: 'https://other.test' })).toBe('https://other.test')
  expect(issuerOf({ sub, iss: null })).toBeUndefined()
  expect(issuerOf({ sub, iss: ['spiffe://acme.io'] })).toBeUndefined()
  expect(isTrustDomain('spiffe://acme.io/x')).toBe(false)
})
