// A plan's text becomes the statements that psql would send.

import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SqlPlanReader } from '../../../../proxy/postgres/plan-reader.js'
import { ParserPool } from '../../../../proxy/postgres/sql/parser.js'
import { compiledWorkerUrl } from './sql/compiled-worker.js'

let parser: ParserPool
let reader: SqlPlanReader

beforeAll(async () => {
  parser = new ParserPool({ workerUrl: compiledWorkerUrl(), workerCount: 1, deadlineMs: 10_000 })
  reader = new SqlPlanReader(parser)
  await parser.ready()
}, 60_000)

afterAll(() => parser.close())

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

async function textsOf(text: string): Promise<string[]> {
  const plan = await reader.read(text)
  if (!plan.ok) throw new Error(plan.refusal.code)
  for (const step of plan.value.steps) expect(step.digest).toBe(sha256(step.text))
  expect(plan.value.digest).toBe(sha256(text))
  return plan.value.steps.map((step) => step.text)
}

test.each([
  ['select 1; select 2', ['select 1', 'select 2']],
  ['\uFEFFselect 1;\r\nselect 2;\r\n', ['select 1', 'select 2']],
  [';;select 1;;', ['select 1']],
  ['-- ü\nselect ‘x’;'.replace(/[‘’]/g, "'"), ["select 'x'"]],
  ["select 'ü;ö';select 'é'", ["select 'ü;ö'", "select 'é'"]],
  [
    'select $$a;b$$, $q$;$q$, "q;c" from t; select 3',
    ['select $$a;b$$, $q$;$q$, "q;c" from t', 'select 3'],
  ],
  [
    'create function f() returns int language sql begin atomic select 1; select 2; end; select 3;',
    [
      'create function f() returns int language sql begin atomic select 1; select 2; end',
      'select 3',
    ],
  ],
  ['/* why */ -- because\ndrop table t -- inner\n cascade;', ['drop table t -- inner\n cascade']],
])('%j is %j', async (text, expected) => {
  expect(await textsOf(text)).toEqual(expected)
})

test('a step says what it does as far as its text tells, and names only what is named whole', async () => {
  const plan = await reader.read('drop table public.a, b; delete from public.c')
  expect(plan).toMatchObject({
    value: {
      steps: [
        {
          parts: [
            {
              kind: 'drop-table',
              effect: 'ddl',
              relations: [{ relation: 'public.a', access: 'write' }],
            },
          ],
        },
        { parts: [{ kind: 'delete', effect: 'write', traits: ['without-where'] }] },
      ],
    },
  })
})

test.each([
  ['psql’s own commands', 'select 1;\n\\copy t from x', 'STATEMENT_INVALID', 'line 2'],
  ['data of a COPY', 'copy t from stdin;\n1\t2\n\\.\n', 'STATEMENT_INVALID', 'line 2'],
  ['variables of psql', "insert into t values (:'name')", 'STATEMENT_INVALID', 'plain SQL'],
  ['what is no SQL', 'drop tabel t', 'STATEMENT_INVALID', 'line 1'],
  ['nothing', '-- nothing at all\n;;', 'INVALID_ARGUMENT', 'no statement'],
  ['too many statements', 'select 1;'.repeat(201), 'LIMIT_EXCEEDED', '200'],
  ['too much text', `select '${'x'.repeat(65_536)}'`, 'LIMIT_EXCEEDED', '65536'],
])('%s can’t be planned', async (_, text, code, why) => {
  const plan = await reader.read(text)
  expect(plan).toMatchObject({ ok: false, refusal: { code } })
  expect(!plan.ok && plan.refusal.details.why).toContain(why)
})
