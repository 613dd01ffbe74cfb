import { expect, test } from 'vitest'

import { CancelKeys } from '../../../../proxy/postgres/cancel-keys.js'

const secretOf = (secret: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(secret)
  return bytes
}

test('only the very key cancels, and only until it is withdrawn', () => {
  const keys = new CancelKeys()
  let count = 0
  const { processId, secret } = keys.issue(() => {
    count += 1
  })
  keys.present(processId, secretOf((secret ^ 1) >>> 0))
  keys.present((processId ^ 1) >>> 0, secretOf(secret))
  keys.present(processId, Buffer.alloc(0))
  keys.present(processId, Buffer.concat([secretOf(secret), Buffer.alloc(1)]))
  expect(count).toBe(0)
  keys.present(processId, secretOf(secret))
  expect(count).toBe(1)
  keys.withdraw(processId)
  keys.present(processId, secretOf(secret))
  expect(count).toBe(1)
})

test('keys differ from session to session', () => {
  const keys = new CancelKeys()
  const issued = Array.from({ length: 1_000 }, () => keys.issue(() => undefined).processId)
  expect(new Set(issued).size).toBe(1_000)
  expect(issued.every((id) => id > 0)).toBe(true)
})
