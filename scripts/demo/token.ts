// `npm run --silent demo:token -- NAME`: a fresh token of somebody in the demo's cast, on stdout and
// nothing else, so that it can stand in PGPASSWORD="$(…)". Asks the demo that runs; starts nothing.

import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { readEnvironment } from '../../app/environment.js'
import { CAST, isCastName, issuerFile, requestToken } from './cast.js'

const ACCESS = z.object({
  issuer: z.string(),
  audience: z.string(),
  secrets: z.object({
    'migrate-job': z.string(),
    ana: z.string(),
    maria: z.string(),
    max: z.string(),
  }),
})

async function main(name: string | undefined): Promise<string> {
  if (name === undefined || !isCastName(name)) {
    const cast = Object.entries(CAST).map(([known, { is }]) => `  ${known}: ${is}`)
    throw new Error(`usage: npm run --silent demo:token -- NAME, where NAME is\n${cast.join('\n')}`)
  }
  const { environment } = readEnvironment(process.env)
  let text: string
  try {
    text = readFileSync(issuerFile(environment.dataDirectory), 'utf8')
  } catch {
    throw new Error('no demo is running here; start one with `npm run demo`')
  }
  return requestToken(ACCESS.parse(JSON.parse(text)), name)
}

try {
  process.stdout.write(`${await main(process.argv[2])}\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
