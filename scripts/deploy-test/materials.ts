// What stand-in images are made of and takes long to get: a Debian base system, Temporal's server built
// from its source, and a Node. Made once, and kept in the cache by version.

import { createHash } from 'node:crypto'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporalBinary } from '../../app/embedded/temporal-binary.js'
import { run, works } from './command.js'
import type { Timed } from './progress.js'

const DEBIAN = 'bookworm'
const TEMPORAL = '1.32.0'
const NODE = '24.21.0'
const NPM = '11.21.2'
/** Where this machine's certificates of authorities are, its own among them. */
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt'
/** What no container needs of a base system. */
const LEFT_OUT = ['var/cache/apt/archives', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/man']

/** Gets materials, from the cache or for the first time. */
export class Materials {
  readonly #cache: string
  readonly #timed: Timed
  readonly #signal: AbortSignal

  /** An abort of the signal ends what is being made; nothing half is kept. */
  constructor(cacheDirectory: string, timed: Timed, signal: AbortSignal) {
    this.#cache = join(cacheDirectory, 'deploy-test')
    this.#timed = timed
    this.#signal = signal
    mkdirSync(this.#cache, { recursive: true, mode: 0o700 })
  }

  /** A tar file of a minimal Debian that trusts whom this machine trusts. */
  baseSystem(): Promise<string> {
    const trust = createHash('sha256').update(readFileSync(AUTHORITIES)).digest('hex').slice(0, 12)
    return this.#made(
      `debian-${DEBIAN}-${trust}.tar`,
      'Making a Debian base system',
      async (to) => {
        const root = `${to}.root`
        try {
          await run(
            'debootstrap',
            ['--variant=minbase', '--include=ca-certificates', DEBIAN, root],
            {
              signal: this.#signal,
            },
          )
          cpSync(AUTHORITIES, join(root, AUTHORITIES), { dereference: true })
          const excluded = LEFT_OUT.map((path) => `--exclude=./${path}/*`)
          await run('tar', ['-C', root, ...excluded, '-cf', to, '.'])
        } finally {
          rmSync(root, { recursive: true, force: true })
        }
      },
    )
  }

  /** A directory with `temporal-server`, `temporal-sql-tool`, `schema/` and `entrypoint.sh` of one version. */
  temporalServer(): Promise<string> {
    const what = `Building Temporal ${TEMPORAL} from source (some ten minutes, once)`
    return this.#made(`temporal-server-${TEMPORAL}`, what, async (to) => {
      const source = `go.temporal.io/server@v${TEMPORAL}`
      const programs = ['server', 'tools/sql'].map(
        (path) => `go.temporal.io/server/cmd/${path}@v${TEMPORAL}`,
      )
      await run('go', ['install', '-trimpath', '-ldflags=-s -w', ...programs], {
        variables: { GOBIN: to, GOFLAGS: '', CGO_ENABLED: '0', GOTOOLCHAIN: 'local' },
        signal: this.#signal,
      })
      renameSync(join(to, 'server'), join(to, 'temporal-server'))
      renameSync(join(to, 'sql'), join(to, 'temporal-sql-tool'))
      const module = join(await run('go', ['env', 'GOMODCACHE']), source)
      cpSync(join(module, 'schema'), join(to, 'schema'), { recursive: true })
      cpSync(join(module, 'docker/scripts/sh/entrypoint.sh'), join(to, 'entrypoint.sh'))
      // The module cache is read-only, and so is what is copied from it.
      await run('chmod', ['-R', 'u+w', to])
    })
  }

  /** Path of Temporal's command line. */
  temporalCli(cacheDirectory: string): Promise<string> {
    const places = { searchPath: process.env['PATH'] ?? '', cacheDirectory }
    return this.#timed('Looking for Temporal’s command line', () =>
      temporalBinary(places, () => undefined),
    )
  }

  /** A directory with `node` and `npm/`, and `npmrc` with this machine's registry. */
  node(): Promise<string> {
    return this.#made(`node-${NODE}-npm-${NPM}`, `Fetching Node ${NODE}`, async (to) => {
      const wanted = `node-linux-${process.arch}`
      const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
      const packages = [`${wanted}@${NODE}`, `npm@${NPM}`]
      const aside = join(to, 'aside')
      await run('npm', ['install', '--prefix', aside, ...flags, ...packages], {
        signal: this.#signal,
      })
      renameSync(join(aside, 'node_modules', wanted, 'bin/node'), join(to, 'node'))
      renameSync(join(aside, 'node_modules/npm'), join(to, 'npm'))
      rmSync(aside, { recursive: true })
      chmodSync(join(to, 'node'), 0o755)
    })
  }

  /** The cached thing, whole: made aside first, so that a broken-off start leaves nothing by its name. */
  async #made(name: string, what: string, make: (to: string) => Promise<void>): Promise<string> {
    const path = join(this.#cache, name)
    if (existsSync(path)) return path
    const aside = mkdtempSync(`${path}.`)
    try {
      const to = join(aside, 'made')
      if (!name.endsWith('.tar')) mkdirSync(to)
      await this.#timed(what, () => make(to))
      renameSync(to, path)
      return path
    } finally {
      if (!(await works('rm', ['-rf', aside]))) rmSync(aside, { recursive: true, force: true })
    }
  }
}

/** npm's settings of this machine that say where packages come from; no credentials. */
export async function npmSettings(): Promise<string> {
  const registry = await run('npm', ['config', 'get', 'registry'])
  return `registry=${registry.split('\n').at(-1) ?? ''}\ncafile=${AUTHORITIES}\n`
}

/** Versions that end up in images, for their tags. */
export const VERSIONS = { DEBIAN, TEMPORAL, NODE, NPM } as const
