// The bus's channel through the store itself: LISTEN and NOTIFY on a connection of its own. Works
// without anything else being installed; needs a direct connection, not a pooler's transaction mode.

import pg from 'pg'
import type { ChannelEvents, HintChannel } from './hint-bus.js'

/** One database belongs to one deployment, so its name need not be. */
const CHANNEL = 'warder_hints'
const CONNECT_MS_MAX = 3_000
const ANSWER_MS_MAX = 3_000
/** How often a connection that broke without a word is looked for. */
const PROBE_MS = 5_000
const RETRY_MS = { first: 100, max: 5_000 }

/** Opens the channel on the database at `url`; connects by itself, again and again. */
export const openNotifyChannel = (
  url: string,
  applicationName: string,
  events: ChannelEvents,
): HintChannel => new NotifyChannel(url, applicationName, events)

class NotifyChannel implements HintChannel {
  readonly #options: pg.ClientConfig
  readonly #events: ChannelEvents
  readonly #probe: NodeJS.Timeout
  #listening: pg.Client | undefined
  #connecting: pg.Client | undefined
  #retry: NodeJS.Timeout | undefined
  #retryMs = RETRY_MS.first
  #isClosed = false
  #isTroubled = false

  constructor(url: string, applicationName: string, events: ChannelEvents) {
    this.#options = {
      connectionString: url,
      application_name: applicationName,
      connectionTimeoutMillis: CONNECT_MS_MAX,
      query_timeout: ANSWER_MS_MAX,
      keepAlive: true,
    }
    this.#events = events
    this.#probe = setInterval(() => {
      const client = this.#listening
      client?.query('select 1').catch((failure: unknown) => this.#lost(client, failure))
    }, PROBE_MS)
    void this.#connect()
  }

  async send(message: string): Promise<void> {
    const client = this.#listening
    if (client === undefined) throw new Error('the channel is not connected')
    try {
      await client.query('select pg_notify($1, $2)', [CHANNEL, message])
    } catch (failure) {
      this.#lost(client, failure)
      throw failure
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#probe)
    clearTimeout(this.#retry)
    const client = this.#listening ?? this.#connecting
    this.#listening = undefined
    await client?.end().catch(() => undefined)
  }

  async #connect(): Promise<void> {
    const client = new pg.Client(this.#options)
    this.#connecting = client
    client.on('error', (failure) => this.#lost(client, failure))
    client.on('end', () => this.#lost(client, new Error('the connection was closed')))
    client.on('notification', ({ payload }) => this.#events.onMessage(payload ?? ''))
    try {
      await client.connect()
      await client.query(`listen ${CHANNEL}`)
    } catch (failure) {
      this.#lost(client, failure)
      return
    }
    if (this.#connecting !== client) return
    this.#connecting = undefined
    this.#listening = client
    this.#retryMs = RETRY_MS.first
    if (this.#isTroubled) this.#events.onTrouble('the bus (PostgreSQL) works again')
    this.#isTroubled = false
    // Even the first time: what happened before anybody listened is not known.
    this.#events.onGap()
  }

  /** Lets go of a connection that failed, once, and tries again after a while. */
  #lost(client: pg.Client, failure: unknown): void {
    if (client !== this.#listening && client !== this.#connecting) return
    this.#listening = undefined
    this.#connecting = undefined
    // A query that hangs makes `end` drop the socket at once.
    client.end().catch(() => undefined)
    if (this.#isClosed) return
    if (!this.#isTroubled) {
      this.#events.onTrouble(
        new Error('the bus (PostgreSQL) is down; changes are polled', { cause: failure }),
      )
    }
    this.#isTroubled = true
    this.#retry = setTimeout(() => void this.#connect(), this.#retryMs * (0.5 + Math.random() / 2))
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS.max)
  }
}
