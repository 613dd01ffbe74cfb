// What is masked for one role on one resource, made ready for the wire once and shared by all of its
// sessions.

import { compileDetection } from '../../../policy/detect/detection.js'
import { maskingFor, type Masking } from '../../../policy/masking.js'
import type { Policy } from '../../../policy/policy.js'

import { Rewritten } from './rewritten.js'
import { Search } from './search.js'
import { Replacements } from './value.js'

/** Everything that results of one role on one resource are masked with. */
export interface ResourceMasks {
  readonly masking: Masking
  /** Set when values are searched. */
  readonly search: Search | undefined
  readonly replacements: Replacements
  readonly rewritten: Rewritten
}

/** The masks of one gateway. */
export class Masks {
  readonly #replacements: Replacements
  readonly #rewritten = new Rewritten()
  readonly #known = new WeakMap<Masking, ResourceMasks>()

  /** @param hashKey At least 32 random bytes, the same on every gateway: equal values stay equal. */
  constructor(hashKey: Uint8Array) {
    this.#replacements = new Replacements(hashKey)
  }

  /** Undefined when the role sees everything there. */
  of(policy: Policy, role: string, resource: string): ResourceMasks | undefined {
    const masking = maskingFor(policy, role, resource)
    if (masking === undefined) return undefined
    const known = this.#known.get(masking)
    if (known !== undefined) return known
    const { detect } = masking
    const search =
      detect.length === 0 ? undefined : new Search(compileDetection(detect), this.#replacements)
    const parts = { replacements: this.#replacements, rewritten: this.#rewritten }
    const masks = { masking, search, ...parts }
    this.#known.set(masking, masks)
    return masks
  }
}
