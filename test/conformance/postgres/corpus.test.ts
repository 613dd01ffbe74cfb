// Every statement of the corpus through real sockets: as a Query and as Parse, Bind, Execute; as R
// and as W; against a real target.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { startPostgresWorld, type PostgresWorld, type TestRole } from '../../postgres-world.js'
import { CORPUS, CORPUS_SCHEMA, expectedOf, type CorpusCase } from './corpus.js'
import { WireClient } from './wire-client.js'

const ROLES: readonly TestRole[] = ['reader', 'writer-strict', 'writer-standard']
const WAYS = ['query', 'extended'] as const
type Way = (typeof WAYS)[number]

let world: PostgresWorld

beforeAll(async () => {
  world = await startPostgresWorld({ schema: CORPUS_SCHEMA })
})

afterAll(() => world.stop())

/** `A read`, `D dangerous` …: what became of one statement, and what it was taken for. */
async function outcomeOf({ sql }: CorpusCase, role: TestRole, way: Way): Promise<string> {
  world.reviews.reset()
  const from = world.audit.events.length
  const client = await WireClient.login({ port: world.port, role })
  await client[way](sql)
  await client.close()
  await world.audit.until('session.ended', from)
  const [question] = world.reviews.questions
  if (question !== undefined) return `P ${question.effect}`
  const [first] = world.audit.events.slice(from).filter(({ kind }) => kind.startsWith('command.'))
  if (first === undefined) return 'no record'
  const { effect } = first.fields as { effect?: string }
  return `${first.kind === 'command.refused' ? 'D' : 'A'} ${effect ?? ''}`
}

/** Parsing what is unknown may already run code, so it can't wait for a person at Bind. */
function expectedBy(one: CorpusCase, role: TestRole, way: Way): string {
  const decision = expectedOf(one, role)
  const early = way === 'extended' && decision === 'P' && one.effect === 'unknown'
  return `${early && !/^DO /.test(String(one.sql)) ? 'D' : decision} ${one.effect}`
}

describe.each(ROLES)('%s', (role) => {
  test.each(CORPUS)('$id', async (one) => {
    const ways = one.simpleOnly === undefined ? WAYS : (['query'] as const)
    const before = role === 'reader' ? await fingerprint() : ''
    const got: string[] = []
    for (const way of ways) got.push(`${way}: ${await outcomeOf(one, role, way)}`)
    expect(got).toEqual(ways.map((way) => `${way}: ${expectedBy(one, role, way)}`))
    if (role === 'reader') expect(await fingerprint()).toBe(before)
  })
})

/** Everything that a reader must not change. */
async function fingerprint(): Promise<string> {
  const rows = await world.admin(`
    select (select string_agg(t::text, ',' order by a) from t) as t,
           (select count(*) from users) as users, (select last_value from seq) as seq,
           (select count(*) from pg_class) as classes, (select count(*) from pg_proc) as procs,
           (select count(*) from pg_roles) as roles, (select count(*) from pg_attribute) as columns,
           (select count(*) from pg_locks where locktype = 'advisory') as locks`)
  return JSON.stringify(rows)
}
