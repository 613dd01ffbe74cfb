// The bus: listeners here are told at once, the others soon; a channel that breaks stops nobody.

import { expect, test } from 'vitest'
import type { Grant } from '../../../core/grant.js'
import type { CancelHint, GrantNews } from '../../../core/ports.js'
import { decodeHints, encodeHints } from '../../../store/hint.js'
import { HintBus } from '../../../store/hint-bus.js'
import { HintHub } from '../../fakes/hint-hub.js'
import { newGrant } from './fixtures.js'

/** Lets what was published go its way. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

const cancel: CancelHint = { processId: 7, nonce: 'n'.repeat(22), proof: '0'.repeat(64) }

function buses() {
  const hub = new HintHub()
  const troubles: unknown[] = []
  const onTrouble = (trouble: unknown) => troubles.push(trouble)
  const here = new HintBus({ from: 'gwy_here', open: hub.open, onTrouble })
  const there = new HintBus({ from: 'gwy_there', open: hub.open, onTrouble })
  return { hub, here, there, troubles }
}

function heardBy(bus: HintBus) {
  const heard = { grants: [] as GrantNews[], policies: 0, cancels: [] as CancelHint[], resyncs: 0 }
  bus.onGrant((news) => heard.grants.push(news))
  bus.onPolicy(() => (heard.policies += 1))
  bus.onCancel((hint) => heard.cancels.push(hint))
  bus.onResync(() => (heard.resyncs += 1))
  return heard
}

test('a listener that throws does not keep the others from hearing', () => {
  const { here, troubles } = buses()
  const heard: string[] = []
  here.onGrant(() => {
    throw new Error('broken')
  })
  here.onGrant(({ id }) => heard.push(id))
  const grant = newGrant()
  here.publishGrant(grant)
  expect(heard).toEqual([grant.id])
  expect(troubles).toHaveLength(1)
})

test('a listener that left hears nothing, even when it leaves while others are told', () => {
  const { here } = buses()
  let heard = 0
  const listener = () => {
    heard += 1
  }
  const leaveOnce = here.onGrant(listener)
  here.onGrant(listener)
  leaveOnce()
  leaveOnce()
  here.publishGrant(newGrant())
  expect(heard).toBe(1)
})

test('the own process hears the row at once and once, the others only which grant it is', async () => {
  const { hub, here, there } = buses()
  const [mine, theirs] = [heardBy(here), heardBy(there)]
  const grant = newGrant()
  here.publishGrant(grant)
  expect(mine.grants).toEqual([{ id: grant.id, grant }])
  await settle()
  expect(mine.grants).toHaveLength(1)
  expect(theirs.grants).toEqual([{ id: grant.id }])
  // Nothing of the row is on the wire.
  expect(hub.sent.join()).not.toContain(grant.resource)
})

test('a new policy is heard by everybody, a cancel only by the others', async () => {
  const { here, there } = buses()
  const [mine, theirs] = [heardBy(here), heardBy(there)]
  here.publishPolicy()
  here.publishCancel(cancel)
  await settle()
  expect([mine.policies, theirs.policies]).toEqual([1, 1])
  expect(mine.cancels).toEqual([])
  expect(theirs.cancels).toEqual([{ kind: 'cancel', ...cancel }])
})

test('a burst is one message, and the same grant is told once', async () => {
  const { hub, here, there } = buses()
  const theirs = heardBy(there)
  const grants = [newGrant(), newGrant(), newGrant()]
  for (const grant of [...grants, ...grants]) here.publishGrant(grant)
  await settle()
  expect(hub.sent).toHaveLength(1)
  expect(theirs.grants.map(({ id }) => id)).toEqual(grants.map(({ id }) => id))
})

test('what is published while a message is on its way goes with the next one', async () => {
  const { hub, here, there } = buses()
  const theirs = heardBy(there)
  const release = hub.holdUp()
  here.publishGrant(newGrant())
  await settle()
  for (let count = 0; count < 30; count += 1) here.publishGrant(newGrant())
  await settle()
  expect(hub.sent).toHaveLength(1)
  release()
  await settle()
  expect(hub.sent).toHaveLength(2)
  expect(theirs.grants).toHaveLength(31)
})

test('too many to be told one by one become a single word to read everything', async () => {
  const { hub, here, there } = buses()
  const theirs = heardBy(there)
  const release = hub.holdUp()
  const sample = newGrant()
  for (let count = 0; count < 10_000; count += 1) {
    here.publishGrant({ ...sample, id: `grt_${String(count)}` } satisfies Grant)
  }
  release()
  await settle()
  expect(theirs.resyncs).toBeGreaterThan(0)
  expect(theirs.policies).toBeGreaterThan(0)
  expect(theirs.grants.length).toBeLessThan(2_100)
})

test('a channel that is down neither stops nor fails the publisher, and works again later', async () => {
  const { hub, here, there } = buses()
  const theirs = heardBy(there)
  hub.isDown = true
  here.publishGrant(newGrant())
  await settle()
  hub.isDown = false
  const grant = newGrant()
  here.publishGrant(grant)
  await settle()
  expect(theirs.grants).toEqual([{ id: grant.id }])
})

test('a gap in what was heard is passed on', () => {
  const { hub, there } = buses()
  const theirs = heardBy(there)
  hub.gap()
  expect(theirs.resyncs).toBe(1)
})

test('what is not ours is ignored, and said once', () => {
  const { hub, there, troubles } = buses()
  const theirs = heardBy(there)
  hub.say('{"v":1,"from":"gwy_x","hints":[{"kind":"grant","id":"grt_1","end":"now"}]}')
  hub.say('x'.repeat(100_000))
  expect(theirs.grants).toEqual([])
  // Both buses are on the hub; each says it once.
  expect(troubles).toHaveLength(2)
})

test('a closed bus sends nothing', async () => {
  const { hub, here } = buses()
  await here.close()
  here.publishGrant(newGrant())
  await settle()
  expect(hub.sent).toEqual([])
})

test('a message says who sent it', async () => {
  const { hub, here } = buses()
  here.publishPolicy()
  await settle()
  const [text = ''] = hub.sent
  expect(decodeHints(text)).toEqual({ from: 'gwy_here', hints: [{ kind: 'policy' }] })
  expect(encodeHints({ from: 'gwy_here', hints: [{ kind: 'policy' }] })).toBe(text)
})
