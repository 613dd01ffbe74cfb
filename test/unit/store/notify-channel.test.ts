// The bus through a real PostgreSQL: what one process publishes another hears, also after the server
// crashed and came back.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { HintBus } from '../../../store/hint-bus.js'
import { openNotifyChannel } from '../../../store/notify-channel.js'
import { startPostgres, type PostgresCluster } from '../../postgres-cluster.js'
import { until } from '../../e2e/until.js'
import { newGrant } from './fixtures.js'

const soon = (what: string, probe: () => boolean) => until(what, 15_000, probe)

let cluster: PostgresCluster
let url: string
let buses: HintBus[] = []

beforeAll(async () => {
  cluster = await startPostgres()
  url = await cluster.createDatabase()
})

afterAll(async () => {
  await Promise.all(buses.map((bus) => bus.close()))
  await cluster.stop()
})

function openBus(from: `gwy_${string}`) {
  const heard = { grants: [] as string[], resyncs: 0, troubles: [] as unknown[] }
  const bus = new HintBus({
    from,
    open: (events) => openNotifyChannel(url, from, events),
    onTrouble: (trouble) => heard.troubles.push(trouble),
  })
  bus.onGrant(({ id }) => heard.grants.push(id))
  bus.onResync(() => (heard.resyncs += 1))
  buses = [...buses, bus]
  return { bus, heard }
}

test('a process that begins to listen is told that it may have missed something', async () => {
  const { heard } = openBus('gwy_first')
  await soon('it listens', () => heard.resyncs > 0)
  expect(heard.troubles).toEqual([])
})

test('what one publishes the other hears, with two hundred in one burst', async () => {
  const [a, b] = [openBus('gwy_a'), openBus('gwy_b')]
  await soon('both listen', () => a.heard.resyncs > 0 && b.heard.resyncs > 0)
  const grants = Array.from({ length: 200 }, () => newGrant())
  for (const grant of grants) a.bus.publishGrant(grant)
  await soon('all are heard', () => b.heard.grants.length === grants.length)
  expect(b.heard.grants).toEqual(grants.map(({ id }) => id))
})

test('a server that crashes is noticed, and after its return everything is read anew', async () => {
  const [a, b] = [openBus('gwy_c'), openBus('gwy_d')]
  await soon('both listen', () => a.heard.resyncs > 0 && b.heard.resyncs > 0)
  await cluster.kill()
  await soon('both notice', () => a.heard.troubles.length > 0 && b.heard.troubles.length > 0)
  a.bus.publishGrant(newGrant())
  await cluster.restart()
  await soon('both listen again', () => a.heard.resyncs > 1 && b.heard.resyncs > 1)
  expect(b.heard.grants).toEqual([])
  const grant = newGrant()
  a.bus.publishGrant(grant)
  await soon('it is heard', () => b.heard.grants.includes(grant.id))
  // Once each way, however often it was tried.
  expect(a.heard.troubles).toHaveLength(2)
})

test('a bus on a database that is not there keeps trying, and closes at once', async () => {
  const troubles: unknown[] = []
  const bus = new HintBus({
    from: 'gwy_lost',
    open: (events) => openNotifyChannel('postgres://127.0.0.1:1/none', 'gwy_lost', events),
    onTrouble: (trouble) => troubles.push(trouble),
  })
  await soon('it says so', () => troubles.length > 0)
  bus.publishGrant(newGrant())
  await bus.close()
  expect(troubles).toHaveLength(1)
})
