// Rules about how long files and functions are.

import ts from 'typescript'
import { lineOf, walk, type Finding, type Source } from './tree.js'

/** Longest file, and what nine of ten stay below, in lines. */
export const FILE_LINES = { max: 500, p90Max: 300 }
/** Longest function body, and what nine of ten stay below, in lines. */
export const FUNCTION_LINES = { max: 70, p90Max: 35 }

/** A function with the length of its body. */
export interface Measured {
  readonly path: string
  readonly line: number
  readonly name: string
  readonly lineCount: number
}

/** Files beyond the limit. */
export const longFiles = (sources: readonly Source[]): Finding[] =>
  sources
    .filter(({ lineCount }) => lineCount > FILE_LINES.max)
    .map(({ path, lineCount }) => ({ path, line: 1, what: `${lineCount} lines` }))

/** Functions beyond the limit. */
export const longFunctions = (sources: readonly Source[]): Finding[] =>
  measureFunctions(sources)
    .filter(({ lineCount }) => lineCount > FUNCTION_LINES.max)
    .map(({ path, line, name, lineCount }) => ({ path, line, what: `${name}: ${lineCount} lines` }))

/** Every function, method and accessor; the braces around a body do not count. */
export function measureFunctions(sources: readonly Source[]): Measured[] {
  return sources.flatMap(({ path, syntax }) => {
    const measured: Measured[] = []
    walk(syntax, (node) => {
      if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return
      const body = node.body as ts.Node
      const first = lineOf(syntax, body)
      const last = syntax.getLineAndCharacterOfPosition(body.end).line + 1
      const lineCount = ts.isBlock(body) ? Math.max(1, last - first - 1) : last - first + 1
      measured.push({ path, line: lineOf(syntax, node), name: nameOf(node), lineCount })
    })
    return measured
  })
}

function nameOf(node: ts.SignatureDeclaration): string {
  if (node.name !== undefined) return node.name.getText()
  const { parent } = node
  if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent))
    return parent.name.getText()
  return ts.isConstructorDeclaration(node) ? 'constructor' : 'a function without name'
}

/** The value that nine of ten do not exceed; 0 for none. */
export const p90 = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.9) - 1] ?? 0
