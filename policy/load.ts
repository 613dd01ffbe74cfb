// YAML text → policy, or every mistake in it at once. Pure: hashing is passed in. Never throws on
// what stands in the text.

import { compilePolicy } from './compile.js'
import type { Policy } from './policy.js'
import { PROBLEM_COUNT_MAX } from './problem.js'
import type { Problem } from './problem.js'
import { referenceProblems } from './references.js'
import { checkShape } from './shape.js'
import { readSource } from './source.js'

/** A policy, or why it is none. */
export type Loaded =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/**
 * Reads and checks a policy.
 *
 * @param sha256Hex hex SHA-256 of the UTF-8 form of a text
 */
export function loadPolicy(yamlText: string, sha256Hex: (text: string) => string): Loaded {
  const source = readSource(yamlText)
  // Text that can't be read faithfully is not judged further: what follows would be guesses.
  if (source.problems.length > 0) return rejected(source.problems)
  const shape = checkShape(source)
  const problems = [...shape.problems, ...referenceProblems(shape.sections, source.lineOf)]
  return shape.document === undefined || problems.length > 0
    ? rejected(problems)
    : { ok: true, policy: compilePolicy(shape.document, yamlText, sha256Hex(yamlText)) }
}

function rejected(problems: readonly Problem[]): Loaded {
  const shown = problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
  return {
    ok: false,
    problems:
      shown.length <= PROBLEM_COUNT_MAX
        ? shown
        : [
            ...shown.slice(0, PROBLEM_COUNT_MAX),
            { path: '', what: 'has more problems, which are not shown' },
          ],
  }
}

/** What is in force before any policy was applied: nobody may do anything. */
export const EMPTY_POLICY: Policy = compilePolicy(
  {
    gateway: { audit: 'fast', serviceKeys: 'refuse' },
    issuers: [],
    resources: [],
    roles: [],
    masks: [],
    access: [],
    approvers: {},
    duties: { revoke: [], apply: [], audit: [], secondPerson: false },
  },
  '',
  // SHA-256 of the empty text (FIPS 180-4).
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
)
