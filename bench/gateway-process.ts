// Warder as the benchmarks measure it: the whole of it, in a process of its own whose CPU time is
// its own. Takes tokens without TLS, on loopback only; ends with the process that started it.

import { readEnvironment } from '../app/environment.js'
import { replaceFile } from '../app/private-file.js'
import { startWarder } from '../app/warder.js'
import { READY_FILE } from './gateway.js'
import type { GatewayAddress } from './gateway.js'

const PARENT_POLL_MS = 1_000

const { [READY_FILE]: readyFile, ...variables } = process.env
if (readyFile === undefined) throw new Error('npm run bench starts this')

const say = (line: string) => process.stderr.write(`${line}\n`)
let stop = (): Promise<void> => Promise.resolve()
let ending: Promise<void> | undefined

const end = (code: number): void => {
  ending ??= stop().then(
    () => process.exit(code),
    (failure: unknown) => {
      say(String(failure))
      process.exit(1)
    },
  )
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => end(0))

const parent = process.ppid
setInterval(() => {
  if (process.ppid !== parent) end(1)
}, PARENT_POLL_MS).unref()

const running = await startWarder({
  environment: readEnvironment(variables).environment,
  variables,
  version: 'bench',
  progress: say,
  report: (what, failure) => say(`${what}: ${String(failure)}`),
  onFatal: (failure) => {
    say(`Warder can’t go on: ${failure.message}`)
    end(1)
  },
  allowPlainLoopback: true,
})
stop = () => running.stop()
const { postgres, api, authorityFile } = running
if (authorityFile === undefined) throw new Error('its certificate is of its own authority')
const address: GatewayAddress = { port: postgres.port, api, authorityFile }
replaceFile(readyFile, JSON.stringify(address))
