// Worker threads of Node 20 can't load TypeScript: this strips the types of the worker file and of
// what it imports into the cache folder, inside the project so that packages are found.

import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../../../../../', import.meta.url))

/** URL of the parser worker as plain JavaScript, made from the sources as they are now. */
export function compiledWorkerUrl(): URL {
  const sources = ['core', 'proxy/postgres/sql'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.ts'))
      .map((name) => ({
        path: join(folder, name),
        text: readFileSync(join(root, folder, name), 'utf8'),
      })),
  )
  const digest = createHash('sha256').update(JSON.stringify(sources)).digest('hex').slice(0, 16)
  const out = join(root, '.cache', `parser-worker-${digest}`)
  if (!existsSync(out)) compile(sources, out)
  return pathToFileURL(join(out, 'proxy/postgres/sql/parser-worker.js'))
}

/** Compiles aside and moves into place, since test files run side by side. */
function compile(sources: readonly { path: string; text: string }[], out: string): void {
  const aside = `${out}.${process.pid}`
  for (const { path, text } of sources) {
    const { outputText } = ts.transpileModule(text, {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
    })
    const file = join(aside, path.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, outputText)
  }
  try {
    renameSync(aside, out)
  } catch (error) {
    // Another test file was faster: its output is the same.
    if (!existsSync(out)) throw error
    rmSync(aside, { recursive: true, force: true })
  }
}
