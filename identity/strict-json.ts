// JSON as a signed token may hold it: one reading only. JSON.parse does the parsing; this refuses what
// two readers could understand differently. No I/O.

import { jsonDepthMax } from './limits.js'

/** A JSON object whose values have not been looked at yet. */
export type JsonObject = Readonly<Record<string, unknown>>

/** True for an object that is neither null nor an array. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Why a text is not taken as JSON; the message is fit for the caller. */
export class StrictJsonError extends Error {
  override readonly name = 'StrictJsonError'
}

/**
 * Parses one JSON object.
 *
 * @throws StrictJsonError for duplicate keys (RFC 8725 §2.4 leaves the choice to the parser), a key
 * `__proto__`, too deep nesting, and numbers that do not survive as they were written (`1e400`,
 * integers past 2^53).
 */
export function parseStrictJson(text: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new StrictJsonError('is not JSON')
  }
  scan(text)
  if (!isJsonObject(value)) throw new StrictJsonError('is not a JSON object')
  return value
}

/** Walks a text that is known to be valid JSON, token by token. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[{}[\]:,]|true|false|null/g

function scan(text: string): void {
  const open: (Set<string> | null)[] = []
  let last = ''
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : null)
      if (open.length > jsonDepthMax) throw new StrictJsonError('is nested too deeply')
    } else if (token === '}' || token === ']') {
      open.pop()
    } else if (token === ':') {
      addKey(open.at(-1), last)
    } else if (/^[-\d]/.test(token)) {
      checkNumber(token)
    }
    last = token
  }
}

function addKey(keys: Set<string> | null | undefined, token: string): void {
  const key = JSON.parse(token) as string
  if (key === '__proto__') throw new StrictJsonError('has a key that is not allowed')
  if (keys?.has(key) === true) throw new StrictJsonError('has the same key twice')
  keys?.add(key)
}

function checkNumber(token: string): void {
  const value = Number(token)
  const isExact = /^-?\d+$/.test(token) ? Number.isSafeInteger(value) : Number.isFinite(value)
  if (!isExact) throw new StrictJsonError('holds a number out of range')
}
