// What was found in a value: places in order, none overlapping another. Reused from value to value.

/**
 * Where something was found, and whose it is. Parallel arrays, of which the first `count` entries
 * count; sorted by place, disjoint. Findings that overlap become one, which belongs to the strictest
 * of their masks: mask numbers are given in order of strictness, so that is the lowest number.
 */
export class Findings {
  readonly starts: number[] = []
  /** One past the last byte. */
  readonly ends: number[] = []
  readonly masks: number[] = []
  count = 0

  clear(): void {
    this.count = 0
  }

  add(start: number, end: number, mask: number): void {
    const { starts, ends, masks } = this
    let from = start
    let until = end
    let strictest = mask
    let after = this.count
    while (after > 0 && (starts[after - 1] ?? 0) >= end) after--
    let before = after
    while (before > 0 && (ends[before - 1] ?? 0) > start) {
      before--
      from = Math.min(from, starts[before] ?? from)
      until = Math.max(until, ends[before] ?? until)
      strictest = Math.min(strictest, masks[before] ?? strictest)
    }
    if (after - before !== 1) this.#resize(before, after)
    starts[before] = from
    ends[before] = until
    masks[before] = strictest
  }

  /** Drops the first entries and moves the others by so many bytes towards the beginning. */
  shift(dropCount: number, byBytes: number): void {
    const { starts, ends, masks } = this
    for (let at = dropCount; at < this.count; at++) {
      starts[at - dropCount] = (starts[at] ?? 0) - byBytes
      ends[at - dropCount] = (ends[at] ?? 0) - byBytes
      masks[at - dropCount] = masks[at] ?? 0
    }
    this.count -= dropCount
  }

  /** Makes the entries from `before` up to `after` one: moves what follows them. */
  #resize(before: number, after: number): void {
    const { starts, ends, masks, count } = this
    if (after === before) {
      for (let at = count; at > after; at--) this.#copy(at - 1, at)
    } else {
      starts.copyWithin(before + 1, after, count)
      ends.copyWithin(before + 1, after, count)
      masks.copyWithin(before + 1, after, count)
    }
    this.count = count + 1 - (after - before)
  }

  #copy(from: number, to: number): void {
    this.starts[to] = this.starts[from] ?? 0
    this.ends[to] = this.ends[from] ?? 0
    this.masks[to] = this.masks[from] ?? 0
  }
}
