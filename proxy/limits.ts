// The one table of limits on what a peer controls. Units end the names; each row says why that
// number, and what happens beyond it.

interface Limit {
  readonly value: number
  readonly why: string
  readonly beyond: string
}

const TABLE = {
  connectionCountMax: {
    value: 4_000,
    why: 'file descriptors: two sockets a session, under the usual limit of 10,000 with room',
    beyond: 'new connections are closed at accept',
  },
  handshakeMsMax: {
    value: 20_000,
    why: 'TLS and one password message; a person never types here',
    beyond: 'the connection is closed',
  },
  startupBytesMax: {
    value: 10_000,
    why: 'PostgreSQL’s own limit for a startup packet (MAX_STARTUP_PACKET_LENGTH)',
    beyond: 'FATAL 08P01 and close',
  },
  tokenBytesMax: {
    value: 16_384,
    why: 'the largest tokens seen in use are 4 KiB; more is an attack on the parser',
    beyond: 'FATAL 28000 and close, unparsed',
  },
  statementBytesMax: {
    value: 262_144,
    why: 'the SQL parser is linear up to here; beyond, one statement could stall a core',
    beyond: 'the statement counts as unknown',
  },
  messageBytesMax: {
    value: 67_108_864,
    why: 'one row or parameter set; PostgreSQL itself accepts 1 GiB, which no gateway should buffer',
    beyond: 'FATAL 54000 and close',
  },
  maskedRowBytesMax: {
    value: 16_777_216,
    why: 'a row that is masked or searched is held whole; more would let one caller fill the memory',
    beyond: 'FATAL 54000 and close',
  },
  recordedResultBytesMax: {
    value: 16_384,
    why: 'rows of one result, or COPY data, that a replay shows; the rest is counted',
    beyond: 'the recording says how many rows are left out',
  },
  controlMessageBytesMax: {
    value: 1_048_576,
    why: 'errors, notices and tags of a target, which are held whole to be looked at',
    beyond: 'the target broke the protocol: the session ends',
  },
  heldInputBytesMax: {
    value: 1_048_576,
    why: 'what a caller may send ahead while a command of his waits',
    beyond: 'reading stops until the command is decided',
  },
  outputBytesMax: {
    value: 4_194_304,
    why: 'two high-water marks of a fast reader',
    beyond: 'the other side is not read until it drains',
  },
  preparedCountMax: {
    value: 5_000,
    why: 'drivers cache some hundreds of statements; each costs the target memory',
    beyond: 'ERROR 54000',
  },
  outstandingCountMax: {
    value: 20_000,
    why: 'replies awaited in one pipeline; libpq’s own batches stay in the thousands',
    beyond: 'reading stops until replies come',
  },
  targetConnectMsMax: {
    value: 10_000,
    why: 'one TCP and TLS handshake and a login, even across regions',
    beyond: 'TARGET_UNREACHABLE',
  },
  idleMsMax: {
    value: 3_600_000,
    why: 'a job that is silent for an hour is gone',
    beyond: 'the session ends, 57P05',
  },
  grantPollMs: {
    value: 1_000,
    why: 'how old news of a revocation can be when every message about it is lost',
    beyond: 'not applicable: an interval',
  },
  controlPlaneSilentMsMax: {
    value: 5_000,
    why: 'a store that can’t be read can’t say that a grant was revoked',
    beyond: 'every session ends',
  },
  targetCancelMsMax: {
    value: 200,
    why: 'time for the target to act on a cancel before its socket is destroyed',
    beyond: 'the socket is destroyed anyway',
  },
  reviewTextBytesMax: {
    value: 65_536,
    why: 'what a person can be expected to look at, and what fits a workflow’s history',
    beyond: 'the command can’t be approved and is refused',
  },
  planStepCountMax: {
    value: 200,
    why: 'what a person can be expected to look at',
    beyond: 'the plan is refused',
  },
  pendingReviewCountMax: {
    value: 20,
    why: 'cards that one grant may have open; more is flooding the approvers',
    beyond: 'the command is refused',
  },
  strangeCancelPerPeerPerMinuteMax: {
    value: 600,
    why: 'keys of other gateways look wrong here; ten Ctrl-C a second are no person’s',
    beyond: 'cancel requests from that address are not looked at until the minute is over',
  },
  strangeCancelPerMinuteMax: {
    value: 6_000,
    why: 'each is a message to all gateways, and costs them a comparison',
    beyond: 'the other gateways are not asked until the minute is over',
  },
  verdictCacheCountMax: {
    value: 10_000,
    why: 'a large application has some thousands of statement texts',
    beyond: 'the least recently used is judged again',
  },
  verdictAgeMsMax: {
    value: 30_000,
    why: 'names are resolved in the catalog, which others may change meanwhile',
    beyond: 'the statement is judged again',
  },
  viewAgeMsMax: {
    value: 1_000,
    why: 'a view that somebody replaced past the gateway looks the same in its results',
    beyond: 'where columns are masked, a statement that reads views is judged again',
  },
} as const satisfies Record<string, Limit>

/** The name of a limit. */
export type LimitName = keyof typeof TABLE

/** The value of each limit, in the unit its name ends with. */
export const LIMITS = Object.fromEntries(
  Object.entries(TABLE).map(([name, limit]) => [name, limit.value]),
) as { readonly [N in LimitName]: number }

/** The rows of the reference page. */
export const LIMIT_TABLE: Readonly<Record<LimitName, Limit>> = TABLE
