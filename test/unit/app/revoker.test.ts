// Revoking: the answer comes when the registry shows that every gateway has cut, and claims no more
// than it shows.

import { beforeEach, expect, test } from 'vitest'

import { Revocation } from '../../../app/revoker.js'
import { WarderError } from '../../../core/errors.js'
import type { Grant } from '../../../core/grant.js'
import type { GatewaySessions } from '../../../core/ports.js'
import { ManualClock } from '../../fakes/manual-clock.js'
import {
  ScriptedAccess,
  ScriptedReviews,
  TrailAudit,
  LiveGrants,
} from '../../fakes/gateway-ports.js'
import { MemoryInbox } from '../../workflows/memory-ports.js'
import { newGrant } from '../store/fixtures.js'

let clock: ManualClock
let order: string[]
let audit: TrailAudit
/** What the registry shows, look by look; the last one stays. */
let looks: (readonly GatewaySessions[] | Error)[]
let pauses: number[]

const GRANT = newGrant({ id: 'grt_one', requestId: 'req_one' })
const on = (gateway: string, openCount: number, revokedCount: number): GatewaySessions => ({
  ...{ grantId: GRANT.id, gatewayId: `gwy_${gateway}`, openCount, revokedCount },
})

beforeEach(() => {
  clock = new ManualClock()
  order = []
  audit = new TrailAudit()
  looks = [[]]
  pauses = []
})

function revoke(live: readonly Grant[] = [GRANT]) {
  const revocation = new Revocation({
    grants: {
      allLive: () => Promise.resolve(live),
      end: (id, end) => {
        order.push(`end ${id}`)
        return Promise.resolve({ ...GRANT, id, epoch: 2, end })
      },
    },
    registry: {
      sessionsUnder: () => {
        order.push('look')
        const look = (looks.length > 1 ? looks.shift() : looks[0]) ?? []
        return look instanceof Error ? Promise.reject(look) : Promise.resolve(look)
      },
    },
    live: {
      cut: ({ id }) => {
        order.push(`cut ${id}`)
        return Promise.resolve(1)
      },
    },
    ...{ inbox: new MemoryInbox(), access: new ScriptedAccess(new LiveGrants()) },
    ...{ reviews: new ScriptedReviews(), audit, clock },
    pause: (ms) => {
      pauses.push(ms)
      clock.advance(ms)
      return Promise.resolve()
    },
  })
  return revocation.revoke({ kind: 'resource', resource: GRANT.resource }, 'okta/otto', 'drill')
}

async function receipt() {
  const outcome = await revoke()
  if (!outcome.ok) throw new WarderError(outcome.refusal.code)
  return outcome.value
}

test('nothing that fits is refused, and no gateway is asked', async () => {
  expect(await revoke([])).toMatchObject({ ok: false, refusal: { code: 'NOT_FOUND' } })
  expect(order).toEqual([])
})

test('the row ends before any socket is cut, and both before the registry is read', async () => {
  looks = [[on('a', 0, 1)]]
  expect(await receipt()).toMatchObject({ sessionsCut: 1, unconfirmed: [] })
  expect(order).toEqual(['end grt_one', 'cut grt_one', 'look'])
  expect(pauses).toEqual([])
})

test('the answer waits until the last gateway has written down that it cut', async () => {
  looks = [
    [on('a', 1, 0), on('b', 2, 0)],
    [on('a', 0, 1), on('b', 1, 1)],
    [on('a', 0, 1), on('b', 0, 2)],
  ]
  expect(await receipt()).toMatchObject({
    sessionsCut: 3,
    cuts: [
      { gateway: 'gwy_a', sessions: 1 },
      { gateway: 'gwy_b', sessions: 2 },
    ],
    unconfirmed: [],
    tookMs: 30,
  })
  expect(pauses).toEqual([10, 20])
})

test('a gateway that never says so is named after three seconds, and not counted', async () => {
  looks = [[on('a', 0, 1), on('mute', 2, 0)]]
  const { sessionsCut, unconfirmed, tookMs } = await receipt()
  expect(sessionsCut).toBe(1)
  expect(unconfirmed).toEqual([{ gateway: 'gwy_mute', sessions: 2 }])
  expect(tookMs).toBeGreaterThanOrEqual(3_000)
  expect(tookMs).toBeLessThan(3_100)
  expect(Math.max(...pauses)).toBe(50)
  expect(await audit.until('grant.revoked')).toMatchObject({
    fields: { sessionsCut: 1, unconfirmed: ['gwy_mute'] },
  })
})

test('sessions that ended for another reason are not claimed', async () => {
  looks = [[on('a', 0, 0)]]
  expect(await receipt()).toMatchObject({ sessionsCut: 0, cuts: [], unconfirmed: [] })
})

test('when the registry can’t be read nothing is claimed: the call fails, the grant has ended', async () => {
  looks = [new WarderError('CONTROL_PLANE_UNAVAILABLE')]
  await expect(revoke()).rejects.toThrow(WarderError)
  expect(order).toEqual(['end grt_one', 'cut grt_one', 'look'])
})
