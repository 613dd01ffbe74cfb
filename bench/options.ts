// The command line of `npm run bench`. Pure: it reads words and says what is wrong with them.

/** The options that each group of cases takes, besides `--json`. */
const TAKES = {
  postgres: ['--seconds', '--rounds', '--cases', '--profile', '--tls'],
  audit: ['--seconds', '--rounds', '--cases', '--profile'],
  decisions: [],
  idle: [],
  detect: [],
} as const satisfies Readonly<Record<string, readonly string[]>>

/** A group of cases. */
export type Group = keyof typeof TAKES

/** The groups of cases. */
export const GROUPS = Object.keys(TAKES) as readonly Group[]

/** What to measure, and how long. */
export interface BenchOptions {
  readonly group: Group
  /** File that gets the rows; none when absent. */
  readonly jsonFile?: string
  /** Measured seconds of a run with many connections; others are measured for a third of it. */
  readonly seconds: number
  /** How often each subject has its turn. */
  readonly roundCount: number
  /** Names of the cases that are run; all of them when absent. */
  readonly cases?: readonly string[]
  /** Directory that gets CPU profiles of the gateway; none are made when absent. */
  readonly profileDirectory?: string
  /** True for TLS on both legs. */
  readonly hasTls: boolean
}

/** What somebody asked for: a run, or to be told how. */
export type Asked =
  | { readonly kind: 'run'; readonly options: BenchOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly why: string }

const SECONDS = { otherwise: 3, max: 60 } as const
const ROUNDS = { otherwise: 3, max: 1_000 } as const
/** Options that stand alone; all others are followed by their value. */
const SWITCHES: readonly string[] = ['--tls']

/** What `--help` prints. */
export const HELP = `Measures Warder on this machine, against what it could be compared with.

  npm run bench -- postgres  [--tls] [--seconds N] [--rounds N] [--cases A,B] [--profile DIR] [--json FILE]
  npm run bench -- audit     [--seconds N] [--rounds N] [--cases A,B] [--profile DIR] [--json FILE]
  npm run bench -- decisions [--json FILE]
  npm run bench -- idle      [--json FILE]
  npm run bench -- detect    [--json FILE]

postgres   What a statement costs that passes, with rules, masks, detectors, recording and audit on.
           pgbench runs against the same PostgreSQL in turn: directly, through PgBouncer (session
           pooling), through HAProxy (TCP) and through the gateway. Printed are medians over the
           rounds, ratios taken round by round, and which bars are kept.
           Needs pgbench, pgbouncer and haproxy (Debian: postgresql-contrib pgbouncer haproxy);
           a proxy that is not here is left out, and said so.
audit      What each level of the audit log costs reads, writes and transactions.
decisions  How fast people's answers act: from the approval of a held statement to its reply at the
           caller, and from a revocation to the last byte that the caller gets.
idle       How much memory of the gateway a session takes that does nothing: 1,000 of them.
detect     How fast the detectors look through results, on one core, without and with something to
           find, and with patterns of a policy's own.

  --tls          TLS on both legs; without HAProxy, which can't end PostgreSQL's TLS (postgres)
  --seconds N    measured seconds of a run with 8 connections, after one of warming up; runs with one
                 connection get a third of it (postgres, audit; ${SECONDS.otherwise})
  --rounds N     turns of each subject that is compared; others have one (postgres, audit; ${ROUNDS.otherwise})
  --cases A,B    only these cases (postgres, audit)
  --profile DIR  CPU profiles of the gateway's process and its threads go there (postgres, audit)
  --json FILE    also writes the figures as rows {case, subject, metric, value}
  --help         prints this

Everything it starts listens on loopback and lives in a new directory below the system's temporary
one; both are gone when it ends, also by Ctrl-C. How to read the figures: docs/internals/performance.md
`

/** Reads the words after `npm run bench --`. */
export function readOptions(words: readonly string[]): Asked {
  if (words.length === 0 || words.includes('--help') || words.includes('-h'))
    return { kind: 'help' }
  const [first = '', ...rest] = words
  const group = GROUPS.find((one) => one === first)
  if (group === undefined) return wrong(`${first} is no group of cases: say ${anyOf(GROUPS)}`)
  const values = new Map<string, string>()
  for (let at = 0; at < rest.length; at += 1) {
    const name = rest[at] ?? ''
    if (!isOption(name)) return wrong(`${name} is not known`)
    if (!takes(group, name)) return wrong(`${name} is not for ${group}`)
    if (values.has(name)) return wrong(`${name} was given twice`)
    if (!SWITCHES.includes(name)) at += 1
    const value = rest[at]
    if (value === undefined || value === '') return wrong(`${name} needs a value`)
    values.set(name, value)
  }
  return read(group, values)
}

const takes = (group: Group, name: string): boolean =>
  name === '--json' || (TAKES[group] as readonly string[]).includes(name)

const isOption = (name: string): boolean => GROUPS.some((group) => takes(group, name))

const anyOf = (names: readonly string[]): string =>
  `${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}`

function read(group: Group, values: ReadonlyMap<string, string>): Asked {
  const seconds = count(values.get('--seconds'), SECONDS)
  const roundCount = count(values.get('--rounds'), ROUNDS)
  if (seconds === undefined) return wrong(`--seconds is a whole number from 1 to ${SECONDS.max}`)
  if (roundCount === undefined) return wrong(`--rounds is a whole number from 1 to ${ROUNDS.max}`)
  const [jsonFile, profileDirectory] = [values.get('--json'), values.get('--profile')]
  const cases = values.get('--cases')?.split(',')
  const options: BenchOptions = {
    ...{ group, seconds, roundCount, hasTls: values.has('--tls') },
    ...(jsonFile === undefined ? {} : { jsonFile }),
    ...(profileDirectory === undefined ? {} : { profileDirectory }),
    ...(cases === undefined ? {} : { cases }),
  }
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
