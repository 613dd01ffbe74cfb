// How a policy comes into force, over a real store: one person, two people, a file, and whoever is late.

import { randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { PolicyLife } from '../../../app/policy-life.js'
import { PolicySource, sha256Hex } from '../../../app/policy-source.js'
import type { AuditEvent } from '../../../core/audit.js'
import type { Outcome } from '../../../core/errors.js'
import { proposalMs } from '../../../core/policy-proposal.js'
import { openDatabase } from '../../../store/database.js'
import { KeyRing } from '../../../store/encryption.js'
import { migrate } from '../../../store/migrations.js'
import { PostgresPolicyStore } from '../../../store/policies.js'
import { PostgresPolicyProcesses } from '../../../store/policy-processes.js'
import { PostgresPolicyProposals } from '../../../store/policy-proposals.js'
import type { Schema } from '../../../store/schema.js'
import { type PostgresCluster, startPostgres } from '../../postgres-cluster.js'
import { person, SAMPLE } from '../policy/sample.js'
import { StandingClock } from '../store/fixtures.js'

let cluster: PostgresCluster
let db: Kysely<Schema>
let clock: StandingClock
let events: AuditEvent[]
let troubles: string[]
let store: PostgresPolicyStore
let source: PolicySource
let life: PolicyLife

const sealer = new KeyRing(randomBytes(32))
const TWO = SAMPLE.replace('audit: [on-call] }', 'audit: [on-call], secondPerson: true }')
const WIDER = TWO.replace('max: 2h', 'max: 4h')
const ALICE = person('alice', 'db-admins')
const BOB = person('bob', 'db-admins')
const EVE = person('eve')

beforeAll(async () => {
  cluster = await startPostgres()
}, 60_000)
afterAll(() => cluster.stop())
beforeEach(async () => {
  const url = await cluster.createDatabase()
  await migrate(url)
  db = openDatabase(url, { poolMax: 12, applicationName: 'test' })
  clock = new StandingClock()
  ;[events, troubles] = [[], []]
  store = new PostgresPolicyStore(db)
  const processes = new PostgresPolicyProcesses(db)
  source = await PolicySource.open({
    ...{ store, processes, process: 'gwy_test' },
    onChange: () => undefined,
    onTrouble: (failure) => troubles.push(String(failure)),
  })
  let serial = 0
  life = new PolicyLife({
    ...{ store, processes, clock },
    proposals: new PostgresPolicyProposals({ db, sealer }),
    audit: {
      append: (event) => events.push(event),
      durable: () => Promise.resolve(),
      onFailure: () => () => undefined,
    },
    newProposalId: () => `pol_${String((serial += 1))}`,
    announce: () => source.refresh(),
  })
})
afterEach(async () => {
  await source.close()
  await db.destroy()
})

const wish = (text: string, more: { expect?: number; dryRun?: boolean; reason?: string } = {}) => ({
  ...{ source: text, reason: '', dryRun: false },
  ...more,
})
const codeOf = (outcome: Outcome<unknown>) => (outcome.ok ? 'done' : outcome.refusal.code)
const valueOf = <T>(outcome: Outcome<T>): T => {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.refusal))
  return outcome.value
}
const propose = async (text: string) =>
  valueOf(await life.apply(wish(text), ALICE)).proposal?.id ?? 'pol_none'

test('the first policy comes by a file; nobody has a duty before', async () => {
  expect(codeOf(await life.apply(wish(SAMPLE), ALICE))).toBe('NOT_ENTITLED')
  expect(valueOf(await life.applyFile('policy.yaml', SAMPLE)).version).toBe(1)
  expect(source.policy.digest).toBe(sha256Hex(SAMPLE))
  expect(source.version).toBe(1)
})

test('one person applies where one is enough, and what it means is said and put on record', async () => {
  await life.applyFile('policy.yaml', SAMPLE)
  const applied = valueOf(
    await life.apply(wish(SAMPLE.replace('max: 2h', 'max: 4h'), { reason: 'ticket 1' }), ALICE),
  )
  expect(applied).toMatchObject({ base: 1, version: 2 })
  expect(applied.rights.map(({ direction }) => direction)).toEqual(['widens'])
  expect(await life.current()).toMatchObject({ version: 2, by: 'okta/alice', reason: 'ticket 1' })
  expect(events.at(-1)).toMatchObject({
    kind: 'policy.applied',
    fields: { version: 2, by: 'okta/alice' },
  })
  expect(codeOf(await life.apply(wish(SAMPLE), EVE))).toBe('NOT_ENTITLED')
  expect(codeOf(await life.apply(wish('alow: 1'), ALICE))).toBe('POLICY_INVALID')
})

test('a dry run changes nothing, and neither does the text in force', async () => {
  await life.applyFile('policy.yaml', SAMPLE)
  const dry = valueOf(await life.apply(wish(TWO, { dryRun: true }), ALICE))
  expect(dry.version).toBeUndefined()
  expect(dry.changes.length).toBeGreaterThan(0)
  expect(valueOf(await life.apply(wish(SAMPLE), ALICE))).toMatchObject({ version: 1, rights: [] })
  expect(await store.currentNumber()).toBe(1)
})

test('another version than the expected one is a conflict', async () => {
  await life.applyFile('policy.yaml', SAMPLE)
  expect(codeOf(await life.apply(wish(TWO, { expect: 0 }), ALICE))).toBe('POLICY_CONFLICT')
  expect(codeOf(await life.apply(wish(TWO, { expect: 1 }), ALICE))).toBe('done')
  expect(codeOf(await life.apply(wish(SAMPLE, { expect: 1 }), BOB))).toBe('POLICY_CONFLICT')
})

test('of two who replace the same version at once, one is told of the conflict', async () => {
  await life.applyFile('policy.yaml', SAMPLE)
  const texts = ['3h', '4h', '5h', '6h'].map((max) => SAMPLE.replace('max: 2h', `max: ${max}`))
  const codes = (await Promise.all(texts.map((text) => life.apply(wish(text), ALICE)))).map(codeOf)
  expect(codes.filter((code) => code !== 'done' && code !== 'POLICY_CONFLICT')).toEqual([])
  expect(await store.currentNumber()).toBe(1 + codes.filter((code) => code === 'done').length)
})

test('rolling back applies the old text as a new version', async () => {
  await life.applyFile('policy.yaml', SAMPLE)
  await life.apply(wish(SAMPLE.replace('max: 2h', 'max: 4h')), ALICE)
  const back = valueOf(await life.rollback(1, { reason: 'incident', dryRun: false }, BOB))
  expect(back.version).toBe(3)
  expect(back.rights.map(({ direction }) => direction)).toEqual(['narrows'])
  expect(await life.current()).toMatchObject({ source: SAMPLE, reason: 'incident' })
  expect(codeOf(await life.rollback(9, { reason: '', dryRun: false }, BOB))).toBe('NOT_FOUND')
  expect(valueOf(await life.difference(1, 3)).changes).toEqual([])
})

test('where two are needed, one proposes and another confirms', async () => {
  await life.applyFile('policy.yaml', TWO)
  const id = await propose(WIDER)
  expect(await store.currentNumber()).toBe(1)
  expect(source.policy.digest).toBe(sha256Hex(TWO))
  expect(codeOf(await life.confirm('pol_1', '', ALICE))).toBe('SELF_APPROVAL')
  expect(codeOf(await life.confirm('pol_1', '', EVE))).toBe('NOT_ENTITLED')
  expect(codeOf(await life.confirm('pol_none', '', BOB))).toBe('NOT_FOUND')
  expect(id).toBe('pol_1')
  expect(valueOf(await life.confirm('pol_1', 'read it', BOB)).version).toBe(2)
  expect(source.policy.digest).toBe(sha256Hex(WIDER))
  expect(await life.current()).toMatchObject({ by: 'okta/alice', confirmedBy: 'okta/bob' })
  expect(codeOf(await life.confirm('pol_1', '', BOB))).toBe('ALREADY_DECIDED')
  expect(events.map(({ kind }) => kind)).toEqual([
    'policy.applied',
    'policy.proposed',
    'policy.applied',
  ])
})

test('nobody drops the second person alone: not by a policy, a rollback or a file', async () => {
  await life.applyFile('policy.yaml', SAMPLE)
  await life.apply(wish(TWO), ALICE)
  expect(valueOf(await life.apply(wish(SAMPLE), ALICE)).version).toBeUndefined()
  expect(
    valueOf(await life.rollback(1, { reason: 'x', dryRun: false }, ALICE)).version,
  ).toBeUndefined()
  expect(codeOf(await life.applyFile('policy.yaml', SAMPLE))).toBe('NOT_ENTITLED')
  expect(await store.currentNumber()).toBe(2)
  expect(valueOf(await life.applyFile('policy.yaml', TWO)).version).toBe(2)
})

test('a proposal is for one version: when another comes into force it is void', async () => {
  await life.applyFile('policy.yaml', TWO)
  await propose(WIDER)
  await propose(TWO.replace('max: 2h', 'max: 3h'))
  expect((await life.proposals()).map(({ id }) => id).toSorted()).toEqual(['pol_1', 'pol_2'])
  await life.confirm('pol_2', '', BOB)
  expect(codeOf(await life.confirm('pol_1', '', BOB))).toBe('POLICY_CONFLICT')
  expect(valueOf(await life.proposal('pol_1')).state).toBe('outdated')
  expect(await life.proposals()).toEqual([])
})

test('after a day, or once rejected, a proposal is over', async () => {
  await life.applyFile('policy.yaml', TWO)
  await propose(WIDER)
  expect(codeOf(await life.reject('pol_1', 'no', EVE))).toBe('NOT_ENTITLED')
  expect(codeOf(await life.reject('pol_1', 'mine', ALICE))).toBe('done')
  expect(codeOf(await life.confirm('pol_1', '', BOB))).toBe('ALREADY_DECIDED')
  expect(events.at(-1)?.kind).toBe('policy.rejected')
  const again = await propose(WIDER)
  expect(again).toBe('pol_2')
  clock.nowMs += proposalMs
  expect(codeOf(await life.confirm('pol_2', '', BOB))).toBe('ALREADY_DECIDED')
  expect(await store.currentNumber()).toBe(1)
})

test('the same text proposed twice is one proposal', async () => {
  await life.applyFile('policy.yaml', TWO)
  expect(await propose(WIDER)).toBe('pol_1')
  expect(valueOf(await life.apply(wish(WIDER), BOB)).proposal?.by).toBe('okta/alice')
  expect(codeOf(await life.confirm('pol_1', '', BOB))).toBe('done')
})

test('a stored version that can’t be read leaves the old one in force, and shows', async () => {
  await life.applyFile('policy.yaml', SAMPLE)
  const broken = { digest: 'x', source: 'from: the future', by: 'x', at: 1, reason: '' }
  await store.add(broken, 1)
  await source.refresh()
  await source.refresh()
  expect(source.policy.digest).toBe(sha256Hex(SAMPLE))
  expect(source.trouble).toMatch(/policy version 2 can't be read: .*from/)
  expect(troubles).toHaveLength(1)
  expect(await life.processes()).toEqual([
    { process: 'gwy_test', version: 1, trouble: source.trouble },
  ])
  expect(codeOf(await life.apply(wish(SAMPLE), ALICE))).toBe('NOT_ENTITLED')
  expect(valueOf(await life.applyFile('policy.yaml', SAMPLE)).version).toBe(3)
  expect(source.trouble).toBeUndefined()
})

test('a version that can’t be read but speaks of a second person is not replaced by a file', async () => {
  await life.applyFile('policy.yaml', SAMPLE)
  const broken = { digest: 'x', source: 'secondPerson: { x: 1 }', by: 'x', at: 1, reason: '' }
  await store.add(broken, 1)
  expect(codeOf(await life.applyFile('policy.yaml', SAMPLE))).toBe('NOT_ENTITLED')
})

test('while the store is away the policy stays, and the trouble is told once', async () => {
  await life.applyFile('policy.yaml', SAMPLE)
  const gone = openDatabase('postgres://x:x@127.0.0.1:1/x', { poolMax: 1, applicationName: 'x' })
  let isGone = false
  const real = store
  const followed = await PolicySource.open({
    process: 'gwy_other',
    store: {
      current: () => real.current(),
      currentNumber: () => (isGone ? new PostgresPolicyStore(gone) : real).currentNumber(),
    },
    processes: { report: () => Promise.resolve(), forget: () => Promise.resolve() },
    onChange: () => undefined,
    onTrouble: (failure) => troubles.push(String(failure)),
  })
  isGone = true
  await followed.refresh()
  await followed.refresh()
  expect(troubles).toHaveLength(1)
  expect(followed.trouble).toBeDefined()
  expect(followed.policy.digest).toBe(sha256Hex(SAMPLE))
  isGone = false
  await followed.refresh()
  expect(followed.trouble).toBeUndefined()
  await followed.close()
  await gone.destroy()
})
