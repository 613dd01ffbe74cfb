// A stored password is rotated at a real target: whatever breaks off in between, and whoever else
// rotates, a new session gets in, and the next run comes to the end.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { Credentials } from '../../../app/credentials.js'
import { PostgresCluster } from '../../../app/embedded/postgres-cluster.js'
import { Rotation, type RotationParts } from '../../../app/rotation.js'
import { postgresPasswords } from '../../../app/secrets/target-password.js'
import type { AuditEvent } from '../../../core/audit.js'
import { WarderError } from '../../../core/errors.js'
import type { Resource } from '../../../core/resource.js'
import { Permit } from '../../../proxy/permit.js'
import { openTarget } from '../../../proxy/postgres/login.js'
import { openDatabase } from '../../../store/database.js'
import { KeyRing } from '../../../store/encryption.js'
import { migrate } from '../../../store/migrations.js'
import type { Schema } from '../../../store/schema.js'
import { PostgresSecretStore } from '../../../store/secrets.js'
import { newGrant, StandingClock } from '../../unit/store/fixtures.js'

const FIRST = 'the-first-password'

let directory: string
let cluster: PostgresCluster
let db: Kysely<Schema>
let secrets: PostgresSecretStore
let resource: Resource
let events: AuditEvent[]

const clock = new StandingClock()
const audit = {
  append: (event: AuditEvent) => events.push(event),
  durable: () => Promise.resolve(),
  onFailure: () => () => undefined,
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'warder-rotation-'))
  chmodSync(directory, 0o711)
  cluster = await PostgresCluster.start({
    ...{ dataDirectory: directory, name: 'both', progress: () => undefined },
    settings: { fsync: 'off', log_statement: 'all' },
    onGivenUp: () => undefined,
  })
  await cluster.ensureDatabase('store')
  await cluster.ensureDatabase('shop')
  await migrate(cluster.url('store'))
  db = openDatabase(cluster.url('store'), { poolMax: 20, applicationName: 'test' })
  secrets = new PostgresSecretStore({ db, sealer: new KeyRing(randomBytes(32)) })
  await asOwner('CREATE ROLE warder_login LOGIN')
  resource = {
    ...{ name: 'shop', protocol: 'postgres', host: '127.0.0.1', port: cluster.port, labels: {} },
    ...{ database: 'shop', tls: 'off' },
    credential: { user: 'warder_login', password: { stored: 'shop-password' } },
  }
}, 120_000)

afterAll(async () => {
  await db.destroy()
  await cluster.stop()
  rmSync(directory, { recursive: true, force: true })
})

beforeEach(async () => {
  events = []
  await asOwner(`ALTER ROLE warder_login PASSWORD '${FIRST}'`)
  await secrets.remove('shop-password')
  await secrets.put({ name: 'shop-password', value: FIRST, by: 'okta/ana', at: 1 })
})

async function asOwner(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: cluster.url() })
  await client.connect()
  await client.query(sql).finally(() => client.end())
}

const rotationWith = (changes: Partial<RotationParts> = {}): Rotation =>
  new Rotation({
    ...{ secrets, targets: postgresPasswords, audit, clock, resources: () => [resource] },
    ...changes,
  })

/** As a new session does it. */
async function enters(): Promise<void> {
  const permit = await Permit.issue(newGrant({ resource: 'shop' }), resource, 0)
  const target = await openTarget(
    permit,
    new Credentials({ secrets, variables: {}, audit, clock }),
    new Map(),
  )
  target.socket.destroy()
}

const passwords = async (): Promise<readonly string[]> =>
  (await secrets.usable('shop-password')).map(({ password }) => Buffer.from(password).toString())

class Killed extends WarderError {
  constructor() {
    super('INTERNAL', { why: 'killed' })
  }
}

/** Runs until the given call, and breaks off there, before or after it. */
function breaksOff(step: string, when: 'before' | 'after'): Rotation {
  const breaking = <T extends object>(port: T): T =>
    new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        const call = value.bind(target) as (...args: unknown[]) => Promise<unknown>
        if (name !== step) return call
        return async (...args: unknown[]) => {
          if (when === 'after') await call(...args)
          throw new Killed()
        }
      },
    })
  return rotationWith({ secrets: breaking(secrets), targets: breaking(postgresPasswords) })
}

test.each([
  ['stage', 'before'],
  ['stage', 'after'],
  ['usable', 'before'],
  ['change', 'before'],
  ['isStaged', 'before'],
  ['isStaged', 'after'],
  ['change', 'after'],
  ['promote', 'before'],
  ['promote', 'after'],
] as const)(
  'broken off at %s (%s), sessions get in at once, and the next run comes to the end',
  async (step, when) => {
    await expect(breaksOff(step, when).rotate('shop', 'okta/ana')).rejects.toThrow(Killed)
    await enters()
    expect(await rotationWith().rotate('shop', 'okta/ana')).toMatchObject({ ok: true })
    await enters()
    const held = await passwords()
    expect(held).toHaveLength(1)
    expect(held[0]).not.toBe(FIRST)
    expect(await postgresPasswords.accepts(resource, Buffer.from(FIRST))).toBe(false)
    expect(await postgresPasswords.accepts(resource, Buffer.from(held[0] ?? ''))).toBe(true)
  },
)

test('what was broken off is ended by the next process that starts', async () => {
  await expect(breaksOff('change', 'after').rotate('shop', 'okta/ana')).rejects.toThrow(Killed)
  expect(await rotationWith().recover('warder')).toEqual([])
  expect(await passwords()).toHaveLength(1)
  await enters()
})

test('many rotations at once leave one password, and sessions that come meanwhile all get in', async () => {
  let isOver = false
  let entered = 0
  const comers = Array.from({ length: 3 }, async () => {
    while (!isOver) {
      await enters()
      entered += 1
    }
  })
  for (let round = 0; round < 3; round += 1) {
    const outcomes = await Promise.all(
      Array.from({ length: 4 }, () => rotationWith().rotate('shop', 'okta/ana')),
    )
    expect(outcomes.some(({ ok }) => ok)).toBe(true)
  }
  isOver = true
  await Promise.all(comers)
  expect(entered).toBeGreaterThan(0)
  expect(await passwords()).toHaveLength(1)
  await enters()
})

test('a rotation that was overtaken while it slept changes nothing at the target', async () => {
  let wake: () => void = () => undefined
  const asleep = new Promise<void>((resolve) => (wake = resolve))
  const sleepy = rotationWith({
    targets: {
      ...postgresPasswords,
      change: async (...args) => {
        await asleep
        return postgresPasswords.change(...args)
      },
    },
  }).rotate('shop', 'okta/ana')
  // Both work on the same candidate; the second ends it, and a third makes another.
  await expect.poll(() => secrets.staged()).toEqual(['shop-password'])
  await rotationWith().rotate('shop', 'okta/ana')
  await rotationWith().rotate('shop', 'okta/ana')
  wake()
  await sleepy
  await enters()
})

test('neither the log of the target nor ours ever holds a password', async () => {
  await rotationWith().rotate('shop', 'okta/ana')
  const [now = ''] = await passwords()
  const { readdirSync, readFileSync } = await import('node:fs')
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  const logs = files.filter((name) => name.endsWith('.log')).map((name) => join(directory, name))
  const text = logs.map((name) => readFileSync(name, 'utf8')).join('\n')
  expect(text).toContain('ALTER ROLE CURRENT_USER')
  expect(text).not.toContain(now)
  expect(JSON.stringify(events)).not.toContain(now)
  expect(events.map(({ kind }) => kind)).toEqual(['secret.staged', 'secret.rotated'])
})

test.each([
  ['an unknown resource', 'other', 'NOT_FOUND'],
  ['a password that is kept elsewhere', 'env', 'INVALID_ARGUMENT'],
  ['a name that nothing is stored under', 'empty', 'NOT_FOUND'],
])('%s is refused and changes nothing', async (_what, name, code) => {
  const by = (password: Resource['credential']['password']) => ({
    ...resource,
    credential: { user: 'warder_login', password },
  })
  const resources = [
    { ...by({ env: 'X' }), name: 'env' },
    { ...by({ stored: 'nothing' }), name: 'empty' },
  ]
  const rotation = rotationWith({ resources: () => resources })
  expect(await rotation.rotate(name, 'okta/ana')).toMatchObject({ refusal: { code } })
  expect(await passwords()).toEqual([FIRST])
  await enters()
})

test('when the target takes neither password, that is said, and nothing is lost', async () => {
  await asOwner("ALTER ROLE warder_login PASSWORD 'somebody-changed-it'")
  const outcome = await rotationWith().rotate('shop', 'okta/ana')
  expect(outcome).toMatchObject({ refusal: { code: 'TARGET_REFUSED' } })
  expect((await passwords())[0]).toBe(FIRST)
  await expect(enters()).rejects.toMatchObject({ code: 'TARGET_REFUSED' })
  // The operator stores the one that works.
  await secrets.put({ name: 'shop-password', value: 'somebody-changed-it', by: 'a', at: 2 })
  await enters()
})
