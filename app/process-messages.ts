// What a supervisor and the processes it started say to each other. Nothing secret: it is not meant
// for anything but being ready, failing and ending.

import type { Refusal } from '../core/errors.js'
import type { HostPort } from './environment.js'

/** Where a gateway is reached. */
export interface GatewayAddress {
  readonly postgres: HostPort
  /** Base URL of the API. */
  readonly api: string
  /** PEM file to verify Warder's certificate with; undefined when it was given one. */
  readonly authorityFile?: string | undefined
}

/** From the process to its supervisor. */
export type ChildMessage =
  | { readonly kind: 'progress'; readonly line: string }
  /** `address` comes from gateways. */
  | { readonly kind: 'ready'; readonly address?: GatewayAddress | undefined }
  /** It can't start; it ends by itself after this. */
  | { readonly kind: 'failed'; readonly refusal: Refusal }

/** From the supervisor to the process. */
export type ParentMessage =
  /** The policy is in force: callers may come. */
  { readonly kind: 'listen' } | { readonly kind: 'stop' }

const kindOf = (message: unknown): unknown =>
  typeof message === 'object' && message !== null && 'kind' in message ? message.kind : undefined

/** A message of ours; others (of node:cluster) are undefined. */
export function asParentMessage(message: unknown): ParentMessage | undefined {
  const kind = kindOf(message)
  return kind === 'listen' || kind === 'stop' ? { kind } : undefined
}

/** A message of ours; what a process that runs our own program sends is believed as it is. */
export function asChildMessage(message: unknown): ChildMessage | undefined {
  const kind = kindOf(message)
  return kind === 'progress' || kind === 'ready' || kind === 'failed'
    ? (message as ChildMessage)
    : undefined
}
