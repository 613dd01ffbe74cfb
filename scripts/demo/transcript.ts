// The demo's transcript as the README shows it: some of its steps, with everything that differs from
// run to run (ids, ports, times, paths) replaced by what stands for it. Pure.

/** Steps that a reader's first screen has room for. */
const SHOWN_STEPS: readonly number[] = [2, 3, 4, 5, 8, 10]
const FIRST_COUNT = 3
const LAST_COUNT = 1
const BEGIN = '<!-- demo:begin -->'
const END = '<!-- demo:end -->'

/** Each shown alike in every run, as long as the original where columns depend on it. */
const REPLACEMENTS: readonly (readonly [pattern: RegExp, shown: string])[] = [
  [/\b(from 127\.0\.0\.1:)\d+/g, '$149152'],
  [/\b(PGPORT=|localhost:|(?<!from )127\.0\.0\.1:)\d+/g, '$115432'],
  [/[^\s=]*\/(authority\.pem)\b/g, '$1'],
  [/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, '2026-11-22 09:30:00Z'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '2026-11-22T10:00:00.000Z'],
  [/\b[0-9a-f]{64}\b/g, 'b5bb9d8014a0f9b1d61e21e796d78dcc…'],
  [/\bin \d+(?:\.\d)? ms\b/g, 'in … ms'],
]
const ID = /\b(cmd|req|grt|ses|api)_[0-9A-Za-z_-]{6,}/g

/** The block for the README, without its markers. */
export function readmeBlock(transcript: string): string {
  const steps = transcript.split(/^(?=\d+\. )/m)
  const shown = steps.filter((step) => SHOWN_STEPS.includes(Number.parseInt(step, 10)))
  const numbered = shown.map((step, at) =>
    shortened(
      ofStep(step)
        .replace(/^\d+/, String(at + 1))
        .trimEnd(),
    ),
  )
  return `\`\`\`text\n${sameEveryTime(numbered.join('\n\n'))}\n\`\`\``
}

/** Without what is said after the last step, which is not indented. */
const ofStep = (step: string): string => step.split(/\n\n(?=\S)/)[0] ?? ''

/** Of a long output its beginning and its end. */
function shortened(step: string): string {
  return step.replace(/(?:\n(?: {5}.*)?){12,}(?=\n {3}\S)/g, (output) => {
    const lines = output.split('\n').slice(1)
    const parts = [...lines.slice(0, FIRST_COUNT), '     …', ...lines.slice(-LAST_COUNT)]
    return `\n${parts.join('\n')}`
  })
}

function sameEveryTime(text: string): string {
  const ids = new Map<string, string>()
  const named = text.replace(ID, (id, prefix: string) => {
    const letters = id.slice(prefix.length + 1)
    const known = ids.get(id) ?? `${prefix}_${stableLetters(ids.size, letters.length)}`
    ids.set(id, known)
    return known
  })
  return REPLACEMENTS.reduce((so, [pattern, shown]) => so.replace(pattern, shown), timed(named))
}

/** Times within a replayed session, which count up in every run, but never alike. */
function timed(text: string): string {
  let count = 0
  return text.replace(
    /^( +)([+-])\d\d:\d\d:\d\d\.\d{3}(?=  )/gm,
    (_, indent: string, sign: string) => {
      const ms = sign === '-' ? 150 : count++ * 24
      return `${indent}${sign}00:00:00.${String(ms).padStart(3, '0')}`
    },
  )
}

const ALPHABET = '7f3k9m2xq8w4tz6r5n1c0v'

/** Looks like an id, and is the same one in every run. */
const stableLetters = (at: number, length: number): string =>
  Array.from(
    { length },
    (_, place) => ALPHABET[(at * 5 + place * (1 + at)) % ALPHABET.length] ?? '0',
  ).join('')

/**
 * The README with this block between its markers.
 *
 * @throws Error when the markers are not there.
 */
export function withBlock(readme: string, block: string): string {
  const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`README.md has no ${BEGIN} … ${END}`)
  return `${readme.slice(0, from + BEGIN.length)}\n\n${block}\n\n${readme.slice(to)}`
}
