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
  readonly #definitions: Definitions
  #seenCount: number
  readonly #meanings = new LRUCache<string, Meaning>({ max: LIMITS.verdictCacheCountMax })
  /** By the exact bytes. */
  readonly #byText = new LRUCache<string, Entry>({ max: LIMITS.verdictCacheCountMax })
  /** By what is left when plain literals are lifted out; only where their values can't matter. */
  readonly #byShape = new LRUCache<string, Entry>({ max: LIMITS.verdictCacheCountMax })
  #judgedAtMs = new WeakMap<JudgedStatement, number>()

  /** @param definitions Shared with whoever may change them; none, where nobody does. */
  constructor(definitions: Definitions = { changeCount: 0 }) {
    this.#definitions = definitions
    this.#seenCount = definitions.changeCount
  }

  /** Grows when everything was forgotten: what was learnt before must not be kept any more. */
  get generation(): number {
    return this.#definitions.changeCount
  }

  /**
   * Forgets everything if definitions changed; judgements that prepared statements hold are no
   * longer fresh either.
   */
  #catchUp(): void {
    if (this.#seenCount === this.#definitions.changeCount) return
    this.#seenCount = this.#definitions.changeCount
    this.#byText.clear()
    this.#byShape.clear()
    this.#meanings.clear()
    this.#judgedAtMs = new WeakMap()
  }

  /**
   * The judgement of a text, or of one that differs in values of literals only.
   *
   * @param types Type OIDs that the caller gave its parameters.
   */
  get(text: Buffer, types: readonly number[], policy: Policy, nowMs: number): Recalled | undefined {
    this.#catchUp()
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
    this.#catchUp()
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
    this.#catchUp()
    const meaning = this.#meanings.get(shape)
    return meaning && nowMs - meaning.askedAtMs < LIMITS.verdictAgeMsMax ? meaning : undefined
  }

  setMeaning(shape: string, meaning: Meaning): void {
    this.#catchUp()
    if (shape.length <= SHAPE_LENGTH_MAX) this.#meanings.set(shape, meaning)
  }

  /** True while a judgement that a prepared statement holds may still be used. */
  isFresh(judged: JudgedStatement, policy: Policy, nowMs: number): boolean {
    this.#catchUp()
    const judgedAtMs = this.#judgedAtMs.get(judged)
    if (judgedAtMs === undefined || judged.policy !== policy) return false
    return nowMs - judgedAtMs < LIMITS.verdictAgeMsMax
  }
}

/** Counts what changed the meaning of names at a resource; every cache of it looks at the same one. */
interface Definitions {
  changeCount: number
}

/** The caches of a gateway. */
export class VerdictCaches {
  readonly #byResource = new Map<
    string,
    { readonly definitions: Definitions; readonly roles: Map<string, VerdictCache> }
  >()

  /** The cache for one role on one database of a resource. */
  of(resource: string, role: string): VerdictCache {
    const { definitions, roles } = this.#at(resource)
    const cache = roles.get(role) ?? new VerdictCache(definitions)
    roles.set(role, cache)
    return cache
  }

  /** A cache for one session alone, which made names of its own. */
  own(resource: string): VerdictCache {
    return new VerdictCache(this.#at(resource).definitions)
  }

  /** Somebody changed definitions at the resource: what names mean there is open again. */
  forget(resource: string): void {
    this.#at(resource).definitions.changeCount += 1
  }

  #at(resource: string) {
    const known = this.#byResource.get(resource)
    if (known !== undefined) return known
    const fresh = { definitions: { changeCount: 0 }, roles: new Map<string, VerdictCache>() }
    this.#byResource.set(resource, fresh)
    return fresh
  }
}
