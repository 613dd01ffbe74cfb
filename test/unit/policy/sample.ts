// A policy in the form of the documentation, and small builders for what is judged by it.

import { createHash } from 'node:crypto'
import type { Command, CommandPart } from '../../../core/command.js'
import type { Principal } from '../../../core/principal.js'
import { loadPolicy } from '../../../policy/load.js'
import type { Policy } from '../../../policy/policy.js'
import { problemText } from '../../../policy/problem.js'

/** Hex SHA-256, as app/ passes it in. */
export const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Two issuers, two resources, three roles; used by most tests of this folder. */
export const SAMPLE = `
gateway: { audience: https://warder.acme.example }
issuers:
  - name: github
    issuer: https://token.actions.githubusercontent.com
    replay: once
    require: { repository_owner_id: "991", runner_environment: [self-hosted, github-hosted] }
    parties: [actor_id, triggering_actor]
    aliases: { okta: actor }
  - { name: okta, issuer: https://acme.okta.example/oauth2/default, groups: groups }
resources:
  - name: orders-db
    protocol: postgres
    address: orders.internal:5432
    database: orders
    labels: { env: prod, tier: 1 }
    owner: team-orders
    credential: { user: warder, password: { env: ORDERS_DB_PASSWORD } }
  - name: local-db
    protocol: postgres
    address: "[::1]:5433"
    credential: { user: warder, password: { stored: local-db } }
    tls: off
roles:
  - name: orders-migrator
    on: [orders-db, local-db]
    allow: [{ effects: [read, write], relations: [public.*] }]
    ask:
      - { effects: [ddl], approvers: db-owners, timeout: 10m }
      - { effects: [write], without: where, approvers: db-owners, quorum: 2 }
    block: [{ statements: [drop-database, truncate] }]
  - name: reader
    on: [orders-db]
    allow: [{ effects: [read], relations: [public.orders, reports.*] }]
  - name: asker
    on: [orders-db]
    otherwise: ask
    approvers: on-call
    timeout: 5m
access:
  - who: { issuer: github, repository_id: 5512, environment: production }
    role: orders-migrator
    on: [orders-db]
    for: 30m
    max: 2h
    reason: required
    approval: { approvers: db-owners, timeout: 15m }
  - { who: { issuer: okta, group: readers }, role: reader, for: 1h }
approvers:
  db-owners: { members: [{ issuer: okta, group: db-admins }] }
  on-call: { members: [{ issuer: okta, subject: [ann, bob] }] }
duties: { revoke: [on-call, db-owners], apply: [db-owners], audit: [on-call] }
`

/** Loads a text that has to be valid; throws with its problems otherwise. */
export function policyOf(text: string): Policy {
  const loaded = loadPolicy(text, sha256Hex)
  if (!loaded.ok) throw new Error(loaded.problems.map(problemText).join('\n'))
  return loaded.policy
}

/** The problems of a text, one line each; empty when it is valid. */
export function problemsOf(text: string): string[] {
  const loaded = loadPolicy(text, sha256Hex)
  return loaded.ok ? [] : loaded.problems.map(problemText)
}

/** A caller of github that access rule 1 of the sample means. */
export const JOB: Principal = {
  issuer: 'github',
  subject: 'repo:acme/orders',
  groups: [],
  attributes: { repository_id: '5512', environment: 'production' },
  actors: [],
  parties: ['github/77'],
  aliases: ['github/repo:acme/orders'],
  tokenExpiresAt: 0,
}

/** A caller of okta that belongs to these groups. */
export const person = (subject: string, ...groups: string[]): Principal => ({
  issuer: 'okta',
  subject,
  groups,
  attributes: {},
  actors: [],
  parties: [],
  aliases: [`okta/${subject}`],
  tokenExpiresAt: 0,
})

/** One statement: `read public.orders` or `write public.orders` per relation. */
export const part = (
  kind: string,
  effect: CommandPart['effect'],
  uses: readonly `${'read' | 'write'} ${string}`[] = [],
  more: Partial<CommandPart> = {},
): CommandPart => ({
  kind,
  effect,
  relations: uses.map((use) => {
    const [access, relation = ''] = use.split(' ')
    return { relation, access: access === 'write' ? 'write' : 'read' }
  }),
  traits: [],
  because: [],
  ...more,
})

/** A command of these parts, with the highest of their effects unless another is given. */
export function command(parts: readonly CommandPart[], effect?: CommandPart['effect']): Command {
  const rising = ['read', 'session-control', 'write', 'ddl', 'privilege', 'dangerous', 'unknown']
  const highest = parts
    .map((one) => one.effect)
    .toSorted((a, b) => rising.indexOf(b) - rising.indexOf(a))
  return { protocol: 'postgres', effect: effect ?? highest[0] ?? 'unknown', parts }
}

/** The sample with one piece of text replaced; fails when the piece is not there. */
export function sampleWith(piece: string, replacement: string): string {
  if (!SAMPLE.includes(piece)) throw new Error(`the sample has no ${piece}`)
  return SAMPLE.replace(piece, replacement)
}

/** The sample with these masks, each in YAML's flow form: `{ columns: [...], how: last4 }`. */
export const masked = (...masks: string[]): string =>
  `${SAMPLE}masks:\n${masks.map((mask) => `  - ${mask}\n`).join('')}`
