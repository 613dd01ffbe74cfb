// The flow that every protocol goes through, with ports that answer as the test says.

import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'

import type { AuditEvent } from '../../../core/audit.js'
import { granted, refused } from '../../../core/errors.js'
import type { Grant } from '../../../core/grant.js'
import type { Authenticated } from '../../../core/ports.js'
import { loadPolicy } from '../../../policy/load.js'
import { Gateway, type GatewayDependencies, type Wish } from '../../../proxy/gateway.js'
import { LiveSessions } from '../../../proxy/live-sessions.js'
import { InstantBus } from '../../fakes/gateway-ports.js'

const POLICY = `
gateway: { audience: https://warder.test }
issuers: [{ name: ci, issuer: https://ci.test, require: { owner: acme } }]
resources:
  - { name: shop, protocol: postgres, address: '127.0.0.1:5432', database: shop, tls: 'off', credential: { user: w, password: { env: P } } }
roles:
  - { name: reader, on: [shop], allow: [{ effects: [read] }] }
  - { name: writer, on: [shop], allow: [{ effects: [read, write] }] }
access:
  - { who: { issuer: ci, subject: reader }, role: reader, for: 30m }
  - { who: { issuer: ci, subject: both }, role: reader, for: 30m }
  - { who: { issuer: ci, subject: both }, role: writer, for: 30m }
`

const NOW = 1_000_000
const clock = { now: () => NOW, monotonicMs: () => NOW }

const callerNamed = (subject: string): Authenticated => ({
  principal: {
    issuer: 'ci',
    subject,
    groups: [],
    attributes: { owner: 'acme' },
    actors: [],
    parties: [],
    aliases: [`ci/${subject}`],
    tokenExpiresAt: NOW + 60_000,
  },
  principalKey: `key-${subject}`,
  tokenDigest: 'd',
})

const grantOf = (caller: Authenticated, more: Partial<Grant> = {}): Grant => ({
  id: 'grt_1',
  requestId: 'req_1',
  principal: caller.principal,
  principalKey: caller.principalKey,
  resource: 'shop',
  role: 'reader',
  origin: 'request',
  reason: '',
  policyDigest: 'p',
  openedAt: NOW - 1,
  expiresAt: NOW + 60_000,
  epoch: 1,
  ...more,
})

function world(found: { live?: readonly Grant[]; row?: Grant; opened?: Grant }) {
  const loaded = loadPolicy(POLICY, (text) => createHash('sha256').update(text).digest('hex'))
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const events: AuditEvent[] = []
  const ended: string[] = []
  const audit: GatewayDependencies['audit'] = {
    append: (event) => events.push(event),
    durable: () => Promise.resolve(),
    onFailure: () => () => undefined,
  }
  const registry: GatewayDependencies['registry'] = {
    opened: () => Promise.resolve(),
    ended: (_id, end) => {
      ended.push(end)
      return Promise.resolve()
    },
    heartbeat: () => Promise.resolve(),
    gatewayAlive: () => Promise.resolve(true),
    openCount: () => Promise.resolve(0),
    sessionsUnder: () => Promise.resolve([]),
  }
  const grants: GatewayDependencies['grants'] = {
    reserve: ({ requestId }) => Promise.resolve(requestId),
    release: () => Promise.resolve(),
    open: (grant) => Promise.resolve(grant),
    find: () => Promise.resolve(found.row),
    live: () => Promise.resolve(found.live ?? []),
    extend: () => Promise.resolve(undefined),
    end: () => Promise.resolve(undefined),
    changed: () => Promise.resolve([]),
  }
  const access: GatewayDependencies['access'] = {
    open: () =>
      Promise.resolve(
        found.opened === undefined ? refused('REQUEST_DENIED') : granted(found.opened),
      ),
    begin: () => Promise.resolve(refused('CONTROL_PLANE_UNAVAILABLE')),
    decide: () => Promise.resolve(granted('pending')),
    review: () => Promise.resolve(granted(null)),
    extend: () => Promise.resolve(granted({ expiresAt: 0 })),
    ended: () => Promise.resolve(),
    complete: () => Promise.resolve(granted(null)),
    withdraw: () => Promise.resolve(granted(null)),
    idle: () => Promise.resolve(),
  }
  const bus = new InstantBus()
  const live = new LiveSessions({ gatewayId: 'gwy_1', grants, registry, bus, audit, clock })
  const gateway = new Gateway({
    id: 'gwy_1',
    identity: { authenticate: () => Promise.resolve(refused('UNAUTHENTICATED')) },
    policy: { current: () => loaded.policy },
    ...{ access, grants, registry, live, audit, clock },
    newRequestId: () => 'req_new',
  })
  return { gateway, events, ended, live }
}

const wish = (more: Partial<Wish> = {}): Wish => ({
  protocol: 'postgres',
  peer: '127.0.0.1:1',
  resource: 'shop',
  role: 'reader',
  ...more,
})

const admit = (gateway: Gateway, caller: Authenticated, wanted: Wish) =>
  gateway.admit(caller, wanted, new AbortController().signal, () => undefined)

const codeOf = (outcome: Awaited<ReturnType<typeof admit>>) =>
  outcome.ok ? 'admitted' : outcome.refusal.code

test('a live grant of the same principal, resource and role admits', async () => {
  const caller = callerNamed('reader')
  const grant = grantOf(caller)
  const { gateway, events, live } = world({ live: [grant], row: grant })
  expect(codeOf(await admit(gateway, caller, wish()))).toBe('admitted')
  expect(events.map((event) => event.kind)).toEqual(['session.opened'])
  expect(live.count).toBe(1)
})

test('a grant revoked between being found and being watched admits nobody', async () => {
  const caller = callerNamed('reader')
  const grant = grantOf(caller)
  const end = { reason: 'revoked', by: 'okta/ana', at: NOW } as const
  const { gateway, ended, live } = world({ live: [grant], row: { ...grant, epoch: 2, end } })
  expect(codeOf(await admit(gateway, caller, wish()))).toBe('GRANT_REVOKED')
  expect(ended).toEqual(['grant-revoked'])
  expect(live.count).toBe(0)
})

test('a workflow that has not heard of the revocation yet admits nobody either', async () => {
  const caller = callerNamed('reader')
  const grant = grantOf(caller, { origin: 'connect' })
  const end = { reason: 'revoked', by: 'okta/ana', at: NOW } as const
  const { gateway } = world({ opened: grant, row: { ...grant, epoch: 2, end } })
  expect(codeOf(await admit(gateway, caller, wish()))).toBe('GRANT_REVOKED')
})

test('a grant whose row is gone admits nobody', async () => {
  const caller = callerNamed('reader')
  const { gateway, live } = world({ live: [grantOf(caller)] })
  expect(codeOf(await admit(gateway, caller, wish()))).toBe('GRANT_EXPIRED')
  expect(live.count).toBe(0)
})

test('somebody else’s grant is not leaned on by naming it', async () => {
  const grant = grantOf(callerNamed('both'))
  const { gateway } = world({ row: grant })
  const named = wish({ requestId: 'req_1' })
  expect(codeOf(await admit(gateway, callerNamed('reader'), named))).toBe('ACCESS_REQUIRED')
})

test('a grant of warder exec is not leaned on without naming it', async () => {
  const caller = callerNamed('reader')
  const grant = grantOf(caller, { origin: 'exec' })
  const { gateway } = world({ live: [grant], row: grant })
  expect(codeOf(await admit(gateway, caller, wish()))).toBe('REQUEST_DENIED')
})

test('an unknown resource and a forbidden one are refused in the same words', async () => {
  const { gateway } = world({})
  const stranger = callerNamed('nobody')
  const unknown = await admit(gateway, stranger, wish({ resource: 'shop2' }))
  const forbidden = await admit(gateway, stranger, wish())
  const wordsOf = (outcome: typeof unknown) =>
    outcome.ok ? '' : JSON.stringify(outcome.refusal).replaceAll('shop2', 'shop')
  expect(codeOf(unknown)).toBe('FORBIDDEN')
  expect(wordsOf(unknown)).toBe(wordsOf(forbidden))
})

test('with several roles one has to be named', async () => {
  const { gateway } = world({})
  const outcome = await admit(gateway, callerNamed('both'), wish({ role: 'psql' }))
  expect(codeOf(outcome)).toBe('FORBIDDEN')
})

test('a resource of another protocol is none at all', async () => {
  const { gateway } = world({})
  const outcome = await admit(gateway, callerNamed('reader'), wish({ protocol: 'ssh' }))
  expect(codeOf(outcome)).toBe('FORBIDDEN')
})
