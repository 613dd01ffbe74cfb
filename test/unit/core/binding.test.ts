import { expect, test } from 'vitest'
import { bindingBytes, retryBytes, type CommandBinding } from '../../../core/binding.js'

const encode = (text: string) => new TextEncoder().encode(text)

const COMMAND: CommandBinding = {
  ...{ protocol: 'postgres', resource: 'orders-db', target: '10.0.0.1:5432', database: 'orders' },
  ...{ role: 'migrator', grantId: 'grt_1', sessionId: 'ses_1', sequence: 1, policyDigest: 'p' },
  ...{ pins: 'client_encoding=UTF8', expiresAt: 1, bytes: encode('drop table t') },
  ...{ parameterTypes: [23], parameters: [encode('1')] },
}

const held = (changes: Partial<CommandBinding> = {}) =>
  Buffer.from(bindingBytes({ ...COMMAND, ...changes }, encode)).toString('hex')
const retry = (changes: Partial<CommandBinding & { meaning: string }> = {}) =>
  Buffer.from(retryBytes({ meaning: 'ddl', ...COMMAND, ...changes }, encode)).toString('hex')

const CHANGES: readonly (Partial<CommandBinding> & { meaning?: string })[] = [
  { protocol: 'ssh' },
  { resource: 'orders-d' },
  { target: '10.0.0.2:5432' },
  { database: 'order' },
  { role: 'reader' },
  { grantId: 'grt_2' },
  { policyDigest: 'q' },
  { pins: 'client_encoding=LATIN1' },
  { bytes: encode('drop table u') },
  { parameterTypes: [] },
  { parameterTypes: [23, 23] },
  { parameters: [] },
  { parameters: [null] },
  { parameters: [encode('')] },
  { parameters: [encode('2')] },
  { parameters: [encode('1'), encode('')] },
]

test.each(CHANGES)('%o is another held command, and another retry', (change) => {
  expect(held(change)).not.toBe(held())
  expect(retry(change)).not.toBe(retry())
})

test.each([{ sessionId: 'ses_2' }, { sequence: 2 }, { expiresAt: 2 }] as const)(
  '%o is another held command, but the same retry',
  (change) => {
    expect(held(change)).not.toBe(held())
    expect(retry(change)).toBe(retry())
  },
)

test('a command that was found to do something else is another retry', () => {
  expect(retry({ meaning: 'ddl public.t' })).not.toBe(retry())
})

test('a NULL parameter is not an empty one', () => {
  expect(held({ parameters: [null] })).not.toBe(held({ parameters: [encode('')] }))
})

test('a retry is never taken for a held command', () => {
  expect(retry()).not.toBe(held())
})
