// Runs in a thread of the gateway: calls Temporal for it. Ends when it is told to.

import { parentPort, workerData } from 'node:worker_threads'

import { granted, refused, type Outcome } from '../core/errors.js'
import { systemClock } from './clock.js'
import { createDataConverter, type PayloadKeys } from './payload-codec.js'
import { connectTemporal, TASK_QUEUE, type TemporalServices } from './temporal.js'
import type {
  AnyRequest,
  Event,
  FromThread,
  ThreadData,
  ToThread,
} from './temporal-thread-messages.js'

if (parentPort === null) throw new Error('a gateway starts this')
const port = parentPort
const { address, namespace, processName, key: firstKey } = workerData as ThreadData
const tell = (message: FromThread) => port.postMessage(message)

let currentKey = firstKey
const knownKeys = new Map([[firstKey.id, firstKey.key]])
const wantedKeys = new Map<string, (key: Uint8Array | undefined) => void>()
const keys: PayloadKeys = {
  current: () => currentKey,
  find: async (id) =>
    knownKeys.get(id) ??
    (await new Promise<Uint8Array | undefined>((resolve) => {
      const others = wantedKeys.get(id)
      wantedKeys.set(id, (key) => {
        others?.(key)
        resolve(key)
      })
      tell({ kind: 'key', id })
    })),
}

let executionMsMax = 0
const services = connectTemporal({
  ...{ connection: { address }, namespace, processName, taskQueue: TASK_QUEUE },
  dataConverter: createDataConverter(keys),
  clock: systemClock,
  executionMsMax: () => executionMsMax,
  release: (id) => {
    tell({ kind: 'release', id })
    return Promise.resolve()
  },
  report: (what, error) => tell({ kind: 'report', what, failure: plain(error) }),
})
const waiting = new Map<number, AbortController>()

port.on('message', (message: ToThread) => {
  if (message.kind === 'abort') waiting.get(message.id)?.abort()
  else if (message.kind === 'close') void close()
  else if (message.kind === 'key') takeKey(message)
  else void answer(message.id, message)
})

function takeKey({ id, key, isCurrent }: Extract<ToThread, { kind: 'key' }>): void {
  if (key !== undefined) knownKeys.set(id, key)
  if (key !== undefined && isCurrent) currentKey = { id, key }
  wantedKeys.get(id)?.(key)
  wantedKeys.delete(id)
}

async function close(): Promise<void> {
  for (const controller of waiting.values()) controller.abort()
  await services.close().catch(() => undefined)
  port.close()
  // A retry of the library's may still hold a timer, and would find its channel closed.
  process.exit()
}

async function answer(id: number, request: AnyRequest): Promise<void> {
  const controller = new AbortController()
  waiting.set(id, controller)
  const onEvent = (event: Event) => tell({ kind: 'event', id, event })
  const outcome = await run(services, request, controller.signal, onEvent).catch(
    (failure: unknown) => {
      tell({ kind: 'report', what: request.method, failure: plain(failure) })
      return refused('CONTROL_PLANE_UNAVAILABLE', { why: 'its control plane failed' })
    },
  )
  waiting.delete(id)
  tell({ kind: 'answer', id, answer: outcome })
}

async function run(
  { access, reviews }: TemporalServices,
  request: AnyRequest,
  signal: AbortSignal,
  onEvent: (event: Event) => void,
): Promise<Outcome<unknown>> {
  switch (request.method) {
    case 'access.open': {
      const [question, hardStopMs] = request.args
      executionMsMax = hardStopMs
      return access.open(question, signal, (pending) => onEvent({ kind: 'pending', pending }))
    }
    case 'access.begin': {
      const [question, hardStopMs] = request.args
      executionMsMax = hardStopMs
      return access.begin(question)
    }
    case 'access.decide':
      return access.decide(...request.args)
    case 'access.review':
      return access.review(...request.args)
    case 'access.extend':
      return access.extend(...request.args)
    case 'access.complete':
      return access.complete(...request.args)
    case 'access.withdraw':
      return access.withdraw(...request.args)
    case 'access.ended':
      await access.ended(...request.args)
      return granted(null)
    case 'access.idle':
      await access.idle(...request.args)
      return granted(null)
    case 'reviews.ask':
      return reviews.ask(...request.args, signal, () => onEvent({ kind: 'opened' }))
    case 'reviews.open':
      return reviews.open(...request.args)
    case 'reviews.decide':
      return reviews.decide(...request.args)
    case 'reviews.withdraw':
      return reviews.withdraw(...request.args)
  }
}

/** Errors of the library hold what can't be cloned. */
const plain = (failure: unknown): unknown =>
  failure instanceof Error ? new Error(failure.message, { cause: String(failure.cause) }) : failure
