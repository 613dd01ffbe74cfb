// Cases in SQL are read on a real server that holds the declared schema, and runs nothing.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSqlBench } from '../../../app/sql-bench.js'
import type { SqlBench } from '../../../cli/context.js'
import { compiledWorkerUrl } from '../proxy/postgres/sql/compiled-worker.js'

let bench: SqlBench

beforeAll(async () => {
  bench = await openSqlBench(
    {
      'orders-db':
        'create table customers (id int, ssn text); create view v as select ssn from customers',
    },
    { workerUrl: compiledWorkerUrl() },
  )
}, 120_000)
afterAll(() => bench.close())

async function read(text: string, resource = 'orders-db') {
  const judged = await bench.read(resource, text)
  if (judged.outcome === 'invalid') return 'invalid'
  const { effect, parts, columns = [] } = judged.command
  const uses = columns.map(({ relation, column, use }) => `${use} ${relation}.${column}`)
  return [parts.map(({ kind }) => kind).join(), effect, ...uses].join(' ')
}

test('names mean what the schema says', async () => {
  expect(await read('select ssn from v')).toBe('select read output public.customers.ssn')
  expect(await read('drop table customers')).toBe('drop-table ddl')
  expect(await read('select pg_sleep(1)')).toBe('select dangerous')
  expect(await read('drop tabel x')).toBe('invalid')
})

test('statements are read, not run; a resource without a schema is an empty database', async () => {
  await read('drop table customers')
  expect(await read('select id from customers')).toContain('public.customers.id')
  expect(await read('select id from customers', 'other-db')).toContain('derived customers.*')
})

test('a schema that can’t be made says which, and one can’t reach out of the server', async () => {
  const failing = (schema: string) =>
    openSqlBench({ 'orders-db': schema }, { workerUrl: compiledWorkerUrl() })
  await expect(failing('create tabel x')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  await expect(failing("copy (select 1) to program 'true'")).rejects.toThrow(/permission denied/)
})
