// The repository as the tidy rules see it: every source file parsed once, with what it imports.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { posix } from 'node:path'
import ts from 'typescript'

/** Folders that hold what runs in production. */
export const PRODUCTION = [
  ...(['core', 'contract', 'policy', 'workflows', 'identity', 'activities', 'proxy'] as const),
  ...(['bots', 'audit', 'store', 'web', 'cli', 'app'] as const),
]

/** Folders whose TypeScript is looked at. */
const LOOKED_AT = new Set<string>([...PRODUCTION, 'scripts', 'bench', 'test'])

/** One import, export-from, `import()` or `new URL('…-worker.js', import.meta.url)`. */
export interface Import {
  readonly specifier: string
  /** Path of the imported file within the repository; undefined for packages. */
  readonly target: string | undefined
  readonly isTypeOnly: boolean
  readonly line: number
}

/** A parsed source file. */
export interface Source {
  /** Path within the repository, with slashes. */
  readonly path: string
  /** First folder of the path; empty for files at the top. */
  readonly folder: string
  readonly syntax: ts.SourceFile
  readonly lineCount: number
  readonly imports: readonly Import[]
}

/** A breach of a rule. */
export interface Finding {
  readonly path: string
  readonly line: number
  readonly what: string
}

/** True for files of the folders that run in production. */
export const isProduction = ({ folder }: Source): boolean =>
  (PRODUCTION as readonly string[]).includes(folder)

/** Tracked and new files that are not ignored. */
export function listFiles(root: string): string[] {
  const git = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (git.status !== 0) throw new Error(`git can't list the files: ${git.stderr}`)
  return [...new Set(git.stdout.split('\0'))].filter((path) => {
    const file = posix.join(root, path)
    return path !== '' && existsSync(file) && statSync(file).isFile()
  })
}

/** Parses the TypeScript among these files. */
export const readSources = (root: string, paths: readonly string[]): Source[] =>
  paths
    .filter((path) => path.endsWith('.ts') && LOOKED_AT.has(path.split('/')[0] ?? ''))
    .map((path) => parseSource(path, readFileSync(posix.join(root, path), 'utf8')))

/** Parses one file from its text. */
export function parseSource(path: string, text: string): Source {
  const syntax = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true)
  return {
    path,
    folder: path.includes('/') ? (path.split('/')[0] ?? '') : '',
    syntax,
    lineCount: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
    imports: importsOf(path, syntax),
  }
}

/** Line of a node, from 1. */
export const lineOf = (syntax: ts.SourceFile, node: ts.Node): number =>
  syntax.getLineAndCharacterOfPosition(node.getStart(syntax)).line + 1

/** Calls `see` for every node of the file, in order. */
export function walk(syntax: ts.SourceFile, see: (node: ts.Node) => void): void {
  const visit = (node: ts.Node): void => {
    see(node)
    ts.forEachChild(node, visit)
  }
  visit(syntax)
}

function importsOf(path: string, syntax: ts.SourceFile): Import[] {
  const imports: Import[] = []
  walk(syntax, (node) => {
    const found = specifierOf(node)
    if (found === undefined) return
    const { specifier, isTypeOnly } = found
    const target = specifier.startsWith('.')
      ? posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts')
      : undefined
    imports.push({ specifier, target, isTypeOnly, line: lineOf(syntax, node) })
  })
  return imports
}

function specifierOf(node: ts.Node): { specifier: string; isTypeOnly: boolean } | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier))
    return { specifier: node.moduleSpecifier.text, isTypeOnly: isTypeOnlyImport(node) }
  if (
    ts.isExportDeclaration(node) &&
    node.moduleSpecifier !== undefined &&
    ts.isStringLiteral(node.moduleSpecifier)
  )
    return { specifier: node.moduleSpecifier.text, isTypeOnly: node.isTypeOnly }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    const { literal } = node.argument
    return ts.isStringLiteral(literal) ? { specifier: literal.text, isTypeOnly: true } : undefined
  }
  const [first] =
    ts.isCallExpression(node) || ts.isNewExpression(node) ? (node.arguments ?? []) : []
  if (first === undefined || !ts.isStringLiteral(first)) return undefined
  return isDynamicImport(node) || (isFileUrl(node) && first.text.endsWith('-worker.js'))
    ? { specifier: first.text, isTypeOnly: false }
    : undefined
}

const isDynamicImport = (node: ts.Node): boolean =>
  ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword

/** `new URL('./parser-worker.js', import.meta.url)`: how a worker thread is named; other URLs are data. */
const isFileUrl = (node: ts.Node): boolean =>
  ts.isNewExpression(node) && node.getText().replace(/\s/g, '').endsWith(',import.meta.url)')

function isTypeOnlyImport({ importClause }: ts.ImportDeclaration): boolean {
  if (importClause === undefined) return false
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const { name, namedBindings } = importClause
  return (
    name === undefined &&
    namedBindings !== undefined &&
    ts.isNamedImports(namedBindings) &&
    namedBindings.elements.length > 0 &&
    namedBindings.elements.every((element) => element.isTypeOnly)
  )
}
