// A log that fails: whoever is there is cut, whoever comes is refused, and the process goes on.

import { afterAll, beforeAll, expect, test } from 'vitest'

import { startPostgresWorld, type PostgresWorld } from '../../postgres-world.js'
import { q, sqlstateOf, WireClient } from './wire-client.js'

let world: PostgresWorld

beforeAll(async () => {
  world = await startPostgresWorld({ schema: 'create table t (a int)' })
})

afterAll(() => world.stop())

test('a log that fails ends every session with 57P03, and nothing that waits is run', async () => {
  const writer = await WireClient.login({ port: world.port, role: 'writer-strict' })
  const reader = await WireClient.login({ port: world.port, role: 'reader' })
  const release = world.audit.holdUp()
  writer.send(q('insert into t values (1)'))
  await world.audit.changes.until(() => world.audit.awaited[0], 'the log to be asked')
  world.audit.fail()
  release()
  expect(sqlstateOf(await writer.rest())).toBe('57P03')
  expect(sqlstateOf(await reader.rest())).toBe('57P03')
  expect(await world.admin('select a from t')).toEqual([])
})

test('nobody is let in, and is told why', async () => {
  await expect(WireClient.login({ port: world.port })).rejects.toThrow('57P03')
})

test('junk and bad tokens are refused as ever', async () => {
  const junk = new WireClient(world.port)
  junk.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
  expect(sqlstateOf(await junk.rest())).toBe('08P01')
  await expect(WireClient.login({ port: world.port, token: 'bad' })).rejects.toThrow('28000')
})
