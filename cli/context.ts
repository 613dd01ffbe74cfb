// What the CLI touches of the outside, passed in. Nothing in this folder reads `process`.

import type { Readable, Writable } from 'node:stream'
import type { Clock } from '../core/ports.js'
import type { TokenReading } from '../core/token-reading.js'
import type { Policy } from '../policy/policy.js'
import type { ReadSql } from '../policy/run-cases.js'

/** Signals that are passed on to a job. */
export type JobSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** The outside of one CLI run. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** True when stdin is a terminal: it sends Ctrl-C to the job by itself. */
  readonly isTerminal: boolean
  /** True when stdout is a terminal, with somebody in front of it. */
  readonly isWatched?: boolean | undefined
  readonly clock: Clock
  /** Resolves after the time, or as soon as the signal is aborted; never rejects. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** Calls the listener for each signal until the returned function is called. */
  readonly onSignal: (listener: (signal: JobSignal) => void) => () => void
}

/** Reads a token under the issuers of a policy, without using it; asks its issuer for keys. */
export type ReadToken = (token: string, policy: Policy) => Promise<TokenReading>

/** Reads SQL as the gateway would, on a server that holds nothing but the schemas it was given. */
export interface SqlBench {
  readonly read: ReadSql
  close(): Promise<void>
}

/** What app/ has to pass in. */
export interface CliDependencies {
  readonly context: CliContext
  readonly version: string
  /** Runs everything on one machine until it is stopped; its exit code. */
  readonly up: (options: { readonly policyFile?: string | undefined }) => Promise<number>
  /** Runs gateways until they are stopped. */
  readonly gateway: () => Promise<number>
  /** Runs a worker until it is stopped. */
  readonly worker: (options: { readonly policyFile?: string | undefined }) => Promise<number>
  /** `warder check --token-file`. */
  readonly readToken: ReadToken
  /** Starts a server for `warder policy test`: resource → SQL text of its schema. */
  readonly openSqlBench: (schemas: Readonly<Record<string, string>>) => Promise<SqlBench>
}
