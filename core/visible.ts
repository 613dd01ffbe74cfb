// Text that somebody else wrote, made safe to look at: what can't be seen is written out. Pure. It
// escapes for the eye (and the terminal), never for HTML, Markdown or a shell.

/** Controls, bidi, zero-width, tag, private and unassigned characters, lone surrogates, odd blanks. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/gu

const escaped = (character: string): string =>
  `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`

/**
 * One line: every character that is invisible, reorders its neighbours or steers a terminal becomes
 * `\u{…}`, line breaks and tabs included. A text that spells `\u{…}` itself stays as it is: it looks
 * more suspicious than it is, never less.
 */
export const visible = (text: string): string => text.replace(UNSEEN, escaped)

/** The same for a text of several lines: LF and TAB stay; CR is escaped, because it overwrites. */
export const visibleLines = (text: string): string =>
  text.replace(UNSEEN, (character) =>
    character === '\n' || character === '\t' ? character : escaped(character),
  )

/** `visible`, cut to at most `charactersMax` code points with a mark that says how many are missing. */
export function visibleShort(text: string, charactersMax: number): string {
  const characters = Array.from(text)
  if (characters.length <= charactersMax) return visible(text)
  const hidden = String(characters.length - charactersMax)
  return `${visible(characters.slice(0, charactersMax).join(''))}… (${hidden} more characters)`
}
