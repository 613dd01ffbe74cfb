// The detectors as they are, on values as the wire frames them: nothing beside a value hides it.

import { expect, test } from 'vitest'

import { Outbox } from '../../../../../proxy/postgres/codec.js'
import { message } from '../../../../../proxy/postgres/messages.js'
import { CopyMasker } from '../../../../../proxy/postgres/masking/copy.js'
import { redactError, redactNotification } from '../../../../../proxy/postgres/masking/messages.js'
import { Rewritten } from '../../../../../proxy/postgres/masking/rewritten.js'
import { Search } from '../../../../../proxy/postgres/masking/search.js'
import { compileDetection } from '../../../../../policy/detect/detection.js'
import { DETECTOR_NAMES } from '../../../../../policy/detect/names.js'
import { field, mask, masked, maskerOf, messagesOf, replacements, row, rowsOf } from './scene.js'

const SEARCH = new Search(
  compileDetection([{ ...mask('redact'), detectors: DETECTOR_NAMES, patterns: [] }]),
  replacements,
)
const SECRETS = [
  '4111111111111111',
  'jo.doe@example.com',
  'GB82 WEST 1234 5698 7654 32',
  'postgres://app:hunter2secret@db.example.com/app',
]

const searched = (cells: readonly string[], typeOid: number) =>
  rowsOf(
    masked(
      maskerOf(
        cells.map(() => field(typeOid)),
        undefined,
        SEARCH,
      ),
      row(cells),
    ),
  )[0]

test.each(SECRETS)('%s is found in a cell of any length, wherever it stands', (secret) => {
  for (let padding = 0; padding < 300; padding += 1) {
    const rest = padding === 0 ? '' : ` ${'.'.repeat(padding - 1)}`
    const cells = searched([`${secret}${rest}`, 'next', `${rest} ${secret}`, secret], 25)
    expect(cells?.join('|'), `padding ${padding}`).not.toContain(secret)
    expect(cells?.[1]).toBe('next')
  }
})

test.each(SECRETS)('%s is found behind an escape in JSON', (secret) => {
  const value = JSON.stringify({ log: `first\n${secret}\nlast` })
  for (const typeOid of [114, 3802]) {
    expect(searched([value, '{}'], typeOid)?.join('|')).not.toContain(secret)
  }
})

test.each(SECRETS)('%s is found at the edges and behind the escapes of copy data', (secret) => {
  const forms = {
    text: [`${secret}\tb\n`, `a\t${secret}\n`, `a\tx\\n${secret}\\ny\n`, `\\N\t\\t${secret}\n`],
    csv: [`${secret},b\n`, `a,"${secret}"\n`, `a,"""${secret}"""\n`, `"x\n${secret}",\n`],
  }
  for (const form of ['text', 'csv'] as const) {
    for (const line of forms[form]) {
      const parts = { columns: undefined, search: SEARCH, replacements, rewritten: new Rewritten() }
      const masker = new CopyMasker({ ...parts, form, head: { binary: false, columnCount: 2 } })
      const run = message(0x64, Buffer.from(line))
      const out = new Outbox()
      masker.data(run, 0, run.length, out)
      const bodies = messagesOf(out.take(true) ?? run).map(({ body }) => body.toString('utf8'))
      expect(bodies.join(''), line).toContain('[redacted]')
      expect(bodies.join(''), line).not.toContain(secret)
    }
  }
})

test('a secret that is named in quoted JSON is found in csv', () => {
  const parts = { columns: undefined, search: SEARCH, replacements, rewritten: new Rewritten() }
  const masker = new CopyMasker({ ...parts, form: 'csv', head: { binary: false, columnCount: 1 } })
  const key = 'q7Zt0xVb3mN8pLw2Kc5R'
  const run = message(0x64, Buffer.from(`"{""api_key"": ""${key}""}"\n`))
  const out = new Outbox()
  masker.data(run, 0, run.length, out)
  expect(out.take(true)?.toString('latin1')).not.toContain(key)
})

test.each(SECRETS)('%s is found in errors and notifications', (secret) => {
  const error = message(0x45, Buffer.from(`SERROR\0C22P02\0M${secret}\0D${secret}\0\0`))
  const notification = message(0x41, Buffer.from(`\0\0\0\x31\x63\0${secret}\0`))
  expect(redactError(error, 5, error.length, false, SEARCH)?.includes(secret)).toBe(false)
  const other = redactNotification(notification, 5, notification.length, SEARCH)
  expect(other?.includes(secret)).toBe(false)
})
