// The Temporal servers and the workflow bundle of the tests in this folder. The binaries' paths
// come from the test set-up; the bundle is made once for each state of the sources.
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TestWorkflowEnvironment } from '@temporalio/testing'
import { DefaultLogger, Runtime } from '@temporalio/worker'
import { createDataConverter, fixedPayloadKeys } from '../../app/payload-codec.js'
import { bundleWorkflows } from '../../app/workflow-bundle.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const cache = join(root, 'node_modules', '.cache', 'warder')

/** Key that the recorded histories are encrypted with; it protects nothing. */
export const testKey = { id: 'test', key: new Uint8Array(32).fill(7) } as const

/** The converter of client, worker and replay in tests. */
export function testDataConverter() {
  return createDataConverter(fixedPayloadKeys([testKey]), failureConverterPath())
}

/** A Temporal dev server on a port of its own; `extraArguments` go to its command line. */
export function startDevServer(
  options: { dbFilename?: string; extraArguments?: readonly string[] } = {},
): Promise<TestWorkflowEnvironment> {
  quietTemporal()
  return TestWorkflowEnvironment.createLocal({
    client: { dataConverter: testDataConverter() },
    server: {
      executable: { type: 'existing-path', path: serverBinary() },
      log: { format: 'pretty', level: 'error' },
      ...(options.dbFilename !== undefined && { dbFilename: options.dbFilename }),
      extraArgs: [
        ...(options.dbFilename === undefined
          ? []
          : ['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL']),
        ...(options.extraArguments ?? []),
      ],
    },
  })
}

/** A server that runs already. */
export function connectToServer(address: string): Promise<TestWorkflowEnvironment> {
  quietTemporal()
  return TestWorkflowEnvironment.createFromExistingServer({
    address,
    namespace: 'default',
    client: { dataConverter: testDataConverter() },
  })
}

/** A server whose time jumps to the next timer whenever nothing else happens. */
export function startTimeSkippingServer(): Promise<TestWorkflowEnvironment> {
  quietTemporal()
  return TestWorkflowEnvironment.createTimeSkipping({
    client: { dataConverter: testDataConverter() },
    server: {
      executable: { type: 'existing-path', path: binary('WARDER_TEST_TIME_SKIPPING') },
    },
  })
}

/** File with the bundle of the workflows as they are now. */
export async function bundlePath(): Promise<string> {
  const path = join(cache, `workflows-${digestOfSources()}.js`)
  if (existsSync(path)) return path
  const code = await bundleWorkflows({
    workflowsPath: join(root, 'workflows', 'index.ts'),
    failureConverterPath: join(root, 'workflows', 'failure-converter.ts'),
  })
  write(path, code)
  return path
}

let isQuiet = false

/** Keeps the SDK silent unless something fails. */
export function quietTemporal(): void {
  if (isQuiet) return
  isQuiet = true
  Runtime.install({ logger: new DefaultLogger('ERROR') })
}

/** The Temporal binary that this test run was given. */
export const serverBinary = (): string => binary('WARDER_TEST_TEMPORAL')

function binary(name: string): string {
  const path = process.env[name]
  if (path === undefined) throw new Error(`${name} must name the server's binary`)
  return path
}

/** The client loads its failure converter with Node itself, which does not read TypeScript. */
function failureConverterPath(): string {
  const source = readFileSync(join(root, 'workflows', 'failure-converter.ts'), 'utf8')
  const digest = createHash('sha256').update(source).digest('hex').slice(0, 16)
  const path = join(cache, `failure-converter-${digest}.mjs`)
  if (!existsSync(path)) write(path, source)
  return path
}

function digestOfSources(): string {
  const hash = createHash('sha256')
  for (const folder of ['core', 'workflows']) {
    const files = readdirSync(join(root, folder)).filter((name) => name.endsWith('.ts'))
    for (const file of files.sort()) hash.update(readFileSync(join(root, folder, file)))
  }
  return hash.digest('hex').slice(0, 16)
}

function write(path: string, text: string): void {
  mkdirSync(cache, { recursive: true })
  const unfinished = `${path}.${process.pid}`
  writeFileSync(unfinished, text)
  renameSync(unfinished, path)
}
