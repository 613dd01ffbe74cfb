// The demo: sets its stage, plays its scenario as a narrated transcript, and stays up until Ctrl-C.
// With `--once` it ends after the scenario, with 0 only if every step did what it says.

import { decodeJwt } from 'jose'
import { readEnvironment } from '../../app/environment.js'
import { Narrator } from './narrator.js'
import { findPsql } from './psql.js'
import { AUDIENCE, DemoStage } from './stage.js'

async function main(isOnce: boolean): Promise<number> {
  const narrator = new Narrator(process.stdout)
  const { environment, warnings } = readEnvironment(process.env)
  for (const warning of warnings) narrator.note(warning)
  const ended = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      ended.abort()
    })
  }
  const stage = await DemoStage.open(
    environment.dataDirectory,
    (line) => narrator.note(line),
    (failure) => {
      narrator.check(failure.message, false)
      ended.abort()
    },
  )
  try {
    const psql = await findPsql(environment.searchPath)
    narrator.note(psql === undefined ? 'No psql here: a driver speaks instead.' : psql.version)
    await play(narrator, stage)
    if (!isOnce && narrator.failures.length === 0) {
      narrator.note('Up until Ctrl-C. Tokens: npm run --silent demo:token -- ana')
      await aborted(ended.signal)
    }
  } finally {
    await stage.close()
  }
  return narrator.failures.length === 0 ? 0 : 1
}

async function play(narrator: Narrator, stage: DemoStage): Promise<void> {
  narrator.step('A target with customers in it')
  const [count] = await stage.askTarget('SELECT count(*)::int FROM customers')
  narrator.check('the shop has five customers', count === 5)
  narrator.step('An identity provider that vouches for jobs and people')
  const claims = decodeJwt(await stage.tokenFor('migrate-job'))
  narrator.output(JSON.stringify(claims, null, 2))
  narrator.check(
    'the job’s token is made out to the gateway and names who triggered it',
    claims.aud === AUDIENCE && claims['triggered_by'] === 'maria',
  )
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    // An open handle: a listener alone would not keep the process up.
    const alive = setInterval(() => undefined, 60_000)
    signal.addEventListener('abort', () => {
      clearInterval(alive)
      resolve()
    })
  })

process.exitCode = await main(process.argv.includes('--once'))
