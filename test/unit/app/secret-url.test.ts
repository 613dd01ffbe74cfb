import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readEnvironment } from '../../../app/environment.js'

const URL_WITH_PASSWORD = 'postgres://warder:pa55word@store:5432/warder'
const directory = mkdtempSync(join(tmpdir(), 'warder-secret-url-'))

afterAll(() => {
  rmSync(directory, { recursive: true })
})

function file(name: string, text: string, mode = 0o640): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

const read = (value: string) => readEnvironment({ DATABASE_URL: value }).environment.databaseUrl

function refusal(value: string): string {
  try {
    read(value)
  } catch (error) {
    return String(error)
  }
  throw new Error('was not refused')
}

test('a URL is taken as it is written', () => {
  expect(read(URL_WITH_PASSWORD)).toBe(URL_WITH_PASSWORD)
})

test('a URL is taken from the file that is named, without its line end', () => {
  expect(read(`file:${file('good', `${URL_WITH_PASSWORD}\n`)}`)).toBe(URL_WITH_PASSWORD)
})

test('a file that others can read is refused, with the command that mends it', () => {
  const path = file('open', URL_WITH_PASSWORD, 0o644)
  expect(refusal(`file:${path}`)).toContain(`chmod o-rwx ${path}`)
})

test('a file that is not there is refused by its name', () => {
  const path = join(directory, 'missing')
  expect(refusal(`file:${path}`)).toContain(
    `DATABASE_URL names ${path}, which can't be read (ENOENT)`,
  )
})

test('a directory is refused', () => {
  chmodSync(directory, 0o750)
  expect(refusal(`file:${directory}`)).toContain('EISDIR')
})

test('a file that is far too long is refused unread', () => {
  expect(refusal(`file:${file('long', 'x'.repeat(5_000))}`)).toContain('too long for a URL')
})

test.each([
  ['another protocol', 'mysql://warder:pa55word@store/warder'],
  ['no URL at all', 'pa55word'],
  ['nothing', ''],
])('a file that holds %s is refused without a word of its content', (_what, text) => {
  const message = refusal(`file:${file('wrong', text)}`)
  expect(message).toContain('whose content must be postgres://')
  expect(message).not.toContain('pa55word')
})

test('a refused URL is not repeated', () => {
  expect(refusal('mysql://warder:pa55word@store/warder')).not.toContain('pa55word')
})
