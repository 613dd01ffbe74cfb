// Who plays in the demo, and how one of them gets a token from the demo's issuer. Holds no secret:
// those are made when the issuer starts.

import { join } from 'node:path'

/** Who the demo's issuer knows: names of clients, which become the `sub` of their tokens. */
export const CAST = {
  'migrate-job': {
    is: 'a CI job that migrates the database; maria triggered it',
    claims: {
      repository: 'acme/orders',
      repository_id: '5512',
      workflow: 'migrate.yml',
      ref: 'refs/heads/main',
      environment: 'production',
      triggered_by: 'maria',
    },
  },
  ana: { is: 'a database owner', claims: { groups: ['db-admins'] } },
  maria: {
    is: 'a database owner on call, who triggered the job and so may not approve it',
    claims: { groups: ['db-admins', 'on-call'] },
  },
  max: { is: 'a developer who owns nothing', claims: { groups: ['developers'] } },
} as const satisfies Record<string, { is: string; claims: Record<string, unknown> }>

/** A name of the demo's cast. */
export type CastName = keyof typeof CAST

/** Whether somebody of that name is in the cast. */
export const isCastName = (name: string): name is CastName => Object.hasOwn(CAST, name)

/** Directory below the data directory where everything of the demo is. */
export const demoDirectory = (dataDirectory: string): string => join(dataDirectory, 'demo')

/** File that tells `demo:token` how to ask the running demo's issuer; there while the demo runs. */
export const issuerFile = (dataDirectory: string): string =>
  join(demoDirectory(dataDirectory), 'issuer.json')

/** The one scope of the demo's resource. */
export const SCOPE = 'gateway'

/** What it takes to ask a running demo for a token, from another process. */
export interface IssuerAccess {
  readonly issuer: string
  readonly audience: string
  readonly secrets: Readonly<Record<CastName, string>>
}

/** Asks the running issuer for a token: client credentials (RFC 6749 §4.4) with a resource (RFC 8707). */
export async function requestToken(access: IssuerAccess, name: CastName): Promise<string> {
  const response = await fetch(`${access.issuer}/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${name}:${access.secrets[name]}`).toString('base64')}`,
    },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      scope: SCOPE,
      resource: access.audience,
    }),
  })
  const answer: unknown = await response.json()
  if (typeof answer === 'object' && answer !== null && 'access_token' in answer) {
    if (typeof answer.access_token === 'string') return answer.access_token
  }
  throw new Error(`the demo's issuer gave no token (${response.status}): ${JSON.stringify(answer)}`)
}
