// The command line of `npm run bench`. Pure: it reads words and says what is wrong with them.

/** The two groups of cases. */
export const GROUPS = ['postgres', 'decisions'] as const

/** A group of cases. */
export type Group = (typeof GROUPS)[number]

/** What to measure, and how long. */
export interface BenchOptions {
  readonly group: Group
  /** File that gets the rows; none when absent. */
  readonly jsonFile?: string
  /** Measured seconds of each run, after one second of warming up. */
  readonly seconds: number
  /** How often each subject has its turn. */
  readonly roundCount: number
}

/** What somebody asked for: a run, or to be told how. */
export type Asked =
  | { readonly kind: 'run'; readonly options: BenchOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly why: string }

const SECONDS = { otherwise: 3, max: 600 } as const
const ROUNDS = { otherwise: 5, max: 1_000 } as const

/** What `--help` prints. */
export const HELP = `Measures Warder on this machine, against what it could be compared with.

  npm run bench -- postgres  [--seconds N] [--rounds N] [--json FILE]
  npm run bench -- decisions [--json FILE]

postgres   What a statement costs that passes. pgbench (-S and one big SELECT) runs against the same
           PostgreSQL four times a round, in turn: directly, through PgBouncer (session pooling),
           through HAProxy (TCP) and through the gateway, without TLS everywhere. Printed are
           medians over the rounds, and ratios taken round by round.
           Needs pgbench, pgbouncer and haproxy (Debian: postgresql-contrib pgbouncer haproxy);
           a proxy that is not here is left out, and said so.
decisions  How fast people's answers act: from the approval of a held statement to its reply at the
           caller, and from a revocation to the last byte that the caller gets.

  --seconds N   measured seconds of each run, after one of warming up (postgres; ${SECONDS.otherwise})
  --rounds N    turns of each subject (postgres; ${ROUNDS.otherwise})
  --json FILE   also writes the figures as rows {case, subject, metric, value}
  --help        prints this

Everything it starts listens on loopback and lives in a new directory below the system's temporary
one; both are gone when it ends, also by Ctrl-C. How to read the figures: docs/internals/performance.md
`

/** Reads the words after `npm run bench --`. */
export function readOptions(words: readonly string[]): Asked {
  if (words.length === 0 || words.includes('--help') || words.includes('-h'))
    return { kind: 'help' }
  const [first = '', ...rest] = words
  const group = GROUPS.find((one) => one === first)
  if (group === undefined) return wrong(`${first} is no group of cases: say ${GROUPS.join(' or ')}`)
  const values = new Map<string, string>()
  for (let at = 0; at < rest.length; at += 2) {
    const [name = '', value] = [rest[at], rest[at + 1]]
    if (!['--json', '--seconds', '--rounds'].includes(name)) return wrong(`${name} is not known`)
    if (value === undefined || value === '') return wrong(`${name} needs a value`)
    if (values.has(name)) return wrong(`${name} was given twice`)
    values.set(name, value)
  }
  if (group === 'decisions' && (values.has('--seconds') || values.has('--rounds'))) {
    return wrong('decisions are counted, not timed: --seconds and --rounds are for postgres')
  }
  return read(group, values)
}

function read(group: Group, values: ReadonlyMap<string, string>): Asked {
  const seconds = count(values.get('--seconds'), SECONDS)
  const roundCount = count(values.get('--rounds'), ROUNDS)
  if (seconds === undefined) return wrong(`--seconds is a whole number from 1 to ${SECONDS.max}`)
  if (roundCount === undefined) return wrong(`--rounds is a whole number from 1 to ${ROUNDS.max}`)
  const jsonFile = values.get('--json')
  const options = { group, seconds, roundCount, ...(jsonFile === undefined ? {} : { jsonFile }) }
  return { kind: 'run', options }
}

function count(
  text: string | undefined,
  { otherwise, max }: { readonly otherwise: number; readonly max: number },
): number | undefined {
  if (text === undefined) return otherwise
  const value = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0
  return value >= 1 && value <= max ? value : undefined
}

const wrong = (why: string): Asked => ({ kind: 'wrong', why })
