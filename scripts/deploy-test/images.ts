// Stand-ins for the official base images, for machines that reach package registries but no image
// registry. Each is tagged with a hash of what it is made of, and made only when that tag is not there.
// They have names of their own: a machine's real images stay as they are.

import { createHash } from 'node:crypto'
import {
  cpSync,
  linkSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run, works } from './command.js'
import { npmSettings, VERSIONS, type Materials } from './materials.js'
import type { Timed } from './progress.js'

/** Variable of docker-compose.yml → image. */
export type ImageNames = Readonly<Record<string, string>>

/** What images are made with. */
export interface ImageParts {
  readonly materials: Materials
  readonly cacheDirectory: string
  /** `test/deploy/images` of the repository. */
  readonly definitions: string
  readonly timed: Timed
  readonly signal: AbortSignal
}

/** Makes what is not there yet. */
export async function standInImages(parts: ImageParts): Promise<ImageNames> {
  const base = await baseImage(parts)
  const services = await build(parts, 'services', base, {})
  const { materials, cacheDirectory } = parts
  const npmrc = await npmSettings()
  const node = await build(parts, 'node', base, { npmrc }, async (context) => {
    copy(await materials.node(), context)
    writeFileSync(join(context, 'npmrc'), npmrc)
  })
  const server = await build(parts, 'temporal-server', services, VERSIONS, async (context) => {
    const from = await materials.temporalServer()
    for (const name of ['temporal-server', 'entrypoint.sh'])
      copy(join(from, name), join(context, name))
  })
  const tools = await build(parts, 'temporal-admin-tools', services, VERSIONS, async (context) => {
    const from = await materials.temporalServer()
    for (const name of ['temporal-sql-tool', 'schema']) copy(join(from, name), join(context, name))
    copy(await materials.temporalCli(cacheDirectory), join(context, 'temporal'))
  })
  return {
    NODE_IMAGE: node,
    POSTGRES_IMAGE: await build(parts, 'postgres', services, {}),
    REDIS_IMAGE: await build(parts, 'redis', services, {}),
    HAPROXY_IMAGE: await build(parts, 'haproxy', services, {}),
    TEMPORAL_SERVER_IMAGE: server,
    TEMPORAL_ADMIN_TOOLS_IMAGE: tools,
  }
}

async function baseImage({ materials, timed }: ImageParts): Promise<string> {
  const tar = await materials.baseSystem()
  const tag = `warder-test/debian:${/-([0-9a-f]{12})\.tar$/.exec(tar)?.[1] ?? 'latest'}`
  if (!(await works('docker', ['image', 'inspect', tag]))) {
    await timed('Importing the base system', () => run('docker', ['import', tar, tag]))
  }
  return tag
}

/** Builds one definition on a base; `fill` adds what is not in the repository. */
async function build(
  { definitions, timed, signal }: ImageParts,
  name: string,
  base: string,
  salt: object,
  fill: (context: string) => Promise<void> = () => Promise.resolve(),
): Promise<string> {
  const definition = join(definitions, name)
  const hash = createHash('sha256').update(JSON.stringify([base, salt]))
  for (const file of readdirSync(definition).sort()) {
    hash.update(`${file}\0`).update(readFileSync(join(definition, file)))
  }
  const tag = `warder-test/${name}:${hash.digest('hex').slice(0, 12)}`
  if (await works('docker', ['image', 'inspect', tag])) return tag
  const context = mkdtempSync(join(tmpdir(), 'warder-image-'))
  try {
    await fill(context)
    cpSync(definition, context, { recursive: true })
    await timed(`Building the stand-in image ${name}`, () =>
      run('docker', ['build', '--quiet', '--tag', tag, '--build-arg', `BASE=${base}`, context], {
        signal,
      }),
    )
  } finally {
    rmSync(context, { recursive: true, force: true })
  }
  return tag
}

function copy(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch {
    // A directory, or another file system.
    cpSync(from, to, { recursive: true })
  }
}
