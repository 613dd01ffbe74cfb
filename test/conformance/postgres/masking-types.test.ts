// Every replacement of a masked value goes back to a real server, in text and in binary: its type takes
// it, and node-postgres reads it.

import pg from 'pg'
import { serialize } from 'pg-protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { MASK_METHODS } from '../../../policy/masking.js'
import { readRowDescription } from '../../../proxy/postgres/masking/plan.js'
import { Rewritten } from '../../../proxy/postgres/masking/rewritten.js'
import { RowMasker } from '../../../proxy/postgres/masking/rows.js'
import { Search } from '../../../proxy/postgres/masking/search.js'
import { CopyMasker } from '../../../proxy/postgres/masking/copy.js'
import { Replacements } from '../../../proxy/postgres/masking/value.js'
import { Outbox } from '../../../proxy/postgres/codec.js'
import { startPostgres, type PostgresCluster } from '../../postgres-cluster.js'
import { TestDetection, messagesOf } from '../../unit/proxy/postgres/masking/scene.js'
import { frame, q, s, startup, WireClient, type Message } from './wire-client.js'

/** Types with a value of each; NULL has to be no answer where a text could stand. */
const SAMPLES: readonly (readonly [string, string])[] = [
  ...(['text', 'varchar', 'varchar(200)', 'char(40)', 'name', 'json', 'jsonb', 'xml'] as const).map(
    (type) => [type, type === 'xml' ? '<a>secret-1234</a>' : '"secret-1234"'] as const,
  ),
  ['bytea', '\\x7365637265742d31323334'],
  ['uuid', '0f9e3c3a-21f9-4c3c-9a5c-3a21f94c3c9a'],
  ['int2', '12'],
  ['int4', '123456'],
  ['int8', '4111111111111111'],
  ['numeric', '4111111111111111'],
  ['numeric', '-0.00012'],
  ['float4', '1.5'],
  ['float8', '-1e100'],
  ['money', '12.34'],
  ['oid', '1234'],
  ['bool', 'true'],
  ['date', '1970-01-01'],
  ['timestamp', '1970-01-01 10:00:00'],
  ['timestamptz', '1970-01-01 10:00:00+02'],
  ['time', '10:00'],
  ['timetz', '10:00+02'],
  ['interval', '1 day'],
  ['inet', '10.0.0.1'],
  ['cidr', '10.0.0.0/8'],
  ['macaddr', '08:00:2b:01:02:03'],
  ['text[]', '{secret-1234,b}'],
  ['int4[]', '{1,2}'],
  ['jsonb[]', '{"\\"secret-1234\\""}'],
  ['int4range', '[1,5)'],
  ['tstzmultirange', '{}'],
  ['bit(3)', '101'],
  ['varbit', '1'],
  ['tsvector', "'secret-1234':1"],
  ['tsquery', "'secret-1234'"],
  ['point', '(1,2)'],
  ['polygon', '((0,0),(1,1))'],
  ['"char"', 'x'],
  ['regclass', 'pg_class'],
  ['pg_lsn', '16/B374D848'],
  ['mood', 'happy'],
  ['tiny', '9'],
  ['pair', '(1,secret-1234)'],
]
const FIXED = ['0', 'gone', '1970-01-01', 'true', '']
const MASKS = [
  ...MASK_METHODS.filter((how) => how !== 'fixed').map((how) => ({ label: 'm', how })),
  ...FIXED.map((fixed) => ({ label: 'm', how: 'fixed' as const, fixed })),
]

/** node-postgres types its own numbers; these come from the wire. */
const PARSER_OF = pg.types as unknown as {
  getTypeParser: (typeOid: number, format: 'text') => (text: string) => unknown
}

let cluster: PostgresCluster
let admin: pg.Client
let wire: WireClient
const replacements = new Replacements(Buffer.alloc(32, 1))

beforeAll(async () => {
  cluster = await startPostgres()
  const url = await cluster.createDatabase()
  admin = new pg.Client({ connectionString: url })
  await admin.connect()
  await admin.query(`create type mood as enum ('happy', 'sad'); create domain tiny as int check (value < 10);
    create type pair as (n int, t text)`)
  wire = new WireClient(cluster.port)
  wire.send(startup({ user: 'warder', database: url.slice(url.lastIndexOf('/') + 1) }))
  await wire.until((type) => type === 'Z')
})
afterAll(async () => {
  await wire.close()
  await admin.end()
  await cluster.stop()
})

/** Runs a statement in the given format; one parameter, in the same format. */
async function run(sql: string, parameter: Buffer | null, format: 0 | 1): Promise<Message[]> {
  const length = Buffer.alloc(4)
  length.writeInt32BE(parameter?.length ?? -1)
  const bind = Buffer.concat([
    Buffer.from([0, 0, 0, 1, 0, format, 0, 1]),
    length,
    parameter ?? Buffer.alloc(0),
    Buffer.from([0, 1, 0, format]),
  ])
  wire.send(serialize.parse({ text: sql }), frame('B', bind))
  wire.send(serialize.describe({ type: 'P', name: '' }), serialize.execute({}), s)
  return wire.ready()
}

/** The fields and the rows of an answer, the rows as they came. */
function answerOf(messages: readonly Message[]) {
  const description = messages.find(({ type }) => type === 'T')?.body
  if (description === undefined) {
    const error = messages.find(({ type }) => type === 'E')?.body.toString('utf8')
    throw new Error(error?.replaceAll('\0', ' '))
  }
  const rows = messages.filter(({ type }) => type === 'D').map(({ body }) => frame('D', body))
  return { fields: readRowDescription(description, 0, description.length), rows }
}

/** The only cell of the only row. */
function cellOf(bytes: Buffer): Buffer | null {
  const body = messagesOf(bytes)[0]?.body ?? Buffer.alloc(0)
  return body.readInt32BE(2) === -1 ? null : body.subarray(6)
}

const through = (masker: RowMasker, row: Buffer): Buffer => {
  const out = new Outbox()
  masker.rows(row, 0, row.length, out)
  return out.take(true) ?? Buffer.alloc(0)
}

const FORMATS = [0, 1] as const

test.each(SAMPLES)(
  '%s takes every replacement of %s, in text and in binary',
  async (type, value) => {
    for (const format of FORMATS) {
      const sent = `select '${value.replaceAll("'", "''")}'::${type} where $1::text is null`
      const { fields, rows } = answerOf(await run(sent, null, format))
      expect(fields[0]?.format).toBe(format)
      for (const by of MASKS) {
        const masker = new RowMasker({
          ...{ fields, columns: [by], search: undefined, replacements, rewritten: new Rewritten() },
        })
        const cell = cellOf(through(masker, rows[0] ?? Buffer.alloc(0)))
        expect(cell?.includes('secret') ?? false, `${by.how} ${format}`).toBe(false)
        const back = answerOf(await run(`select $1::${type}`, cell, format))
        const taken = cellOf(back.rows[0] ?? Buffer.alloc(0))
        expect(taken === null, `${by.how} in format ${format}`).toBe(cell === null)
      }
    }
  },
)

test('what is found in values of any type leaves something that the type takes', async () => {
  const search = new Search(new TestDetection({ label: 'd', how: 'redact' }), replacements)
  const found: string[] = []
  for (const [type, value] of SAMPLES) {
    if (!/secret|41111/.test(value)) continue
    for (const format of FORMATS) {
      const sent = `select '${value.replaceAll("'", "''")}'::${type} where $1::text is null`
      const { fields, rows } = answerOf(await run(sent, null, format))
      const rewritten = new Rewritten()
      const masker = new RowMasker({ fields, columns: undefined, search, replacements, rewritten })
      const before = rows[0] ?? Buffer.alloc(0)
      const cell = cellOf(through(masker, before))
      if (
        cell?.includes('secret-1234') === true ||
        cell?.equals(cellOf(before) ?? before) === true
      ) {
        found.push(`${type} ${format}`)
      }
      answerOf(await run(`select $1::${type}`, cell, format))
    }
  }
  expect(found).toEqual([])
})

test('node-postgres reads masked values without a word', async () => {
  const { fields, rows } = answerOf(
    await run(
      `select 'secret'::text, 5::int8, '{"a":1}'::jsonb, now(), gen_random_uuid(), 'x'::bytea, '{a}'::text[]
       where $1::text is null`,
      null,
      0,
    ),
  )
  const columns = fields.map(() => ({ label: 'm', how: 'redact' as const }))
  const parts = { fields, columns, search: undefined, replacements, rewritten: new Rewritten() }
  const body = messagesOf(through(new RowMasker(parts), rows[0] ?? Buffer.alloc(0)))[0]?.body
  let at = 2
  const read = fields.map(({ typeOid }) => {
    const length = body?.readInt32BE(at) ?? -1
    at += 4 + Math.max(0, length)
    if (length < 0) return null
    const parse = PARSER_OF.getTypeParser(typeOid, 'text')
    return parse(body?.toString('utf8', at - length, at) ?? '')
  })
  expect(read).toEqual([
    '[redacted]',
    null,
    '[redacted]',
    null,
    '00000000-0000-0000-0000-000000000000',
    Buffer.from('[redacted]'),
    null,
  ])
})

/** Values with everything that either form of COPY has to escape. */
const ODD = [
  '',
  'plain',
  'a\tb',
  'a\nb\r',
  'back\\slash \\N',
  '\\N',
  '\\.',
  '"q"',
  "it's, so",
  ' ',
  'é 😀',
  '\v\f\b',
]

test.each(['text', 'csv'] as const)('masked %s data goes back into a table', async (form) => {
  await admin.query('drop table if exists copied, back')
  await admin.query('create table copied (n int, secret text, note text)')
  const values = [...ODD, null]
  for (const [n, value] of values.entries()) {
    await admin.query('insert into copied values ($1, $2, $3)', [n, value, value])
  }
  await admin.query('create table back (like copied)')
  for (const by of MASKS) {
    await admin.query('truncate back')
    wire.send(q(`copy copied to stdout (format ${form}, header)`))
    const data = (await wire.ready()).filter(({ type }) => type === 'd')
    const run = Buffer.concat(data.map(({ body }) => frame('d', body)))
    const masker = new CopyMasker({
      ...{ form, head: { binary: false, columnCount: 3 }, columns: [undefined, by, undefined] },
      ...{ names: ['n', 'secret', 'note'], search: undefined, replacements },
      rewritten: new Rewritten(),
    })
    const out = new Outbox()
    masker.data(run, 0, run.length, out)
    masker.done(out)
    wire.send(q(`copy back from stdin (format ${form}, header match)`))
    await wire.until((type) => type === 'G' || type === 'E')
    wire.send(out.take(true) ?? Buffer.alloc(0), frame('c'))
    await wire.ready()
    const { rows } = await admin.query<{ secret: string | null; note: string | null }>(
      'select secret, note from back order by n',
    )
    expect(rows.map(({ note }) => note)).toEqual(values)
    const meant = values.map((value) =>
      value === null || by.how === 'null' ? null : replacements.text(by, value),
    )
    expect(rows.map(({ secret }) => secret)).toEqual(meant)
  }
})
