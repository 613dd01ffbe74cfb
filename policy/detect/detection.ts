// What is looked for under one policy, compiled: which masks want what, and the three questions that
// the wire asks. Pure, no allocation per value. An aid, not a boundary: what it does not know, it
// does not find.

import type { DetectMask, MaskMethod } from '../masking.js'
import { Findings } from './findings.js'
import { DETECTOR_NAMES } from './names.js'
import { PatternSet } from './patterns.js'
import { scan } from './scan.js'
import type { Scan } from './scan.js'
import { Window } from './window.js'
import type { Sink } from './window.js'

/** From the method that tells least to the one that tells most. */
const STRICTNESS: readonly MaskMethod[] = ['null', 'redact', 'fixed', 'hash', 'last4']

const NOBODY = -1

/** What to look for. Not for two users at a time: it reuses what it works with. */
export class Detection {
  /** The masks that findings name by their place here, strictest first. */
  readonly masks: readonly DetectMask[]
  /** The patterns of the policy's own. */
  readonly patterns: PatternSet | undefined
  /** For each detector the mask that wants it, or -1. */
  readonly #maskOf: readonly number[]
  readonly #window: Window
  readonly #scan: Scan
  readonly #collector: Collector
  readonly #prefilter: Prefilter

  constructor(masks: readonly DetectMask[]) {
    this.masks = masks.toSorted((one, other) => strictness(one) - strictness(other))
    this.#maskOf = DETECTOR_NAMES.map((name) =>
      this.masks.findIndex(({ detectors }) => detectors.includes(name)),
    )
    const wants = (...names: readonly string[]) =>
      DETECTOR_NAMES.some((name, at) => names.includes(name) && this.#maskOf[at] !== NOBODY)
    this.#collector = new Collector(this.#maskOf)
    this.#window = new Window(this.#collector)
    this.#scan = {
      window: this.#window,
      hasAddresses: wants('email', 'url-password'),
      hasRuns: wants(...DETECTOR_NAMES.filter((name) => !['email', 'url-password'].includes(name))),
      ...{ isOver: false, runEnd: 0, numberEnd: 0 },
    }
    this.#prefilter = new Prefilter(this.#maskOf, this.#scan)
    const patterns = this.masks.flatMap((mask, at) =>
      mask.patterns.map(({ pattern }) => ({ pattern, mask: at })),
    )
    this.patterns = patterns.length === 0 ? undefined : new PatternSet(patterns)
  }

  /**
   * False only when no value that lies within these bytes has a finding, whatever binary framing
   * (Int32 lengths, message types) stands between values. True says nothing. Always true with patterns.
   */
  mayContain(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.patterns !== undefined) return end > start
    const window = this.#window
    window.set(bytes, start, end)
    window.isFramed = true
    window.sink = this.#prefilter
    this.#scan.window = window
    this.#scan.isOver = false
    scan(this.#scan)
    return this.#scan.isOver
  }

  /** Finds everything in one whole value; clears `findings` first and returns how many there are. */
  find(bytes: Uint8Array, start: number, end: number, findings: Findings): number {
    findings.clear()
    this.#window.set(bytes, start, end)
    this.findPart(this.#window, findings)
    this.patterns?.find(bytes, start, end, findings)
    return findings.count
  }

  /** Finds what is anchored in a window, which may be a part of a value, and adds it. */
  findPart(window: Window, findings: Findings): void {
    this.#collector.findings = findings
    window.sink = this.#collector
    this.#scan.window = window
    this.#scan.isOver = false
    scan(this.#scan)
  }
}

const strictness = ({ how }: DetectMask): number => STRICTNESS.indexOf(how)

/** Adds to findings what a mask wants. */
class Collector implements Sink {
  findings = new Findings()
  readonly #maskOf: readonly number[]

  constructor(maskOf: readonly number[]) {
    this.#maskOf = maskOf
  }

  wants(detector: number): boolean {
    return this.#maskOf[detector] !== NOBODY
  }

  report(detector: number, start: number, end: number): void {
    const mask = this.#maskOf[detector] ?? NOBODY
    if (mask !== NOBODY) this.findings.add(start, end, mask)
  }
}

/** Ends the scan with the first finding that a mask wants. */
class Prefilter implements Sink {
  readonly #maskOf: readonly number[]
  readonly #scan: Scan

  constructor(maskOf: readonly number[], over: Scan) {
    this.#maskOf = maskOf
    this.#scan = over
  }

  wants(detector: number): boolean {
    return this.#maskOf[detector] !== NOBODY
  }

  report(detector: number): void {
    if (this.wants(detector)) this.#scan.isOver = true
  }
}

/** Compiles what a role's masks look for. */
export const compileDetection = (masks: readonly DetectMask[]): Detection => new Detection(masks)
