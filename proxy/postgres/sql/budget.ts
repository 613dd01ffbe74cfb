// What a text may cost before it reaches the parser: bytes to text without loss, its size, and how
// deeply it nests. An aid against poisoning the parser, not a boundary: it never decides what a
// text does, and the worker's deadline stands behind it. Pure.

/** Longest text that is parsed, in bytes of UTF-8: parse time grows with it (about 70 ms here). */
export const sqlBytesMax = 256 * 1024

/**
 * Nesting, or operators in one chain, beyond which a text is not parsed. PostgreSQL itself gives
 * up at a few thousand; the WASM parser has no guard of its own and breaks for good beyond 8,000.
 */
export const nestingMax = 2000

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The bytes of a statement (without their NUL terminator) as text; undefined when they are not
 * exactly one valid UTF-8 text without NUL. A byte order mark stays: PostgreSQL sees it too.
 */
export function sqlText(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** Why a text is too long to be parsed, or undefined: the cheap half of the budget. */
export const tooLong = (text: string): string | undefined =>
  text.length > sqlBytesMax || Buffer.byteLength(text) > sqlBytesMax
    ? `the text is longer than ${sqlBytesMax} bytes`
    : undefined

/** Why the text is not parsed, or undefined when it may be. Linear in the text. */
export function budgetExceeded(text: string): string | undefined {
  if (text.includes('\0')) return 'the text holds a NUL'
  if (/\p{Surrogate}/u.test(text)) return 'the text is not valid Unicode'
  return nestingOf(text) > nestingMax ? `nests or chains more than ${nestingMax} deep` : undefined
}

/** One level of parentheses: operators since the last comma, joins and set operations, CASEs. */
interface Level {
  chain: number
  sets: number
}

/** Words that nest the tree to their left, whatever stands between them. */
const SET_WORDS: ReadonlySet<string> = new Set(['union', 'intersect', 'except', 'join'])
/** Words that end a chain of operators: their operands stand side by side in the tree. */
const ENDING_WORDS: ReadonlySet<string> = new Set(['and', 'or'])
/** Words that act as operators. */
const CHAINING_WORDS: ReadonlySet<string> = new Set([
  'at',
  'between',
  'collate',
  'escape',
  'ilike',
  'in',
  'is',
  'isnull',
  'like',
  'not',
  'notnull',
  'operator',
  'similar',
])

/**
 * Upper bound of how deep the parse tree of a text gets; stops counting beyond `nestingMax`.
 */
export function nestingOf(text: string): number {
  const levels: Level[] = [{ chain: 0, sets: 0 }]
  let total = 0
  let deepest = 0
  const top = (): Level => levels.at(-1) ?? { chain: 0, sets: 0 }
  const open = () => {
    levels.push({ chain: 0, sets: 0 })
    total += 1
  }
  const close = () => {
    if (levels.length === 1) return
    const level = levels.pop()
    total -= 1 + (level?.chain ?? 0) + (level?.sets ?? 0)
  }
  const endChain = () => {
    total -= top().chain
    top().chain = 0
  }
  for (const token of tokens(text)) {
    if (token === '(' || token === '[' || token === 'case') open()
    else if (token === ')' || token === ']' || token === 'end') close()
    else if (token === ',' || ENDING_WORDS.has(token)) endChain()
    else if (token === ';') {
      levels.length = 0
      levels.push({ chain: 0, sets: 0 })
      total = 0
    } else if (SET_WORDS.has(token)) {
      endChain()
      top().sets += 1
      total += 1
    } else if (token === 'operator-sign' || CHAINING_WORDS.has(token)) {
      top().chain += 1
      total += 1
    }
    if (total > deepest) deepest = total
    if (deepest > nestingMax) return deepest
  }
  return deepest
}

/**
 * PostgreSQL's tokens as far as nesting goes (scan.l): comments, quoted and dollar-quoted text are
 * skipped, words come in lower case, each operator character comes as `operator-sign`.
 */
const TOKEN =
  /--[^\n\r]*|\/\*|[eE]'(?:[^'\\]|\\.|'')*'?|'(?:[^']|'')*'?|"(?:[^"]|"")*"?|\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$|[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*|[-+*/<>=~!@#%^&|`?]|::|[()[\],;]/gsy

function* tokens(text: string): Generator<string> {
  let at = 0
  while (at < text.length) {
    TOKEN.lastIndex = at
    const found = TOKEN.exec(text)?.[0]
    if (found === undefined) {
      at += 1
      continue
    }
    at += found.length
    const first = found.charAt(0)
    if (found === '/*') at = afterComment(text, at)
    else if (first === '$') at = after(text, found, at)
    else if (first === "'" || first === '"' || found.startsWith('--')) continue
    else if ((first === 'e' || first === 'E') && found.charAt(1) === "'") continue
    else if ('()[],;'.includes(first)) yield found
    else if (/^[A-Za-z_\u0080-\uffff]/.test(first)) yield found.toLowerCase()
    else yield 'operator-sign'
  }
}

/** The place after the next `mark`, or the end. */
function after(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from)
  return at === -1 ? text.length : at + mark.length
}

/** The place after a block comment, which may hold others. */
function afterComment(text: string, from: number): number {
  const mark = /\/\*|\*\//g
  mark.lastIndex = from
  let depth = 1
  for (let found = mark.exec(text); found !== null; found = mark.exec(text)) {
    depth += found[0] === '/*' ? 1 : -1
    if (depth === 0) return mark.lastIndex
  }
  return text.length
}
