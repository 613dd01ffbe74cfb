// Which bus a process is on: Redis where one is named, else the store's own database. All processes of
// a deployment must choose alike.

import { createHmac } from 'node:crypto'
import type { ProcessId } from '../core/ids.js'
import { HintBus } from '../store/hint-bus.js'
import { openNotifyChannel } from '../store/notify-channel.js'
import { openRedisChannel } from '../store/redis-channel.js'

/** What a process's bus is built from. */
export interface BusParts {
  readonly databaseUrl: string
  readonly redisUrl: string | undefined
  /** `Keys.bus`. */
  readonly key: Uint8Array
  readonly from: ProcessId
  readonly onTrouble: (trouble: unknown) => void
}

/** Opens the bus; it connects by itself, and again whenever it must. */
export function createBus({ databaseUrl, redisUrl, key, from, onTrouble }: BusParts): HintBus {
  const name = `${from}-bus`
  return new HintBus({
    ...{ from, onTrouble },
    open: (events) =>
      redisUrl === undefined
        ? openNotifyChannel(databaseUrl, name, events)
        : openRedisChannel({ url: redisUrl, channel: channelName(key), name }, events),
  })
}

/** Deployments on one Redis don't hear each other, without anybody having to name them. */
export const channelName = (key: Uint8Array): string =>
  `warder:${createHmac('sha256', key).update('channel').digest('hex').slice(0, 16)}`
