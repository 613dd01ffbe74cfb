// The bus's channel through Redis, for deployments that have one: publish and subscribe only. Keeps
// nothing there, and queues nothing while Redis is away.

import { createClient } from 'redis'
import type { ChannelEvents, HintChannel } from './hint-bus.js'

const CONNECT_MS_MAX = 3_000
/** How often a connection that broke without a word is looked for. */
const PROBE_MS = 5_000
/** Silence after which the connection counts as broken: more than one probe goes unanswered. */
const SILENT_MS_MAX = 12_000
const RETRY_MS = { first: 100, max: 5_000 }
/** Commands on their way at a time: one message, one probe, and the log-in. */
const COMMAND_COUNT_MAX = 64

/** Where Redis is and what the channel is called there. */
export interface RedisPlace {
  /** `redis[s]://[USER[:PASSWORD]@]HOST[:PORT]`; with `rediss` the certificate is verified. */
  readonly url: string
  /** Tells deployments on one Redis apart. */
  readonly channel: string
  /** Shown by CLIENT LIST. */
  readonly name: string
}

/** Opens the channel; connects by itself, again and again. Needs Redis 6 or newer (RESP3). */
export const openRedisChannel = (place: RedisPlace, events: ChannelEvents): HintChannel =>
  new RedisChannel(place, events)

class RedisChannel implements HintChannel {
  readonly #client: ReturnType<typeof clientFor>
  readonly #channel: string
  readonly #events: ChannelEvents
  #retry: NodeJS.Timeout | undefined
  #isClosed = false
  #isTroubled = false

  constructor(place: RedisPlace, events: ChannelEvents) {
    this.#channel = place.channel
    this.#events = events
    this.#client = clientFor(place)
    this.#client.on('error', (failure: unknown) => this.#troubled(failure))
    this.#client.on('ready', () => {
      if (this.#isTroubled) events.onTrouble('the bus (Redis) works again')
      this.#isTroubled = false
      // After the first time the subscription is renewed before the connection counts as ready.
      if (this.#client.isPubSubActive) events.onGap()
      else void this.#subscribe()
    })
    // Tries until it is closed; every failure is told as an error first.
    this.#client.connect().catch(() => undefined)
  }

  /** Rejects at once while Redis is away, and after SILENT_MS_MAX when it only keeps silent. */
  async send(message: string): Promise<void> {
    await this.#client.publish(this.#channel, message)
  }

  close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#retry)
    if (this.#client.isOpen) this.#client.destroy()
    return Promise.resolve()
  }

  async #subscribe(): Promise<void> {
    try {
      await this.#client.subscribe(this.#channel, (message) => this.#events.onMessage(message))
      // What happened before anybody listened is not known.
      this.#events.onGap()
    } catch (failure) {
      this.#troubled(failure)
      // Not allowed, most likely: whoever runs Redis may still change that.
      this.#retry = setTimeout(() => {
        if (this.#client.isReady && !this.#client.isPubSubActive) void this.#subscribe()
      }, RETRY_MS.max)
    }
  }

  #troubled(failure: unknown): void {
    if (!this.#isTroubled && !this.#isClosed) {
      this.#events.onTrouble(
        new Error('the bus (Redis) is down; changes are polled', { cause: failure }),
      )
    }
    this.#isTroubled = true
  }
}

const clientFor = ({ url, name }: RedisPlace) =>
  createClient({
    url,
    name,
    disableOfflineQueue: true,
    commandsQueueMaxLength: COMMAND_COUNT_MAX,
    pingInterval: PROBE_MS,
    maintNotifications: 'disabled',
    socket: {
      connectTimeout: CONNECT_MS_MAX,
      socketTimeout: SILENT_MS_MAX,
      keepAlive: true,
      reconnectStrategy: (retries) =>
        Math.min(RETRY_MS.first * 2 ** Math.min(retries, 10), RETRY_MS.max) *
        (0.5 + Math.random() / 2),
    },
  })
