// Rules about words: what may not be written, and where.

import ts from 'typescript'
import { isProduction, lineOf, walk, type Finding, type Source } from './tree.js'

/** Words that say nothing about what a thing is for. */
const EMPTY_WORDS = new Set(['util', 'utils', 'helper', 'helpers', 'manager', 'managers'])

/** Words that the glossary has another word for. */
const NOT_OUR_WORDS: Readonly<Record<string, string>> = {
  user: 'principal',
  account: 'principal',
  client: 'principal or caller',
  backend: 'resource or target',
  upstream: 'target',
  permission: 'grant or role',
  lease: 'grant',
  tunnel: 'session or connection',
  acl: 'rule or policy',
  manager: 'the thing itself',
}

/** `PolicyVersion`, `policy-version` and `POLICY_VERSION` → policy, version. */
export const wordsOf = (name: string): string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')

const finding = ({ path, syntax }: Source, node: ts.Node, what: string): Finding => ({
  path,
  line: lineOf(syntax, node),
  what,
})

const search = (
  sources: readonly Source[],
  what: (node: ts.Node, source: Source) => string | undefined,
): Finding[] =>
  sources.flatMap((source) => {
    const findings: Finding[] = []
    walk(source.syntax, (node) => {
      const found = what(node, source)
      if (found !== undefined) findings.push(finding(source, node, found))
    })
    return findings
  })

/** Empty words in paths, and in the names that a file declares. */
export function emptyWords(sources: readonly Source[], paths: readonly string[]): Finding[] {
  const inPaths = paths.flatMap((path) => {
    const word = wordsOf(path).find((one) => EMPTY_WORDS.has(one))
    return word === undefined ? [] : [{ path, line: 1, what: `${word} in its path` }]
  })
  const inNames = search(sources, (node) => {
    if (!ts.isIdentifier(node) || !isDeclared(node)) return undefined
    const word = wordsOf(node.text).find((one) => EMPTY_WORDS.has(one))
    return word === undefined ? undefined : `${word} in ${node.text}`
  })
  return [...inPaths, ...inNames]
}

/** What others named is not ours to rename. */
const isDeclared = (node: ts.Identifier): boolean =>
  'name' in node.parent && node.parent.name === node && !ts.isPropertyAccessExpression(node.parent)

/** Notes of unfinished work, in code, comments and text alike. */
export const unfinished = (sources: readonly Source[]): Finding[] =>
  sources.flatMap(({ path, syntax }) =>
    syntax.text.split('\n').flatMap((line, at) => {
      const word = /\b(?:TODO|FIXME|XXX)\b/.exec(line)?.[0]
      return word === undefined ? [] : [{ path, line: at + 1, what: word }]
    }),
  )

/** Assertions that switch the compiler off, or forge a permit. */
export const forgedTypes = (sources: readonly Source[]): Finding[] =>
  search(sources, (node) => {
    if (!ts.isAsExpression(node) && !ts.isTypeAssertionExpression(node)) return undefined
    if (node.type.kind === ts.SyntaxKind.AnyKeyword) return 'as any'
    return ts.isTypeReferenceNode(node.type) && node.type.typeName.getText() === 'Permit'
      ? 'as Permit'
      : undefined
  })

/** `console` in production, whose output is an injected stream. */
export const consoleUses = (sources: readonly Source[]): Finding[] =>
  search(sources.filter(isProduction), (node) =>
    ts.isPropertyAccessExpression(node) && isNamed(node.expression, 'console')
      ? node.getText()
      : undefined,
  )

/** The wall clock read elsewhere than in `clockFiles`, which implement the Clock port. */
export const clockUses = (sources: readonly Source[], clockFiles: readonly string[]): Finding[] =>
  search(
    sources.filter((source) => isProduction(source) && !clockFiles.includes(source.path)),
    (node) => {
      if (ts.isPropertyAccessExpression(node) && node.name.text === 'now')
        return isNamed(node.expression, 'Date') ? 'Date.now' : undefined
      return ts.isNewExpression(node) &&
        isNamed(node.expression, 'Date') &&
        (node.arguments ?? []).length === 0
        ? 'new Date()'
        : undefined
    },
  )

/** The environment read elsewhere than in app/. */
export const environmentUses = (sources: readonly Source[]): Finding[] =>
  search(
    sources.filter((source) => isProduction(source) && source.folder !== 'app'),
    (node) =>
      ts.isPropertyAccessExpression(node) &&
      node.name.text === 'env' &&
      isNamed(node.expression, 'process')
        ? 'process.env'
        : undefined,
  )

const isNamed = (node: ts.Node, name: string): boolean =>
  ts.isIdentifier(node) && node.text === name

/** Exported names of the inner folders that say one thing with another word. */
export const foreignWords = (sources: readonly Source[]): Finding[] =>
  exportsOf(
    sources.filter(({ folder }) => ['core', 'policy', 'workflows'].includes(folder)),
  ).flatMap(({ source, node, name }) => {
    const word = wordsOf(name).find((one) => Object.hasOwn(NOT_OUR_WORDS, one))
    return word === undefined
      ? []
      : [finding(source, node, `${name}: the word is ${NOT_OUR_WORDS[word] ?? ''}, not ${word}`)]
  })

/** Exports of production that say nothing about what they are for. */
export const undocumented = (sources: readonly Source[]): Finding[] =>
  exportsOf(sources.filter(isProduction)).flatMap(({ source, node, name, isOverload }) =>
    isOverload || ts.getJSDocCommentsAndTags(node).length > 0
      ? []
      : [finding(source, node, `${name} has no docstring`)],
  )

interface Exported {
  readonly source: Source
  readonly node: ts.Node
  readonly name: string
  /** A further signature of a function whose first one is documented. */
  readonly isOverload: boolean
}

function exportsOf(sources: readonly Source[]): Exported[] {
  return sources.flatMap((source) => {
    const seen = new Set<string>()
    return source.syntax.statements.flatMap((node) =>
      declaredBy(node).map((name) => {
        const isOverload = ts.isFunctionDeclaration(node) && seen.has(name)
        seen.add(name)
        return { source, node, name, isOverload }
      }),
    )
  })
}

/** Names that an exported statement declares; none for re-exports, which stand elsewhere. */
function declaredBy(node: ts.Statement): string[] {
  const isExported =
    ts.canHaveModifiers(node) &&
    ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true
  if (!isExported) return ts.isExportAssignment(node) ? ['default'] : []
  if (ts.isVariableStatement(node))
    return node.declarationList.declarations.map((one) => one.name.getText())
  return [ts.getNameOfDeclaration(node as unknown as ts.Declaration)?.getText() ?? 'default']
}

/** Text literals of these files. */
export function literalsOf(sources: readonly Source[]): ReadonlySet<string> {
  const literals = new Set<string>()
  for (const { syntax } of sources)
    walk(syntax, (node) => {
      if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node))
        literals.add(node.text)
    })
  return literals
}
