// Cancel keys: only the very key cancels, whichever gateway it is shown to, and nobody who reads or
// writes the bus learns or guesses one.

import { expect, test } from 'vitest'

import type { CancelHint } from '../../../../core/ports.js'
import { LIMITS } from '../../../../proxy/limits.js'
import { CancelKeys } from '../../../../proxy/postgres/cancel-keys.js'
import { ManualClock } from '../../../fakes/manual-clock.js'

const secretOf = (secret: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(secret)
  return bytes
}

/** Gateways that hear each other at once. */
function gateways(busKeys: readonly Uint8Array[] = [Buffer.alloc(32, 1), Buffer.alloc(32, 1)]) {
  const hints: CancelHint[] = []
  const listeners: ((hint: CancelHint) => void)[] = []
  const clock = new ManualClock()
  const bus = {
    publishCancel: (hint: CancelHint) => {
      hints.push(hint)
      for (const listener of listeners) listener(hint)
    },
    onCancel: (listener: (hint: CancelHint) => void) => {
      listeners.push(listener)
      return () => {
        listeners.splice(listeners.indexOf(listener), 1)
      }
    },
  }
  const [here, there] = busKeys.map((busKey) => new CancelKeys({ bus, busKey, clock }))
  if (here === undefined || there === undefined) throw new Error('two gateways')
  let cancelCount = 0
  const key = here.issue(() => {
    cancelCount += 1
  })
  return { here, there, hints, bus, clock, ...key, cancels: () => cancelCount }
}

test('only the very key cancels, and only until it is withdrawn', () => {
  const { here, processId, secret, cancels } = gateways()
  here.present(processId, secretOf((secret ^ 1) >>> 0), 'a')
  here.present((processId ^ 1) >>> 0, secretOf(secret), 'a')
  here.present(processId, Buffer.alloc(0), 'a')
  here.present(processId, Buffer.concat([secretOf(secret), Buffer.alloc(1)]), 'a')
  expect(cancels()).toBe(0)
  here.present(processId, secretOf(secret), 'a')
  expect(cancels()).toBe(1)
  here.withdraw(processId)
  here.present(processId, secretOf(secret), 'a')
  expect(cancels()).toBe(1)
})

test('keys differ from session to session', () => {
  const { here } = gateways()
  const issued = Array.from({ length: 1_000 }, () => here.issue(() => undefined).processId)
  expect(new Set(issued).size).toBe(1_000)
  expect(issued.every((id) => id > 0)).toBe(true)
})

test('a key that another gateway gave out cancels there', () => {
  const { there, processId, secret, cancels } = gateways()
  there.present(processId, secretOf(secret), 'a')
  expect(cancels()).toBe(1)
  // As often as a caller presses Ctrl-C.
  there.present(processId, secretOf(secret), 'a')
  expect(cancels()).toBe(2)
})

test('a wrong key cancels nowhere, also where somebody else has its number', () => {
  const { there, processId, secret, cancels } = gateways()
  there.present(processId, secretOf((secret ^ 1) >>> 0), 'a')
  there.present((processId ^ 1) >>> 0, secretOf(secret), 'a')
  there.present(processId, Buffer.alloc(0), 'a')
  expect(cancels()).toBe(0)
})

test('what was heard on the bus is good once: saying it again cancels nothing', () => {
  const { there, bus, hints, processId, secret, cancels } = gateways()
  there.present(processId, secretOf(secret), 'a')
  const [hint] = hints
  if (hint === undefined) throw new Error('nothing was published')
  bus.publishCancel(hint)
  expect(cancels()).toBe(1)
})

test('a proof is good for its own number and nonce only', () => {
  const { there, bus, hints, processId, secret, cancels } = gateways()
  there.present((processId ^ 1) >>> 0, secretOf(secret), 'a')
  const [hint] = hints
  if (hint === undefined) throw new Error('nothing was published')
  bus.publishCancel({ ...hint, processId })
  bus.publishCancel({ ...hint, processId, nonce: 'n'.repeat(22) })
  expect(cancels()).toBe(0)
})

test('the secret is not on the bus, and who knows it but not the bus’s key proves nothing', () => {
  const { there, hints, processId, secret, cancels } = gateways([
    Buffer.alloc(32, 1),
    Buffer.alloc(32, 2),
  ])
  there.present(processId, secretOf(secret), 'a')
  expect(hints).toHaveLength(1)
  expect(JSON.stringify(hints)).not.toContain(secretOf(secret).toString('hex'))
  expect(cancels()).toBe(0)
})

test('too many wrong keys from one address are not looked at, and a minute later they are', () => {
  const { there, hints, clock, processId, secret, cancels } = gateways()
  const wrong = secretOf((secret ^ 1) >>> 0)
  const max = LIMITS.strangeCancelPerPeerPerMinuteMax
  for (let count = 0; count < max + 50; count += 1) there.present(processId, wrong, 'flood')
  expect(hints).toHaveLength(max)
  there.present(processId, secretOf(secret), 'flood')
  expect(cancels()).toBe(0)
  there.present(processId, secretOf(secret), 'somebody else')
  expect(cancels()).toBe(1)
  clock.advance(60_000)
  there.present(processId, secretOf(secret), 'flood')
  expect(cancels()).toBe(2)
})

test('a flood from everywhere leaves the bus alone, and the own keys work on', () => {
  const { here, hints, processId, secret, cancels } = gateways()
  const wrong = secretOf((secret ^ 1) >>> 0)
  const max = LIMITS.strangeCancelPerMinuteMax
  for (let count = 0; count < max + 500; count += 1) here.present(processId, wrong, `p${count}`)
  expect(hints).toHaveLength(max)
  here.present(processId, secretOf(secret), 'the caller')
  expect(cancels()).toBe(1)
})

test('a gateway that was closed hears nothing more', () => {
  const { here, there, processId, secret, cancels } = gateways()
  here.close()
  there.present(processId, secretOf(secret), 'a')
  expect(cancels()).toBe(0)
})
