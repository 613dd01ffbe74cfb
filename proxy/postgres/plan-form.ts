// The one form in which a statement of a plan and a statement as it comes are compared: without blanks
// and comments before it, without blanks and semicolons behind it. Everything between stays as it is.

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const SEMICOLON = 0x3b
const DASH = 0x2d
const SLASH = 0x2f
const STAR = 0x2a

/** Blanks as PostgreSQL's lexer knows them (scan.l `space`): blank, \t, \n, \r, \f, \v. */
const isBlank = (byte: number | undefined): boolean =>
  byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= CARRIAGE_RETURN)

/**
 * Cuts off what clients send or leave out as they like: psql drops blanks and `--` comments before a
 * statement and keeps `;` behind it. A semicolon that is cut off ends the text or a comment, never a
 * literal, so that the same form means the same statement.
 */
export function planForm(text: Buffer): Buffer {
  const start = startOf(text)
  let end = text.length
  while (end > start && (isBlank(text[end - 1]) || text[end - 1] === SEMICOLON)) end -= 1
  return text.subarray(start, end)
}

/** Where the first token begins; where a comment that does not end begins. */
function startOf(text: Buffer): number {
  let at = 0
  for (;;) {
    while (isBlank(text[at])) at += 1
    const after = commentEnd(text, at)
    if (after === undefined) return at
    at = after
  }
}

function commentEnd(text: Buffer, at: number): number | undefined {
  if (text[at] === DASH && text[at + 1] === DASH) {
    let end = at + 2
    while (end < text.length && text[end] !== LINE_FEED && text[end] !== CARRIAGE_RETURN) end += 1
    return end
  }
  if (text[at] !== SLASH || text[at + 1] !== STAR) return undefined
  // They nest (manual, "Comments").
  let depth = 0
  for (let end = at; end < text.length - 1;) {
    const [a, b] = [text[end], text[end + 1]]
    if (a === SLASH && b === STAR) depth += 1
    else if (a === STAR && b === SLASH) depth -= 1
    else {
      end += 1
      continue
    }
    end += 2
    if (depth === 0) return end
  }
  return undefined
}
