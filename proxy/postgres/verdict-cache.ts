// What was judged once is not judged again: one cache for each role on a resource, dropped whenever
// the meaning of names may have changed. A session that made names of its own gets its own cache.

import { LRUCache } from 'lru-cache'

import type { Command } from '../../core/command.js'
import type { Policy } from '../../policy/policy.js'
import { LIMITS } from '../limits.js'
import type { Statement } from '../statement.js'
import type { JudgedStatement } from './occurrence.js'
import type { Lineage } from './sql/lineage.js'
import { liftLiterals } from './sql/literals.js'

/** What is known of a text. */
export interface Recalled {
  readonly judged: JudgedStatement
  /** The text itself; absent when only its shape was judged before. */
  readonly statement?: Statement | undefined
}

interface Entry extends Recalled {
  readonly judgedAtMs: number
}

/** What a statement of some shape does, and when the catalog was asked about its names. */
export interface Meaning {
  readonly command: Command
  readonly lineage: Lineage | undefined
  readonly askedAtMs: number
}

/** Longest shape that is kept, in characters; longer ones are rare and looked up each time. */
const SHAPE_LENGTH_MAX = 8_192

const keyOf = (text: string, types: readonly number[]): string =>
  types.length === 0 ? text : `${types.join(',')}\0${text}`

const textKey = (text: Buffer, types: readonly number[]): string =>
  keyOf(text.toString('latin1'), types)

/** The cache of one role on one resource, or of one session. */
export class VerdictCache {
  /** Grows whenever everything was forgotten: what was learnt before must not be kept any more. */
  generation = 0
  readonly #meanings = new LRUCache<string, Meaning>({ max: LIMITS.verdictCacheCountMax })
  /** By the exact bytes. */
  readonly #byText = new LRUCache<string, Entry>({ max: LIMITS.verdictCacheCountMax })
  /** By what is left when plain literals are lifted out; only where their values can't matter. */
  readonly #byShape = new LRUCache<string, Entry>({ max: LIMITS.verdictCacheCountMax })
  #judgedAtMs = new WeakMap<JudgedStatement, number>()

  /**
   * The judgement of a text, or of one that differs in values of literals only.
   *
   * @param types Type OIDs that the caller gave its parameters.
   */
  get(text: Buffer, types: readonly number[], policy: Policy, nowMs: number): Recalled | undefined {
    const shape = liftLiterals(text, 0, text.length)
    const known = shape && this.#fresh(this.#byShape, keyOf(shape, types), policy, nowMs)
    return known || this.#fresh(this.#byText, textKey(text, types), policy, nowMs)
  }

  #fresh(
    entries: LRUCache<string, Entry>,
    key: string,
    policy: Policy,
    nowMs: number,
  ): Recalled | undefined {
    const entry = entries.get(key)
    if (entry === undefined) return undefined
    if (entry.judged.policy === policy && nowMs - entry.judgedAtMs < LIMITS.verdictAgeMsMax) {
      return entry
    }
    entries.delete(key)
    return undefined
  }

  /**
   * Keeps a judgement.
   *
   * @param isOfShape True when it holds for all texts that differ in the values of literals only.
   */
  set(
    statement: Statement,
    types: readonly number[],
    judged: JudgedStatement,
    isOfShape: boolean,
    judgedAtMs: number,
  ): void {
    this.#judgedAtMs.set(judged, judgedAtMs)
    const shape = isOfShape ? liftLiterals(statement.bytes, 0, statement.bytes.length) : undefined
    if (shape !== undefined) this.#byShape.set(keyOf(shape, types), { judged, judgedAtMs })
    else this.#byText.set(textKey(statement.bytes, types), { judged, statement, judgedAtMs })
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
  isFresh(judged: JudgedStatement, policy: Policy, nowMs: number): boolean {
    const judgedAtMs = this.#judgedAtMs.get(judged)
    if (judgedAtMs === undefined || judged.policy !== policy) return false
    return nowMs - judgedAtMs < LIMITS.verdictAgeMsMax
  }

  /** Forgets everything; judgements that prepared statements hold are no longer fresh either. */
  clear(): void {
    this.generation += 1
    this.#byText.clear()
    this.#byShape.clear()
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
