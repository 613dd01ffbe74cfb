// Warder as the benchmarks measure it: the whole of it, in processes of its own whose CPU time is their
// own. Takes tokens without TLS, on loopback only; ends with the process that started it.

import { fileURLToPath } from 'node:url'
import { readEnvironment } from '../app/environment.js'
import { startGateway } from '../app/gateway.js'
import { replaceFile } from '../app/private-file.js'
import { runProcess, type RunOptions } from '../app/process.js'
import { startWarder } from '../app/up.js'
import { startWorker } from '../app/worker.js'
import { READY_FILE } from './gateway.js'
import type { GatewayAddress } from './gateway.js'

const PARENT_POLL_MS = 1_000
const SIGNALS = ['SIGINT', 'SIGTERM'] as const

const { [READY_FILE]: readyFile, ...variables } = process.env
const options: RunOptions = {
  environment: readEnvironment(variables).environment,
  ...{ variables, version: 'bench', output: process.stderr },
  onStopAsked: (listener) => {
    for (const signal of SIGNALS) process.on(signal, listener)
  },
}

/** The process that starts the others, and ends when whoever started it is gone. */
function supervise(file: string): Promise<number> {
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM')
  }, PARENT_POLL_MS).unref()
  const program = fileURLToPath(import.meta.url)
  return runProcess(
    options,
    (parts) => startWarder({ ...parts, program, output: process.stderr }),
    ({ address: { postgres, api, authorityFile } }) => {
      if (authorityFile === undefined) throw new Error('its certificate is of its own authority')
      const address: GatewayAddress = { port: postgres.port, api, authorityFile }
      replaceFile(file, JSON.stringify(address))
    },
  )
}

const role = process.argv[2]
if (role === 'gateway') {
  process.exitCode = await runProcess(
    options,
    (parts, mayListen) => startGateway({ ...parts, allowPlainLoopback: true }, mayListen),
    () => undefined,
  )
} else if (role === 'worker') {
  process.exitCode = await runProcess(options, startWorker, () => undefined)
} else if (readyFile === undefined) {
  throw new Error('npm run bench starts this')
} else {
  process.exitCode = await supervise(readyFile)
}
