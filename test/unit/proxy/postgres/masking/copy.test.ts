import { expect, test } from 'vitest'

import { WarderError } from '../../../../../core/errors.js'
import { LIMITS } from '../../../../../proxy/limits.js'
import { MessageTooLong, Outbox } from '../../../../../proxy/postgres/codec.js'
import { CopyMasker } from '../../../../../proxy/postgres/masking/copy.js'
import { Rewritten } from '../../../../../proxy/postgres/masking/rewritten.js'
import { MalformedMessage, message } from '../../../../../proxy/postgres/messages.js'
import type { ColumnMask } from '../../../../../policy/masking.js'
import { seeded, seedOfRun } from '../../../../random.js'
import { mask, messagesOf, replacements, searchOf } from './scene.js'

const data = (body: string | Buffer) => message(0x64, Buffer.from(body))

interface Options {
  readonly form?: 'text' | 'csv'
  readonly columns?: readonly (ColumnMask | undefined)[]
  readonly names?: readonly string[]
  readonly columnCount?: number
  readonly search?: ReturnType<typeof searchOf>
}

const maskerOf = ({ form = 'text', columns, names, columnCount = 3, search }: Options) =>
  new CopyMasker({
    ...{ form, columns, names, search, replacements, rewritten: new Rewritten() },
    head: { binary: false, columnCount },
  })

/** The bodies that come out for bodies that go in, in calls of `perCall` messages each. */
function copied(bodies: readonly string[], options: Options, perCall = bodies.length): string[] {
  const masker = maskerOf(options)
  const out = new Outbox()
  for (let at = 0; at < bodies.length; at += perCall) {
    const run = Buffer.concat(bodies.slice(at, at + perCall).map(data))
    masker.data(run, 0, run.length, out)
  }
  masker.done(out)
  const bytes = out.take(true) ?? Buffer.alloc(0)
  return messagesOf(bytes).map(({ body }) => body.toString('utf8'))
}

const MIDDLE = [undefined, mask('redact'), undefined]
const LINES = ['1\ttoken\tx\n', '2\t\\N\ty\n', '3\t\t\n', '4\ttok\\ten\\t\\\\\tz\n']
const MASKED = ['1\t[redacted]\tx\n', '2\t\\N\ty\n', '3\t[redacted]\t\n', '4\t[redacted]\tz\n']

test('a masked column of text data is replaced line by line, NULL stays NULL', () => {
  expect(copied(LINES, { columns: MIDDLE })).toEqual(MASKED)
  expect(copied(LINES, { columns: MIDDLE }, 1)).toEqual(MASKED)
})

const CSV_LINES = ['1,token,x\n', '2,,y\n', '3,"",\n', '4,"to""k,\nen",z\n', '"5",token,"a\n,b"\n']
const CSV_MASKED = [
  ...['1,[redacted],x\n', '2,,y\n', '3,[redacted],\n', '4,[redacted],z\n'],
  '"5",[redacted],"a\n,b"\n',
]

test('a masked column of csv data is replaced, quotes and newlines within included', () => {
  expect(copied(CSV_LINES, { form: 'csv', columns: MIDDLE })).toEqual(CSV_MASKED)
  expect(copied(CSV_LINES, { form: 'csv', columns: MIDDLE }, 2)).toEqual(CSV_MASKED)
})

test.each(['text', 'csv'] as const)('%s data cut anywhere comes out the same', (form) => {
  const [lines, meant] = form === 'text' ? [LINES, MASKED] : [CSV_LINES, CSV_MASKED]
  const whole = lines.join('')
  const seed = seedOfRun()
  const random = seeded(seed)
  for (let round = 0; round < 200; round += 1) {
    const pieces: string[] = []
    for (let at = 0; at < whole.length;) {
      const next = at + Math.floor(random() * 12)
      pieces.push(whole.slice(at, next))
      at = next
    }
    const perCall = 1 + Math.floor(random() * 4)
    const bodies = copied(pieces, { form, columns: MIDDLE, search: searchOf() }, perCall)
    expect(bodies, `seed ${seed}`).toEqual(meant)
  }
})

test('a last line without its end is masked, too', () => {
  expect(copied(['1\ttoken\tx\n', '2\ttoken\ty'], { columns: MIDDLE })).toEqual([
    '1\t[redacted]\tx\n',
    '2\t[redacted]\ty\n',
  ])
})

test('replacements are written as the form asks', () => {
  const columns = [mask('fixed', 'a\tb\\c\n'), mask('null'), mask('last4')]
  expect(copied(['x\ty\t1111-2222-\\t\\\\3\n'], { columns })).toEqual([
    'a\\tb\\\\c\\n\t\\N\t****-\\t\\\\3\n',
  ])
  const csv = [mask('fixed', 'a,"b"'), mask('null'), mask('last4')]
  expect(copied(['x,y,"1111-2222-,""3"\n'], { form: 'csv', columns: csv })).toEqual([
    '"a,""b""",,"****-,""3"\n',
  ])
  expect(
    copied(['x,y,z\n'], { form: 'csv', columns: [mask('fixed', ''), undefined, undefined] }),
  ).toEqual(['"",y,z\n'])
})

test('a value hashes by what it means, however it is written', () => {
  const hash = replacements.text(mask('hash'), 'a"b')
  const columns = [mask('hash')]
  expect(copied(['a"b\n'], { columns, columnCount: 1 })).toEqual([`${hash}\n`])
  expect(copied(['"a""b"\n'], { form: 'csv', columns, columnCount: 1 })).toEqual([`${hash}\n`])
})

test('the names of a first line stay, and of no other', () => {
  const lines = ['id\tssn\tx\n', '1\tssn\tx\n']
  expect(copied(lines, { columns: MIDDLE, names: ['id', 'ssn', 'x'] })).toEqual([
    'id\tssn\tx\n',
    '1\t[redacted]\tx\n',
  ])
  expect(copied(['id\ttoken\tx\n'], { columns: MIDDLE, names: ['id', 'ssn', 'x'] })).toEqual([
    'id\t[redacted]\tx\n',
  ])
})

test('what is found in a field is replaced in its place', () => {
  const search = searchOf()
  expect(copied(['a\tx secret-1234 y\t\\N\n', 'b\tc\td\n'], { search })).toEqual([
    'a\tx [redacted] y\t\\N\n',
    'b\tc\td\n',
  ])
  expect(copied(['a,"x, secret-1234",\n'], { form: 'csv', search })).toEqual([
    'a,"x, [redacted]",\n',
  ])
})

test('what is found and masked as null leaves NULL', () => {
  const search = searchOf('null')
  expect(copied(['a\tx secret-1234 y\tb\n'], { search })).toEqual(['a\t\\N\tb\n'])
  expect(copied(['a,secret-1234,b\n'], { form: 'csv', search })).toEqual(['a,,b\n'])
})

test('what shows only in the line as it is written takes its field with it', () => {
  const search = searchOf()
  // Read back, the first is "secret-1<tab>234": what looks like the secret is in the escapes.
  expect(copied(['a\tsecret-1234\\t\tb\n'], { search })).toEqual(['a\t[redacted]\\t\tb\n'])
  expect(copied(['a,"x""secret-1234",b\n'], { form: 'csv', search })).toEqual([
    'a,"x""[redacted]",b\n',
  ])
})

test('masked columns and searched ones go together, a masked value is not searched', () => {
  const columns = [undefined, mask('fixed', 'secret-0000'), undefined]
  const lines = [
    'secret-1234\tsecret-1234\tx\n',
    'a\tb\tx\\nsecret-1234\n',
    '\\N\tb\tlast secret-1234',
  ]
  const meant = [
    '[redacted]\tsecret-0000\tx\n',
    'a\tsecret-0000\tx\\n[redacted]\n',
    '\\N\tsecret-0000\tlast [redacted]\n',
  ]
  expect(copied(lines, { columns, search: searchOf() })).toEqual(meant)
})

test('data in which nothing is found passes as the very bytes it came in', () => {
  const run = Buffer.concat([data('a\tb\tc\n'), data('d\te\tf\n')])
  const out = new Outbox()
  maskerOf({ search: searchOf() }).data(run, 0, run.length, out)
  expect(out.take(false)?.buffer).toBe(run.buffer)
})

test('a copy without columns has empty lines', () => {
  expect(copied(['\n', '\n'], { columnCount: 0, search: searchOf() })).toEqual(['\n', '\n'])
})

test.each([
  ['fewer fields', 'text', '1\t2\n'],
  ['more fields', 'text', '1\t2\t3\t4\n'],
  ['another delimiter', 'text', '1|2|3\n'],
  ['no fields', 'text', '\n'],
  ['fewer fields', 'csv', '1,"2,3"\n'],
  ['more fields', 'csv', '1,2,3,4\n'],
] as const)('a line with %s of %s data is withheld', (_, form, line) => {
  const out = new Outbox()
  const run = data(line)
  const masker = maskerOf({ form, columns: MIDDLE })
  expect(() => masker.data(run, 0, run.length, out)).toThrow(WarderError)
  expect(out.take(false)).toBeUndefined()
})

test('data that ends within quotes is withheld', () => {
  expect(() => copied(['1,"token\n'], { form: 'csv', columns: MIDDLE })).toThrow('not complete')
})

test.each([
  ['another form', 'other', false],
  ['binary data', 'text', true],
] as const)('%s can’t be masked and is withheld', (_, form, binary) => {
  const parts = { columns: MIDDLE, search: undefined, replacements, rewritten: new Rewritten() }
  expect(() => new CopyMasker({ ...parts, form, head: { binary, columnCount: 3 } })).toThrow(
    WarderError,
  )
})

test('a line longer than the limit is refused, whole or in pieces', () => {
  const half = Buffer.alloc(LIMITS.maskedRowBytesMax / 2 + 1, 0x78)
  const whole = data(Buffer.concat([half, half]))
  const refused = maskerOf({ columns: MIDDLE })
  expect(() => refused.data(whole, 0, whole.length, new Outbox())).toThrow(MessageTooLong)
  const masker = maskerOf({ columns: MIDDLE })
  const piece = data(half)
  masker.data(piece, 0, piece.length, new Outbox())
  expect(() => masker.data(piece, 0, piece.length, new Outbox())).toThrow(MessageTooLong)
})

test.each([
  ['another message', message(0x44, Buffer.from('x'))],
  ['half a header', data('1\t2\t3\n').subarray(0, 4)],
  ['half a message', data('1\t2\t3\n').subarray(0, 9)],
])('%s in a run of copy data is malformed', (_, run) => {
  const masker = maskerOf({ columns: MIDDLE })
  expect(() => masker.data(run, 0, run.length, new Outbox())).toThrow(MalformedMessage)
})

test('whatever comes as copy data, no token of a masked column comes out', () => {
  const seed = seedOfRun()
  const random = seeded(seed)
  const below = (count: number) => Math.floor(random() * count)
  const alphabet = ['\t', '\n', '\\', '"', ',', 'N', 'a', 'secret-1234', 'é', '\\.', '\r']
  for (let round = 0; round < 2_000; round += 1) {
    const form = below(2) === 0 ? 'text' : 'csv'
    const noise = () =>
      Array.from({ length: below(6) }, () => alphabet[below(alphabet.length)]).join('')
    const field = form === 'text' ? escaped : quoted
    const lines = Array.from({ length: 3 }, () => {
      const cells = [noise(), `${noise()}token${noise()}`, noise()]
      return `${cells.map(field).join(form === 'text' ? '\t' : ',')}\n`
    })
    const bodies = copied(lines, { form, columns: MIDDLE, search: searchOf() }).join('')
    expect(bodies, `seed ${seed}, round ${round}`).not.toMatch(/token|secret-1234/)
  }
})

const escaped = (value: string) =>
  value.replace(
    /[\\\t\n\r]/g,
    (found) => `\\${{ '\t': 't', '\n': 'n', '\r': 'r' }[found] ?? found}`,
  )
const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`
