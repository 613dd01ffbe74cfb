#!/usr/bin/env node
// The `warder` program: hands the outside of the process to the command line.

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import type { CliContext } from '../cli/context.js'
import { runCli } from '../cli/program.js'
import { systemClock } from './clock.js'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

const context: CliContext = {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  isTerminal: process.stdin.isTTY,
  isWatched: process.stdout.isTTY,
  clock: systemClock,
  pause: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
  onSignal: (listener) => {
    const added = SIGNALS.map((signal) => ({ signal, listen: () => listener(signal) }))
    for (const { signal, listen } of added) process.on(signal, listen)
    return () => {
      for (const { signal, listen } of added) process.off(signal, listen)
    }
  },
}

/** The version in package.json, two folders up from the compiled file. */
function versionOf(file: URL): string {
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'))
  const isNamed = typeof parsed === 'object' && parsed !== null && 'version' in parsed
  return isNamed && typeof parsed.version === 'string' ? parsed.version : 'unknown'
}

const version = versionOf(new URL('../../package.json', import.meta.url))

// Loaded only when it serves: it brings what no other command needs and waits for.
const serving = async () => await import('./serve.js')
const options = {
  version,
  variables: process.env,
  output: process.stderr,
  onStopAsked: (listener: () => void) => void context.onSignal(listener),
}

process.exitCode = await runCli(
  {
    context,
    version,
    up: async ({ policyFile }) => (await serving()).serveAll({ ...options, policyFile }),
    gateway: async () => (await serving()).serveGateway(options),
    openSqlBench: async (schemas) => (await import('./sql-bench.js')).openSqlBench(schemas),
    worker: async ({ policyFile }) => (await serving()).serveWorker({ ...options, policyFile }),
    readToken: async (token, policy) => {
      const { readTokenClaims } = await import('../identity/token-reader.js')
      return readTokenClaims(token, [...policy.issuers.values()], { clock: systemClock })
    },
  },
  process.argv.slice(2),
)
