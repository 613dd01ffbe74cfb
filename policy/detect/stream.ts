// Detection in a value that comes in chunks, or that is too long to be held: gives out what is decided,
// holds back a bounded rest. The result is that of the whole value, however it is cut. Pure.

import type { Detection } from './detection.js'
import { Findings } from './findings.js'
import { MATCH_BYTES_MAX, PATTERN_BLOCK_BYTES, PATTERN_CONTEXT_BYTES } from './patterns.js'
import { EXTENSIONS, LOOK_AHEAD_BYTES, LOOK_BEHIND_BYTES, Window } from './window.js'

/** A finding that is longer is replaced by `LONG_REPLACEMENT` whatever its mask says, for it is never held whole. */
export const FINDING_BYTES_MAX = 4_096
const LONG_REPLACEMENT = Uint8Array.from('[redacted]', (character) => character.charCodeAt(0))
const NOTHING = new Uint8Array(0)

/** What takes the place of the bytes from `start` up to `end`; `mask` is an index into `Detection.masks`. */
export type Replace = (mask: number, bytes: Uint8Array, start: number, end: number) => Uint8Array

/** What takes the place of one finding. */
export const replacementOf = (
  replace: Replace,
  mask: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array =>
  end - start > FINDING_BYTES_MAX ? LONG_REPLACEMENT : replace(mask, bytes, start, end)

/** A whole value with its findings replaced. */
export function rewrite(
  bytes: Uint8Array,
  start: number,
  end: number,
  findings: Findings,
  replace: Replace,
): Uint8Array {
  const output = new Output()
  let at = start
  for (let index = 0; index < findings.count; index++) {
    const from = findings.starts[index] ?? start
    const until = findings.ends[index] ?? end
    output.add(bytes, at, from)
    const mask = findings.masks[index] ?? 0
    const replacement = replacementOf(replace, mask, bytes, from, until)
    output.add(replacement, 0, replacement.length)
    at = until
  }
  output.add(bytes, at, end)
  return output.take()
}

/** Bytes that grow. */
class Output {
  #bytes = new Uint8Array(256)
  #length = 0

  add(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(2 * length)
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    this.#bytes.set(bytes.subarray(start, end), this.#length)
    this.#length = length
  }

  take(): Uint8Array {
    const taken = this.#length === 0 ? NOTHING : this.#bytes.slice(0, this.#length)
    this.#length = 0
    return taken
  }
}

/** One long value; `end` makes it ready for the next. */
export class DetectionStream {
  readonly #detection: Detection
  readonly #replace: Replace
  readonly #window: Window
  readonly #findings = new Findings()
  readonly #output = new Output()
  #bytes = new Uint8Array(0)
  /** How many bytes of the value stood before the first that is held. */
  #dropped = 0
  /** Within the bytes that are held: how many there are, are looked at, and are given out. */
  #length = 0
  #looked = 0
  #given = 0
  /** The next block for patterns. */
  #block = 0
  /** Bit per extension by which the last finding may go on, and where. */
  #open = 0
  /** True behind the replacement of a long finding that has not ended. */
  #isSwallowing = false
  readonly #openAt = EXTENSIONS.map(() => 0)

  constructor(detection: Detection, replace: Replace) {
    this.#detection = detection
    this.#replace = replace
    this.#window = new Window({ wants: () => false, report: () => undefined })
  }

  /** How many bytes are held, decided ones included. */
  get heldBytes(): number {
    return this.#length
  }

  /** Takes a chunk and gives out what is decided by now. */
  push(chunk: Uint8Array): Uint8Array {
    this.#hold(chunk)
    this.#look(false)
    this.#give(false)
    this.#drop()
    return this.#output.take()
  }

  /** Gives out the rest of the value. */
  end(): Uint8Array {
    this.#look(true)
    this.#give(true)
    this.#findings.clear()
    this.#isSwallowing = false
    this.#dropped = this.#length = this.#looked = this.#given = this.#block = this.#open = 0
    return this.#output.take()
  }

  #hold(chunk: Uint8Array): void {
    const length = this.#length + chunk.length
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(2 * length)
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    this.#bytes.set(chunk, this.#length)
    this.#length = length
  }

  #look(isEnd: boolean): void {
    const window = this.#window
    window.set(this.#bytes, 0, this.#length)
    window.isStart = this.#dropped === 0
    window.isEnd = isEnd
    this.#goOn(window)
    window.from = this.#looked
    window.to = isEnd ? this.#length : Math.max(this.#looked, this.#length - LOOK_AHEAD_BYTES)
    this.#detection.findPart(window, this.#findings)
    this.#looked = window.to
    this.#open = window.open
    for (let index = 0; index < EXTENSIONS.length; index++)
      this.#openAt[index] = window.extendedTo[index] ?? 0
    this.#lookForPatterns(isEnd)
  }

  /** Extends the findings that reached the end of what there was. */
  #goOn(window: Window): void {
    const findings = this.#findings
    const open = this.#open
    const last = findings.count - 1
    if (open === 0 || last < 0) return
    const start = findings.starts[last] ?? 0
    const mask = findings.masks[last] ?? 0
    for (let index = 0; index < EXTENSIONS.length; index++) {
      const extension = EXTENSIONS[index]
      if (extension === undefined || (open & (1 << index)) === 0) continue
      findings.add(start, window.extend(extension, this.#openAt[index] ?? 0), mask)
    }
  }

  #lookForPatterns(isEnd: boolean): void {
    const { patterns } = this.#detection
    if (patterns === undefined) return
    const needed = isEnd ? 1 : PATTERN_BLOCK_BYTES + MATCH_BYTES_MAX + 3
    for (; this.#block + needed <= this.#length; this.#block += PATTERN_BLOCK_BYTES)
      patterns.findInBlock(this.#bytes, 0, this.#block, this.#length, this.#findings)
  }

  /** Up to here no finding begins any more that is not known. */
  #decided(isEnd: boolean): number {
    if (isEnd) return this.#length
    const behind = this.#looked - LOOK_BEHIND_BYTES
    return this.#detection.patterns === undefined ? behind : Math.min(behind, this.#block)
  }

  #give(isEnd: boolean): void {
    const findings = this.#findings
    const decided = this.#decided(isEnd)
    let done = 0
    for (; done < findings.count; done++) {
      const start = findings.starts[done] ?? 0
      const end = findings.ends[done] ?? 0
      if (start >= decided) break
      this.#giveClear(start)
      if (end > decided && end - start <= FINDING_BYTES_MAX) break
      if (!this.#isSwallowing) this.#giveReplacement(findings.masks[done] ?? 0, start, end)
      this.#given = Math.min(end, decided)
      this.#isSwallowing = end > decided
      if (end > decided) break
    }
    if (!this.#isSwallowing) this.#giveClear(Math.min(decided, this.#nextStart(done, decided)))
    findings.shift(done, 0)
  }

  #nextStart(index: number, otherwise: number): number {
    return index < this.#findings.count ? (this.#findings.starts[index] ?? 0) : otherwise
  }

  #giveClear(end: number): void {
    if (end <= this.#given) return
    this.#output.add(this.#bytes, this.#given, end)
    this.#given = end
  }

  #giveReplacement(mask: number, start: number, end: number): void {
    const replacement = replacementOf(this.#replace, mask, this.#bytes, start, end)
    this.#output.add(replacement, 0, replacement.length)
  }

  #firstOfPatterns(): number {
    if (this.#detection.patterns === undefined) return this.#length
    return this.#block - PATTERN_CONTEXT_BYTES
  }

  /** Forgets what is given out and no longer looked at. */
  #drop(): void {
    const looked = Math.min(this.#looked - LOOK_BEHIND_BYTES, this.#firstOfPatterns())
    const kept = Math.min(this.#given, looked)
    if (kept <= 0) return
    this.#dropped += kept
    this.#bytes.copyWithin(0, kept, this.#length)
    this.#length -= kept
    this.#looked -= kept
    this.#given -= kept
    this.#block -= kept
    for (let index = 0; index < this.#openAt.length; index++)
      this.#openAt[index] = (this.#openAt[index] ?? 0) - kept
    this.#findings.shift(0, kept)
  }
}
