// Before the first test that needs one: finds or fetches the programs that tests run. Says loudly
// what is missing and what that skips; under CI=true nothing may be missing.

import { homedir } from 'node:os'
import { join } from 'node:path'
import type {} from 'vitest'
import type { TestProject } from 'vitest/node'
import { temporalBinary } from '../../app/embedded/temporal-binary.js'
import { ensureSystemPrograms } from './system-programs.js'
import { psycopgDirectory } from './psycopg.js'
import { s3Server } from './s3-server.js'
import type { MissingProgram } from './system-programs.js'
import { timeSkippingServer } from './time-skipping-server.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the Temporal CLI. */
    temporal: string
    /** Path of Temporal's time-skipping test server. */
    timeSkipping: string
    /** System programs that are not here: what needs them is skipped. */
    missingPrograms: readonly string[]
  }
}

interface Found {
  readonly temporal: string
  readonly timeSkipping: string
  readonly missing: readonly MissingProgram[]
}

/** Workers and bundles are started by tests that read no provided values; they read these. */
const TEMPORAL = 'WARDER_TEST_TEMPORAL'
const TIME_SKIPPING = 'WARDER_TEST_TIME_SKIPPING'
const MISSING = 'WARDER_TEST_MISSING'
/** PYTHONPATH of the Python driver; unset when it can't be had. */
const PSYCOPG = 'WARDER_TEST_PSYCOPG'
/** Path of the S3 server; unset when it can't be had. */
const S3 = 'WARDER_TEST_S3'

/** Vitest calls it once for each kind of test that names this file; the work is done once. */
export default async function setUp(project: TestProject): Promise<void> {
  const { temporal, timeSkipping, missing } = already() ?? (await find())
  process.env[TEMPORAL] = temporal
  process.env[TIME_SKIPPING] = timeSkipping
  process.env[MISSING] = JSON.stringify(missing)
  project.provide('temporal', temporal)
  project.provide('timeSkipping', timeSkipping)
  project.provide(
    'missingPrograms',
    missing.map(({ program }) => program),
  )
}

function already(): Found | undefined {
  const { [TEMPORAL]: temporal, [TIME_SKIPPING]: timeSkipping, [MISSING]: text } = process.env
  if (temporal === undefined || timeSkipping === undefined || text === undefined) return undefined
  return { temporal, timeSkipping, missing: JSON.parse(text) as readonly MissingProgram[] }
}

async function find(): Promise<Found> {
  const say = (line: string) => {
    process.stderr.write(`set-up: ${line}\n`)
  }
  const cacheDirectory = process.env['WARDER_CACHE'] ?? join(homedir(), '.cache/warder')
  const missing = [...(await ensureSystemPrograms(say))]
  const psycopg = await psycopgDirectory(cacheDirectory, say)
  if (psycopg === undefined) {
    missing.push({ program: 'psycopg (python3 with pip)', skips: 'the Python driver' })
  } else process.env[PSYCOPG] = psycopg
  const s3 = await s3Server(cacheDirectory, say)
  if (s3 === undefined) missing.push({ program: 'versitygw (go)', skips: 'recordings in S3' })
  else process.env[S3] = s3
  for (const { program, skips } of missing) {
    say(`${program} IS MISSING: ${skips} will be SKIPPED`)
  }
  if (missing.length > 0 && process.env['CI'] === 'true') {
    const names = missing.map(({ program }) => program).join(', ')
    throw new Error(`under CI=true nothing is skipped, and these are missing: ${names}`)
  }
  const places = {
    searchPath: process.env['PATH'] ?? '',
    cacheDirectory,
  }
  return {
    temporal: process.env[TEMPORAL] ?? (await temporalBinary(places, say)),
    timeSkipping: process.env[TIME_SKIPPING] ?? (await timeSkippingServer(places, say)),
    missing,
  }
}
