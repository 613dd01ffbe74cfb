// Reproducible chance: the same seed gives the same run. For tests only, never for secrets.

/** A generator of numbers in [0, 1) from a seed (mulberry32, public domain). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** The seed to run with: WARDER_TEST_SEED to repeat a run, otherwise a new one. */
export const seedOfRun = (): number =>
  Number(process.env['WARDER_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
