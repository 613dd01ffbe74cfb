// What was judged once is not judged again: one cache for each role on a resource, dropped whenever
// the meaning of names may have changed. A session that made names of its own gets its own cache.

import { LRUCache } from 'lru-cache'

import type { Command } from '../../core/command.js'
import type { Policy } from '../../policy/policy.js'
import type { Judged } from '../intercept.js'
import { LIMITS } from '../limits.js'
import type { Statement } from '../statement.js'

/** What is known of a text. */
export interface Recalled {
  readonly judged: Judged
  /** The text itself; absent when only its shape was judged before. */
  readonly statement?: Statement | undefined
}

interface Entry extends Recalled {
  readonly judgedAtMs: number
}

/** What a statement of some shape does, and when the catalog was asked about its names. */
export interface Meaning {
  readonly command: Command
  readonly askedAtMs: number
}

/** Longest shape that is kept, in characters; longer ones are rare and looked up each time. */
const SHAPE_LENGTH_MAX = 8_192

/** The cache of one role on one resource, or of one session. */
export class VerdictCache {
  /** Grows whenever everything was forgotten: what was learnt before must not be kept any more. */
  generation = 0
  readonly #meanings = new LRUCache<string, Meaning>({ max: LIMITS.verdictCacheCountMax })
  readonly #entries = new LRUCache<string, Entry>({ max: LIMITS.verdictCacheCountMax })
  #judgedAtMs = new WeakMap<Judged, number>()

  /** The key: the statement's exact bytes, and the types that the caller gave its parameters. */
  static key(statement: Buffer, types: readonly number[]): string {
    const text = statement.toString('latin1')
    return types.length === 0 ? text : `${types.join(',')}\0${text}`
  }

  get(key: string, policy: Policy, nowMs: number): Recalled | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.judged.policy === policy && nowMs - entry.judgedAtMs < LIMITS.verdictAgeMsMax) {
      return entry
    }
    this.#entries.delete(key)
    return undefined
  }

  set(key: string, known: Recalled, judgedAtMs: number): void {
    const { judged, statement } = known
    this.#judgedAtMs.set(judged, judgedAtMs)
    this.#entries.set(key, { judged, statement, judgedAtMs })
  }

  /**
   * What statements of this shape do. A shape is what the grammar says of a text apart from its
   * values, so that a thousand texts that differ in a number ask the catalog once.
   */
  meaning(shape: string, nowMs: number): Meaning | undefined {
    const meaning = this.#meanings.get(shape)
    return meaning && nowMs - meaning.askedAtMs < LIMITS.verdictAgeMsMax ? meaning : undefined
  }

  setMeaning(shape: string, meaning: Meaning): void {
    if (shape.length <= SHAPE_LENGTH_MAX) this.#meanings.set(shape, meaning)
  }

  /** True while a judgement that a prepared statement holds may still be used. */
  isFresh(judged: Judged, policy: Policy, nowMs: number): boolean {
    const judgedAtMs = this.#judgedAtMs.get(judged)
    if (judgedAtMs === undefined || judged.policy !== policy) return false
    return nowMs - judgedAtMs < LIMITS.verdictAgeMsMax
  }

  /** Forgets everything; judgements that prepared statements hold are no longer fresh either. */
  clear(): void {
    this.generation += 1
    this.#entries.clear()
    this.#meanings.clear()
    this.#judgedAtMs = new WeakMap()
  }
}

/** The shared caches of a gateway. */
export class VerdictCaches {
  readonly #byResource = new Map<string, Map<string, VerdictCache>>()

  /** The cache for one role on one database of a resource. */
  of(resource: string, role: string): VerdictCache {
    const roles = this.#byResource.get(resource) ?? new Map<string, VerdictCache>()
    this.#byResource.set(resource, roles)
    const cache = roles.get(role) ?? new VerdictCache()
    roles.set(role, cache)
    return cache
  }

  /** Somebody changed definitions at the resource: what names mean there is open again. */
  forget(resource: string): void {
    // Open sessions hold on to their cache, so it is emptied and not replaced.
    for (const cache of this.#byResource.get(resource)?.values() ?? []) cache.clear()
  }
}
