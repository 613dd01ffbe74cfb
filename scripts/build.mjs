// Builds dist/: types and code by the compiler, what the compiler does not carry (SQL, JSON, YAML),
// and the workflows' bundle when anything it is made of has changed. Removes what has no source.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const ASSETS = /\.(?:json|sql|ya?ml|html|css)$/
const NOT_SOURCE = new Set(['node_modules', 'dist', 'docs', 'test', 'deploy'])
const PROJECTS = ['tsconfig.pure.json', 'tsconfig.node.json', 'tsconfig.scripts.json']

process.chdir(root)
removeOrphans()
node('node_modules/typescript/bin/tsc', '-b', ...PROJECTS)
copyAssets()
bundleWorkflows()

function node(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

/** A file that was renamed would otherwise live on in dist/ under its old name, and be imported. */
function removeOrphans() {
  if (!existsSync(dist)) return
  for (const file of files(dist)) {
    const source = /^(.*)\.(?:js|js\.map|d\.ts)$/.exec(file)?.[1]
    if (source === undefined || file.startsWith('.') || file.includes('bundle')) continue
    if (existsSync(join(root, `${source}.ts`))) continue
    rmSync(join(dist, file))
    // The compiler believes its notes about what it wrote.
    for (const name of readdirSync(dist)) {
      if (name.endsWith('.tsbuildinfo')) rmSync(join(dist, name))
    }
  }
}

function copyAssets() {
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name.startsWith('.') || NOT_SOURCE.has(entry.name)) continue
    for (const file of files(join(root, entry.name))) {
      if (!ASSETS.test(file)) continue
      const to = join(dist, entry.name, file)
      mkdirSync(dirname(to), { recursive: true })
      cpSync(join(root, entry.name, file), to)
    }
  }
}

function bundleWorkflows() {
  const script = join(root, 'scripts/bundle-workflows.mjs')
  if (!existsSync(script)) return
  const hash = createHash('sha256')
  for (const file of [script, join(root, 'package-lock.json')]) hash.update(readFileSync(file))
  for (const folder of ['core', 'policy', 'workflows']) {
    const compiled = existsSync(join(dist, folder)) ? files(join(dist, folder)) : []
    for (const file of compiled.filter(
      (name) => name.endsWith('.js') && !name.includes('bundle'),
    )) {
      hash.update(`${folder}/${file}\0`).update(readFileSync(join(dist, folder, file)))
    }
  }
  const digest = hash.digest('hex')
  const stamp = join(dist, '.workflows.sha256')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  rmSync(stamp, { force: true })
  node(script)
  writeFileSync(stamp, digest)
}

function files(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort()
}
