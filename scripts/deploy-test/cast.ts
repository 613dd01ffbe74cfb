// Who plays in the test, as deploy/policy/policy.yaml knows them.

/** Where the issuer's container is reached; takes the place of the shipped policy's example. */
export const ISSUER = 'https://issuer.example.com:8443'
/** As the shipped policy has it. */
export const AUDIENCE = 'https://warder.example.com'
/** The shipped policy's resource and role. */
export const RESOURCE = 'orders-db'
export const ROLE = 'migrator'

/** Who, and what their tokens say. */
export const CAST = {
  'migrate-job': { triggered_by: 'maria' },
  ana: { groups: ['db-admins'] },
  maria: { groups: ['db-admins'] },
} as const

/** A name of the cast. */
export type Player = keyof typeof CAST
