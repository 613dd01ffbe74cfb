// Ports on loopback for the servers that Warder starts; the one found is kept across starts, so
// that whatever was told the address finds the server there again.

import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { replaceFile } from '../private-file.js'

/**
 * The port to listen on: the given one, else the one remembered in the file if it is free, else any
 * free one, which is then remembered.
 *
 * @throws Error when the given one is taken.
 */
export async function choosePort(file: string, given?: number): Promise<number> {
  if (given !== undefined) {
    if (await listenOn(given)) return given
    throw new Error(`port ${given} on 127.0.0.1 is taken; free it or choose another`)
  }
  const remembered = readPort(file)
  if (remembered !== undefined && (await listenOn(remembered))) return remembered
  const port = await listenOn(0)
  if (port === undefined) throw new Error('no port is free on 127.0.0.1')
  replaceFile(file, `${port}\n`)
  return port
}

/** True when something accepts connections on the port. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const answer = (open: boolean) => {
      socket.destroy()
      resolve(open)
    }
    socket.once('connect', () => answer(true))
    socket.once('error', () => answer(false))
  })
}

function readPort(file: string): number | undefined {
  try {
    const port = Number(readFileSync(file, 'utf8'))
    return Number.isInteger(port) && port > 1023 && port < 65_536 ? port : undefined
  } catch {
    return undefined
  }
}

/** Takes the port for a moment; undefined when that can't be done. */
function listenOn(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined))
    })
  })
}
