// Calls of the gateway's API over one kept connection, so that no handshake is in what is measured.

import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import type { GatewayAddress } from './gateway.js'

const ANSWER_MS_MAX = 30_000

/** The API, spoken to by one person. */
export class BenchApi {
  readonly #agent: Agent
  readonly #base: string
  readonly #token: () => Promise<string>

  constructor({ api, authorityFile }: GatewayAddress, token: () => Promise<string>) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1, ca: readFileSync(authorityFile) })
    this.#base = api
    this.#token = token
  }

  /**
   * Prepares a POST; sending it is then a matter of one write.
   *
   * @returns A function that sends it and resolves with the answer's text.
   */
  async prepare(path: string, body: object): Promise<() => Promise<string>> {
    const text = JSON.stringify(body)
    const headers = {
      authorization: `Bearer ${await this.#token()}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    }
    return () => this.#send('POST', path, headers, text)
  }

  /** Opens the connection and makes sure that the token is taken. */
  async warmUp(): Promise<void> {
    await this.#send('GET', '/v1/whoami', { authorization: `Bearer ${await this.#token()}` }, '')
  }

  /** Closes the kept connection. */
  close(): void {
    this.#agent.destroy()
  }

  #send(
    method: string,
    path: string,
    headers: Readonly<Record<string, string | number>>,
    body: string,
  ): Promise<string> {
    const options = { method, headers, agent: this.#agent, timeout: ANSWER_MS_MAX }
    return new Promise((resolve, reject) => {
      const call = request(new URL(path, this.#base), options, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('error', reject)
        response.on('end', () => {
          if (response.statusCode === 200) resolve(text)
          else reject(new Error(`${method} ${path}: ${response.statusCode ?? 0} ${text}`))
        })
      })
      call.on('timeout', () => call.destroy(new Error(`${method} ${path}: no answer in time`)))
      call.on('error', reject)
      call.end(body)
    })
  }
}
