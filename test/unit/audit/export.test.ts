// The exported copy: it verifies without a database, in whatever order a collector gives its keys.

import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  type Anchor,
  CheckpointSigner,
  formatAnchor,
  parseAnchor,
  verifyingKeys,
} from '../../../audit/checkpoint.js'
import { exportLog, verifyExport, verifyLog } from '../../../audit/export.js'
import { KeyRing } from '../../../store/encryption.js'
import { keys, newSigningKey, openLog, random, sealer, writtenLog } from './fixtures.js'

async function exported(opened = false): Promise<string[]> {
  const lines: string[] = []
  for await (const line of exportLog(await writtenLog(), opened ? sealer : undefined)) {
    lines.push(line)
  }
  return lines
}

const codesOf = async (lines: readonly string[], anchor?: Anchor): Promise<string[]> =>
  (await verifyExport(lines, { keys, anchor }, sealer)).findings.map(({ code }) => code)

test('any character changed in any line is found, or named as no part of the log', async () => {
  const seed = 42
  const roll = random(seed)
  const lines = await exported(true)
  for (let round = 0; round < 500; round += 1) {
    const at = roll(lines.length)
    const line = lines[at] ?? ''
    const place = roll(line.length)
    const flipped = String.fromCharCode(line.charCodeAt(place) ^ 1)
    const changed = lines.with(at, line.slice(0, place) + flipped + line.slice(place + 1))
    const report = await verifyExport(changed, { keys }, sealer)
    const said = report.ok
      ? report.caveats.filter((caveat) => caveat.includes('does not know'))
      : ['']
    expect(said, `seed ${String(seed)}: ${line} at ${String(place)}`).not.toEqual([])
  }
})

test('a dropped, repeated or moved line is found', async () => {
  const lines = await exported()
  const { anchor } = await verifyExport(lines, { keys })
  for (let at = 0; at < lines.length; at += 1) {
    const name = `line ${String(at)}`
    expect(await codesOf(lines.toSpliced(at, 1), anchor), name).not.toEqual([])
    expect(await codesOf(lines.toSpliced(at, 0, lines[at] ?? '')), name).not.toEqual([])
  }
  const moved = lines.toSpliced(-2, 2, lines.at(-1) ?? '', lines.at(-2) ?? '')
  expect(await codesOf(moved)).not.toEqual([])
})

test.each([
  '',
  'null',
  '[]',
  '{}',
  '{"type":"record"}',
  '{"type":"checkpoint","heads":[null]}',
  '{',
  '"x"',
])('a line that holds %j is named, not trusted', async (line) => {
  const codes = await codesOf([...(await exported()), line])
  expect(codes).toEqual(line === '' ? [] : ['line-unreadable'])
})

test('another time next to the signed one is found', async () => {
  const lines = (await exported()).map((line) => line.replace(/"time":"20/, '"time":"19'))
  expect(await codesOf(lines)).toContain('line-unreadable')
})

test('decrypted values that do not match what was sealed are found with the key, and named without', async () => {
  const lines = (await exported(true)).map((line) =>
    line.replace('"text":"select 1"', '"text":"select 2"'),
  )
  expect(new Set(await codesOf(lines))).toEqual(new Set(['opened-altered']))
  const report = await verifyExport(lines, { keys })
  expect(report.caveats.at(-1)).toContain('needs the encryption key')
  const wrongKey = await verifyExport(lines, { keys }, new KeyRing(randomBytes(32)))
  expect(wrongKey.ok).toBe(false)
})

test('an exported copy verifies with other key orders, mixed chains and other escapes', async () => {
  const lines = await exported(true)
  const reordered = lines.map((line) => {
    const entry = JSON.parse(line) as Record<string, unknown>
    const sorted = Object.fromEntries(
      Object.entries(entry).toSorted(([a], [b]) => (a < b ? 1 : -1)),
    )
    return JSON.stringify(sorted, undefined, 1).replaceAll('\n', ' ')
  })
  const isCheckpoint = (line: string) => line.includes('"type": "checkpoint"')
  const records = reordered.filter((line) => !isCheckpoint(line))
  const chain = (name: string) => records.filter((line) => line.includes(`"chain": "${name}"`))
  const mixed = chain('gwy_a').flatMap((line, at) => [line, chain('gwy_b')[at] ?? ''])
  expect(await codesOf([...reordered.filter(isCheckpoint), ...mixed])).toEqual([])
})

test('what is exported encrypted shows no sensitive value, and verifies just the same', async () => {
  const lines = await exported()
  expect(lines.join('')).not.toContain('select 1')
  expect((await exported(true)).join('')).toContain('select 1')
  expect(await codesOf(lines)).toEqual([])
})

test('a key that was rotated verifies with both public keys, and not with the new one alone', async () => {
  const store = await writtenLog()
  const rotated = new CheckpointSigner(newSigningKey())
  const log = await openLog(store, 'gwy_c')
  await log.close()
  const last = store.signed.at(-1)
  if (last !== undefined) store.signed[store.signed.length - 1] = rotated.sign(last)
  const both = new Map([...keys, ...verifyingKeys([rotated.publicKey])])
  expect((await verifyLog(store, { keys: both })).ok).toBe(true)
  expect((await verifyLog(store, { keys: verifyingKeys([rotated.publicKey]) })).ok).toBe(false)
})

test.each(['', 'x', 'warder-anchor-v1:0:' + 'a'.repeat(64), 'warder-anchor-v1:1:zz'])(
  '%j is no anchor',
  (text) => {
    expect(() => parseAnchor(text)).toThrow('warder-anchor-v1:NUMBER:HASH')
  },
)

test('an anchor survives being written down', async () => {
  const { anchor } = await verifyLog(await writtenLog(), { keys })
  if (anchor === undefined) throw new Error('no anchor')
  expect(parseAnchor(` ${formatAnchor(anchor)}\n`)).toEqual(anchor)
})

test.each(['', 'not a key', newSigningKey().replace('PRIVATE', 'PUBLIC')])(
  'what is no Ed25519 key is refused without being quoted',
  (pem) => {
    expect(() => new CheckpointSigner(pem)).toThrow('it is not an Ed25519 key in PEM form')
    expect(() => verifyingKeys([pem])).toThrow('it is not an Ed25519 key in PEM form')
  },
)
