// What pgbench sends in each case, how long, and who has a turn in which round. Data, and its choice.
// Pure.

import type { Group } from './options.js'
import type { Peer } from './rows.js'

/** Who is measured. */
export type SubjectName = Peer | 'gateway'

/** One case. */
export interface LoadCase {
  readonly name: string
  readonly protocol: 'simple' | 'prepared'
  readonly connectionCount: number
  /** pgbench's script of one transaction; its own `-S` when absent. */
  readonly script?: string
  /** Subjects with a turn in every round, because they are compared; the others have one turn. */
  readonly compared: readonly SubjectName[]
  /** True when the gateway masks what it reads. */
  readonly isMasked?: boolean
  /** True when the gateway that is measured is the one whose reads wait for the log, too. */
  readonly isStrict?: boolean
}

/** The table that `bulk-masked` reads: as wide as pgbench_accounts, with a masked text. */
export const MASKED_TABLE = 'bench.holders'
/** Its masked column. */
export const MASKED_COLUMN = 'filler'
/** What each of its values begins with. */
export const MASKED_TEXT = 'Holder of account'

const ALL = ['direct', 'pgbouncer', 'gateway'] as const
const CPU_AND_LATENCY = ['haproxy', 'gateway'] as const
const SPEED_AND_CPU = ['pgbouncer', 'haproxy', 'gateway'] as const
const WALL_TIME = ['direct', 'gateway'] as const

const POSTGRES: readonly LoadCase[] = [
  { name: 'simple-1', protocol: 'simple', connectionCount: 1, compared: CPU_AND_LATENCY },
  { name: 'simple-8', protocol: 'simple', connectionCount: 8, compared: SPEED_AND_CPU },
  { name: 'prepared-1', protocol: 'prepared', connectionCount: 1, compared: CPU_AND_LATENCY },
  { name: 'prepared-8', protocol: 'prepared', connectionCount: 8, compared: SPEED_AND_CPU },
  {
    ...{ name: 'bulk', protocol: 'simple', connectionCount: 1, compared: WALL_TIME },
    script: 'SELECT * FROM pgbench_accounts;\n',
  },
  {
    ...{ name: 'bulk-masked', protocol: 'simple', connectionCount: 1, compared: WALL_TIME },
    isMasked: true,
    script: `SELECT * FROM ${MASKED_TABLE};\n`,
  },
]

const WRITE = `\\set aid random(1, 100000)
UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;
`
/** The first key is always the lower one, so that no two transactions wait for each other. */
const WRITE_TX = `\\set low random(1, 50000)
\\set high random(50001, 100000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance - 1 WHERE aid = :low;
UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :high;
END;
`

const AUDIT: readonly LoadCase[] = [
  { name: 'read-8', protocol: 'prepared', connectionCount: 8, compared: ALL },
  {
    name: 'read-strict-8',
    protocol: 'prepared',
    connectionCount: 8,
    compared: ALL,
    isStrict: true,
  },
  { name: 'write-1', protocol: 'prepared', connectionCount: 1, compared: ALL, script: WRITE },
  { name: 'write-8', protocol: 'prepared', connectionCount: 8, compared: ALL, script: WRITE },
  { name: 'write-tx-8', protocol: 'prepared', connectionCount: 8, compared: ALL, script: WRITE_TX },
]

/** The cases of each group that runs pgbench, in the order they are run and printed. */
export const CASES = { postgres: POSTGRES, audit: AUDIT } as const satisfies Partial<
  Record<Group, readonly LoadCase[]>
>

/** What the names of cases with TLS end in. */
export const TLS_SUFFIX = '-tls'

/**
 * The cases that were asked for.
 *
 * @param names - Names of cases; all of them when absent.
 * @throws Error that names the cases there are, when one is not among them.
 */
export function chooseCases(
  all: readonly LoadCase[],
  { cases: names, hasTls }: { readonly cases?: readonly string[]; readonly hasTls: boolean },
): readonly LoadCase[] {
  const unknown = names?.find((name) => all.every((one) => one.name !== name))
  if (unknown !== undefined) {
    throw new Error(`there is no case ${unknown}: say ${all.map(({ name }) => name).join(', ')}`)
  }
  const chosen = names === undefined ? all : all.filter(({ name }) => names.includes(name))
  return hasTls ? chosen.map(withTls) : chosen
}

/** HAProxy can't end PostgreSQL's TLS, so that PgBouncer is compared with in its place. */
const withTls = (one: LoadCase): LoadCase => ({
  ...one,
  name: `${one.name}${TLS_SUFFIX}`,
  compared: [...new Set(one.compared.map((name) => (name === 'haproxy' ? 'pgbouncer' : name)))],
})

/** Measured seconds: what many connections do varies more than what one does. */
export const secondsOf = ({ connectionCount }: LoadCase, seconds: number): number =>
  connectionCount > 1 ? seconds : Math.max(1, Math.floor(seconds / 3))

/** Whether the subject has a turn in this round, the first of which is 1. */
export const hasTurn = ({ compared }: LoadCase, subject: SubjectName, round: number): boolean =>
  round === 1 || compared.includes(subject)
