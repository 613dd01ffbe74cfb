// A policy file that is broken, and one that changes under open sessions.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeOf, Stage } from './stage.js'
import { until, within } from './until.js'

let stage: Stage

beforeAll(async () => {
  stage = await Stage.open()
})

afterAll(async () => {
  await stage.close()
})

test('a malformed policy file at start ends the process with the key, the line and the nearest key', async () => {
  const good = stage.policy()
  stage.writePolicy(good.replace('    allow:', '    alow:'))
  const run = stage.launch()
  const { code } = await within('it ends', 60_000, run.ended)
  expect(code).toBe(65)
  expect(run.output).toMatch(/line \d+|:\d+:\d+/)
  expect(run.output).toContain('alow')
  expect(run.output).toContain('allow')
  expect(run.output).not.toContain('    at ')
  stage.writePolicy(good)
})

test('a change that breaks the file is reported and changes nothing; a good one holds at once, in open sessions too', async () => {
  const good = stage.policy()
  stage.writePolicy(good)
  const run = await stage.running()
  const { client } = await stage.connect()
  const prepared = { name: 'write', text: 'INSERT INTO orders VALUES ($1, $2)' }
  await client.query({ ...prepared, values: [10, 'allowed'] })

  stage.writePolicy(good.replace('roles:', 'rolls:'))
  await until('the broken file is reported', 15_000, () => run.output.includes('rolls'))
  await client.query({ ...prepared, values: [11, 'still allowed'] })

  stage.writePolicy(good.replace('[drop-table]', '[drop-table, insert]'))
  let id = 100
  const blocked = await until('INSERT is blocked in the open session', 15_000, async () => {
    const code = await codeOf(client.query({ ...prepared, values: [(id += 1), 'meanwhile'] }))
    return code === 'it ran' ? undefined : code
  })
  expect(blocked).toBe('42501')
  expect(await codeOf(client.query('SELECT 1'))).toBe('it ran')

  stage.writePolicy(
    good
      .replace('  - name: migrator\n    on: [orders-db]', '  - name: migrator\n    on: [other-db]')
      .replace(
        'roles:',
        '  - { name: other-db, protocol: postgres, address: "127.0.0.1:1", database: x, credential: { user: x, password: { env: X } }, tls: off }\nroles:',
      ),
  )
  const gone = await until('the role is gone from the resource', 15_000, async () => {
    const code = await codeOf(client.query('SELECT 1'))
    return code === 'it ran' ? undefined : code
  })
  expect(gone).toBe('42501')
  await client.end()
  // Another gateway behind the port may hear of it a moment later.
  const refusedLogin = await until('nobody is let in', 15_000, async () => {
    const { client: next } = stage.dial('migrate-job')
    const code = await codeOf(next.connect())
    if (code !== 'it ran') return code
    await next.end()
    return undefined
  })
  expect(refusedLogin).toBe('28000')
  stage.writePolicy(good)
  expect(await stage.logProblems()).toEqual([])
  expect(stage.secretsFound()).toEqual([])
})
