// Rules about who imports whom.

import { posix } from 'node:path'
import { isProduction, type Finding, type Import, type Source } from './tree.js'

const CORE_AND_POLICY = ['core', 'policy']

/** Which folders a folder may import, besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  contract: [],
  policy: ['core'],
  workflows: ['core'],
  activities: [...CORE_AND_POLICY, 'workflows'],
  identity: CORE_AND_POLICY,
  proxy: CORE_AND_POLICY,
  bots: CORE_AND_POLICY,
  audit: CORE_AND_POLICY,
  store: CORE_AND_POLICY,
  web: [...CORE_AND_POLICY, 'contract'],
  cli: [...CORE_AND_POLICY, 'contract'],
}

/** Arrows that point the wrong way between folders of this repository. */
export const wrongArrows = (sources: readonly Source[]): Finding[] =>
  sources.filter(isProduction).flatMap((source) =>
    source.imports.flatMap((one) => {
      const what = wrongArrow(source, one)
      return what === undefined ? [] : [{ path: source.path, line: one.line, what }]
    }),
  )

function wrongArrow({ path, folder }: Source, { target, isTypeOnly }: Import): string | undefined {
  if (target === undefined) return undefined
  const to = target.split('/')[0] ?? ''
  if (to === folder) return protocolCrossing(path, target)
  const allowed = MAY_IMPORT[folder]
  // app wires everything that runs in production, and nothing else.
  if (allowed === undefined)
    return to in MAY_IMPORT ? undefined : `${folder} must not import ${target}`
  if (!allowed.includes(to)) {
    const may = allowed.length === 0 ? 'nothing' : `only ${allowed.join(', ')}`
    return `${folder} must not import ${target}: it may import ${may}`
  }
  return folder === 'activities' && to === 'workflows' && !isTypeOnly
    ? 'activities may import types of workflows only: write `import type`'
    : undefined
}

/** A protocol knows nothing of the others; what they share stands in proxy/ itself. */
function protocolCrossing(path: string, target: string): string | undefined {
  const protocolOf = (file: string) => /^proxy\/([^/]+)\//.exec(file)?.[1]
  const [from, to] = [protocolOf(path), protocolOf(target)]
  return from !== undefined && to !== undefined && from !== to
    ? `proxy/${from} must not import proxy/${to}`
    : undefined
}

/** Packages that a folder must not touch: Temporal's outside its adapters, any in core. */
export const wrongPackages = (sources: readonly Source[]): Finding[] =>
  sources.filter(isProduction).flatMap((source) =>
    source.imports.flatMap((one) => {
      const what = one.target === undefined ? wrongPackage(source.folder, one.specifier) : undefined
      return what === undefined ? [] : [{ path: source.path, line: one.line, what }]
    }),
  )

const WORKFLOW_PACKAGES = ['@temporalio/workflow', '@temporalio/common']

function wrongPackage(folder: string, specifier: string): string | undefined {
  if (folder === 'core') return `core imports nothing, not even ${specifier}`
  if (folder === 'policy' && specifier.startsWith('node:'))
    return `policy is pure: ${specifier} belongs behind a port`
  if (folder === 'workflows')
    return WORKFLOW_PACKAGES.includes(specifier)
      ? undefined
      : `workflows may import only ${WORKFLOW_PACKAGES.join(' and ')}, not ${specifier}`
  return specifier.startsWith('@temporalio/') && folder !== 'app' && folder !== 'activities'
    ? `only app and activities import ${specifier}; reach it through a port in core/`
    : undefined
}

/** Cycles among files, type imports included; one finding per cycle, at its first file. */
export function cycles(sources: readonly Source[]): Finding[] {
  const graph = new Map(
    sources.map((source) => [
      source.path,
      source.imports.flatMap(({ target }) => (target === undefined ? [] : [target])),
    ]),
  )
  const findings: Finding[] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path)
    if (at >= 0) {
      const round = [...trail.slice(at), path]
      findings.push({ path, line: 1, what: `imports itself: ${round.join(' → ')}` })
      return
    }
    if (done.has(path)) return
    for (const next of graph.get(path) ?? []) if (graph.has(next)) visit(next, [...trail, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  return findings
}

/**
 * What starts by itself: programs, the workflows' bundle with its failure converter, worker threads,
 * scripts and tests.
 */
const ENTRY =
  /^(?:(?:test|scripts|bench)\/|app\/main\.ts$|workflows\/(?:index|failure-converter)\.ts$|web\/ui\/main\.ts$)|-worker\.ts$/

/** Production files that nothing reaches. `programs` are entries that package.json names. */
export function unreachable(sources: readonly Source[], programs: readonly string[]): Finding[] {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const reached = new Set<string>()
  const pending = [...byPath.keys()].filter((path) => ENTRY.test(path) || programs.includes(path))
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (reached.has(path)) continue
    reached.add(path)
    for (const { target } of byPath.get(path)?.imports ?? [])
      if (target !== undefined && byPath.has(target)) pending.push(target)
  }
  return sources
    .filter(({ path }) => !reached.has(path) && !path.endsWith('.d.ts'))
    .filter(isProduction)
    .map(({ path }) => ({ path, line: 1, what: `nothing imports ${posix.basename(path)}` }))
}
