// What the gateway and its Temporal thread say to each other: the calls of the two services, as plain
// data. Types only.

import type { Outcome } from '../core/errors.js'
import type { RequestId } from '../core/ids.js'
import type { AccessService, OnPending, ReviewService } from '../core/ports.js'
import type { AccessQuestion, ReviewQuestion } from '../core/question.js'
import type { PayloadKey } from './payload-codec.js'

/** What the thread is started with. */
export interface ThreadData {
  /** `host:port` of Temporal. */
  readonly address: string
  readonly namespace: string
  /** Tells this process from every other one, over restarts too. */
  readonly processName: string
  /** Encrypts payloads until another one is sent. */
  readonly key: PayloadKey
}

type Answer<F extends (...args: never[]) => Promise<unknown>> = Awaited<ReturnType<F>>

/** Every call: its arguments as they travel, and its answer. */
interface Calls {
  /** With the hard stop of the request, ms. */
  'access.open': [[AccessQuestion, number], Answer<AccessService['open']>]
  'access.begin': [[AccessQuestion, number], Answer<AccessService['begin']>]
  'access.decide': [Parameters<AccessService['decide']>, Answer<AccessService['decide']>]
  'access.review': [Parameters<AccessService['review']>, Answer<AccessService['review']>]
  'access.extend': [Parameters<AccessService['extend']>, Answer<AccessService['extend']>]
  'access.complete': [Parameters<AccessService['complete']>, Answer<AccessService['complete']>]
  'access.withdraw': [Parameters<AccessService['withdraw']>, Answer<AccessService['withdraw']>]
  'access.ended': [Parameters<AccessService['ended']>, Outcome<null>]
  'access.idle': [Parameters<AccessService['idle']>, Outcome<null>]
  'reviews.ask': [[ReviewQuestion], Answer<ReviewService['ask']>]
  'reviews.open': [Parameters<ReviewService['open']>, Answer<ReviewService['open']>]
  'reviews.decide': [Parameters<ReviewService['decide']>, Answer<ReviewService['decide']>]
  'reviews.withdraw': [Parameters<ReviewService['withdraw']>, Answer<ReviewService['withdraw']>]
}

/** The name of a call. */
export type Method = keyof Calls

/** One call. */
export interface MethodCall<M extends Method> {
  readonly request: { readonly method: M; readonly args: Calls[M][0] }
  readonly answer: Calls[M][1]
}

/** Any call, told apart by its method. */
export type AnyRequest = { [M in Method]: MethodCall<M>['request'] }[Method]

/** What a call tells before it answers. */
export type Event =
  | { readonly kind: 'pending'; readonly pending: Parameters<OnPending>[0] }
  | { readonly kind: 'opened' }

/** From the gateway. */
export type ToThread =
  | ({ readonly kind: 'call'; readonly id: number } & AnyRequest)
  | { readonly kind: 'abort'; readonly id: number }
  /** The key of this id; `current` encrypts from now on. */
  | {
      readonly kind: 'key'
      readonly id: string
      readonly key: Uint8Array | undefined
      readonly isCurrent: boolean
    }
  | { readonly kind: 'close' }

/** From the thread. */
export type FromThread =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Outcome<unknown> }
  | { readonly kind: 'event'; readonly id: number; readonly event: Event }
  | { readonly kind: 'report'; readonly what: string; readonly failure: unknown }
  | { readonly kind: 'release'; readonly id: RequestId }
  /** Something was encrypted with a key that the thread does not know. */
  | { readonly kind: 'key'; readonly id: string }
