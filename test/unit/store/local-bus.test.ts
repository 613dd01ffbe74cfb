// The in-process bus: every listener hears every change, whatever the others do.

import { expect, test } from 'vitest'
import { LocalBus } from '../../../store/local-bus.js'
import { newGrant } from './fixtures.js'

test('a listener that throws does not keep the others from hearing', () => {
  const failures: unknown[] = []
  const heard: string[] = []
  const bus = new LocalBus((failure) => failures.push(failure))
  bus.onGrant(() => {
    throw new Error('broken')
  })
  bus.onGrant((grant) => heard.push(grant.id))
  const grant = newGrant()
  bus.publishGrant(grant)
  expect(heard).toEqual([grant.id])
  expect(failures).toHaveLength(1)
})

test('a listener that left hears nothing, even when it leaves while others are told', () => {
  const bus = new LocalBus(() => undefined)
  let heard = 0
  const listener = () => {
    heard += 1
  }
  const leaveOnce = bus.onGrant(listener)
  bus.onGrant(listener)
  leaveOnce()
  leaveOnce()
  bus.publishGrant(newGrant())
  expect(heard).toBe(1)
})
