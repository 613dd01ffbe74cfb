// Versions, proposals and what processes judge by, on a real PostgreSQL.

import { randomBytes } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ProposalId } from '../../../core/ids.js'
import type { PolicyProposal } from '../../../core/policy-proposal.js'
import { openDatabase } from '../../../store/database.js'
import { KeyRing } from '../../../store/encryption.js'
import { migrate } from '../../../store/migrations.js'
import { PostgresPolicyStore } from '../../../store/policies.js'
import { PostgresPolicyProcesses } from '../../../store/policy-processes.js'
import { PostgresPolicyProposals } from '../../../store/policy-proposals.js'
import type { Schema } from '../../../store/schema.js'
import { type PostgresCluster, startPostgres } from '../../postgres-cluster.js'
import { PRINCIPAL } from './fixtures.js'

let cluster: PostgresCluster
let db: Kysely<Schema>
let policies: PostgresPolicyStore
let proposals: PostgresPolicyProposals
const sealer = new KeyRing(randomBytes(32))

beforeAll(async () => {
  cluster = await startPostgres()
}, 60_000)
afterAll(async () => {
  await db.destroy()
  await cluster.stop()
})
beforeEach(async () => {
  // Versions are never removed: each test has a database of its own.
  const url = await cluster.createDatabase()
  await migrate(url)
  await (db as Kysely<Schema> | undefined)?.destroy()
  db = openDatabase(url, { poolMax: 12, applicationName: 'test' })
  policies = new PostgresPolicyStore(db)
  proposals = new PostgresPolicyProposals({ db, sealer })
})

const policy = (digest: string) => ({
  ...{ digest, source: `source of ${digest}`, by: 'okta/alice', at: 5, reason: 'ticket 1' },
})

let serial = 0
const proposal = (changes: Partial<PolicyProposal> = {}): PolicyProposal => ({
  id: `pol_test${String((serial += 1))}` satisfies ProposalId,
  ...{ state: 'pending', baseVersion: 1, digest: 'new', source: 'source of new' },
  ...{ proposer: PRINCIPAL, reason: 'a very-secret-reason', openedAt: 10, expiresAt: 100 },
  ...changes,
})

test('of many who replace one version, one does', async () => {
  expect(await policies.currentNumber()).toBe(0)
  const all = await Promise.all(
    Array.from({ length: 10 }, (_, at) => policies.add(policy(`d${String(at)}`), 0)),
  )
  expect(all.filter((added) => added !== undefined)).toHaveLength(1)
  expect(await policies.currentNumber()).toBe(1)
})

test('versions are numbered without gaps; the one in force again is left as it is', async () => {
  for (const base of [0, 1, 2, 3]) await policies.add(policy(`d${String(base)}`), base)
  const current = await policies.current()
  expect(current).toEqual({ ...policy('d3'), version: 4 })
  expect(await policies.add(policy('d3'), 0)).toEqual(current)
  expect((await policies.add(policy('d0'), 4))?.version).toBe(5)
  expect((await policies.list(2)).map(({ version }) => version)).toEqual([5, 4])
  expect((await policies.list(2, 4)).map(({ version }) => version)).toEqual([3, 2])
  expect((await policies.list(1))[0]).not.toHaveProperty('source')
  expect((await policies.find(2))?.source).toBe('source of d1')
  expect(await policies.find(99)).toBeUndefined()
})

test('a version is not changed or removed, whoever holds the connection', async () => {
  await policies.add(policy('d'), 0)
  await expect(sql`update policies set source = 'x'`.execute(db)).rejects.toThrow()
  await expect(sql`delete from policies`.execute(db)).rejects.toThrow()
})

test('a confirmed proposal is a version, once', async () => {
  await policies.add(policy('d'), 0)
  const one = proposal()
  await proposals.put(one)
  await proposals.put({ ...one, source: 'something else' })
  expect(await proposals.find(one.id)).toEqual(one)
  const confirm = () =>
    proposals.confirm(one, { ...policy('new'), confirmedBy: 'okta/bob' }, 'okta/bob')
  const both = await Promise.all([confirm(), confirm()])
  expect(both.filter((added) => added !== undefined)).toHaveLength(1)
  expect(await policies.current()).toMatchObject({ version: 2, confirmedBy: 'okta/bob' })
  expect(await proposals.find(one.id)).toMatchObject({
    ...{ state: 'applied', version: 2, decidedBy: 'okta/bob' },
  })
  expect(await proposals.reject(one.id, 'okta/x', 6)).toBe(false)
})

test('a proposal for another version than the one in force changes nothing', async () => {
  await policies.add(policy('d'), 0)
  const one = proposal()
  await proposals.put(one)
  await policies.add(policy('e'), 1)
  expect(await proposals.confirm(one, policy('new'), 'okta/bob')).toBeUndefined()
  expect((await policies.current())?.version).toBe(2)
  expect((await proposals.find(one.id))?.state).toBe('pending')
})

test('a rejected proposal stays rejected', async () => {
  await policies.add(policy('d'), 0)
  const one = proposal()
  await proposals.put(one)
  expect(await proposals.reject(one.id, 'okta/bob', 6)).toBe(true)
  expect(await proposals.confirm(one, policy('new'), 'okta/eve')).toBeUndefined()
  expect(await policies.currentNumber()).toBe(1)
  await expect(sql`update policy_proposals set state = 'pending'`.execute(db)).rejects.toThrow()
})

test('only what waits for the version in force is listed, newest first', async () => {
  const [older, newer] = [proposal({ openedAt: 11 }), proposal({ openedAt: 12 })]
  for (const one of [older, newer, proposal({ baseVersion: 2 }), proposal({ expiresAt: 50 })])
    await proposals.put(one)
  expect((await proposals.pending(1, 50)).map(({ id }) => id)).toEqual([newer.id, older.id])
})

test('the text and its author are sealed, and open only in their own row', async () => {
  const one = proposal()
  await proposals.put(one)
  const { rows } = await sql<{ all: string }>`
    select p::text as all from policy_proposals p`.execute(db)
  for (const secret of ['source of new', 'very-secret', PRINCIPAL.subject])
    expect(JSON.stringify(rows)).not.toContain(Buffer.from(secret).toString('hex'))
  await expect(sql`update policy_proposals set base_version = 9`.execute(db)).rejects.toThrow(
    /stays as it was/,
  )
  await sql`alter table policy_proposals disable trigger policy_proposals_guard`.execute(db)
  await sql`update policy_proposals set base_version = 9`.execute(db)
  await expect(proposals.find(one.id)).rejects.toMatchObject({ code: 'INTERNAL' })
})

test('a process is listed with what it said last, until it goes or says nothing more', async () => {
  const processes = new PostgresPolicyProcesses(db)
  await processes.report({ process: 'gwy_a', version: 1, trouble: undefined }, 60_000)
  await processes.report({ process: 'gwy_a', version: 2, trouble: 'it is broken' }, 60_000)
  await processes.report({ process: 'gwy_b', version: 2 }, 60_000)
  await processes.report({ process: 'gwy_late', version: 1 }, -1)
  expect(await processes.list()).toEqual([
    { process: 'gwy_a', version: 2, trouble: 'it is broken' },
    { process: 'gwy_b', version: 2 },
  ])
  await processes.forget('gwy_a')
  expect((await processes.list()).map(({ process }) => process)).toEqual(['gwy_b'])
})
