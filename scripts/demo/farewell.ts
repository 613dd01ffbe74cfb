// What somebody can type once the scenario is over. Pure.

import type { Address } from './scene.js'
import { TARGET } from './stage.js'

/** Lines to copy into another terminal. */
export function farewell(
  { postgres, api, authorityFile }: Address,
  dataDirectory: string | undefined,
): string[] {
  const places = [`host=${postgres.host} port=${postgres.port}`, `dbname=${TARGET.resource}`]
  const proof = `sslmode=verify-full sslrootcert=${authorityFile}`
  const connection = [...places, 'user=migrator', proof].join(' ')
  return [
    '',
    'Everything stays up until Ctrl-C. In another terminal, in this directory, be the job …',
    '',
    ...(dataDirectory === undefined ? [] : [`  export WARDER_DATA=${dataDirectory}`]),
    '  export PGPASSWORD=$(npm run --silent demo:token -- migrate-job)    # for 15 minutes',
    `  psql "${connection}"`,
    '',
    '… and, in a third, somebody who decides:',
    '',
    ...(dataDirectory === undefined ? [] : [`  export WARDER_DATA=${dataDirectory}`]),
    `  export WARDER_SERVER=${api} WARDER_CA=${authorityFile}`,
    '  export WARDER_TOKEN=$(npm run --silent demo:token -- ana)          # or maria, or max',
    `  alias warder="node $PWD/dist/app/main.js"`,
    '  warder pending',
    '  warder show cmd_… ; warder approve cmd_… ; warder revoke --resource orders-db --reason test',
    '  warder replay ses_…     # what a session ran and saw, in its own time',
    '',
    `The API: ${api}`,
  ]
}
