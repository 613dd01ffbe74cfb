// Durations as people write them: `30s`, `15m`, `2h`, `1d`. No clock here.

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A whole number and a unit. */
export const DURATION = /^[1-9][0-9]{0,6}[smhd]$/

/** Nothing that Warder grants or waits for lasts longer: beyond a week it is standing access. */
export const DURATION_MS_MAX = 7 * 86_400_000

/** The length of a duration in ms; NaN for text that is not of the form of `DURATION`. */
export function durationMs(text: string): number {
  if (!DURATION.test(text)) return NaN
  return Number(text.slice(0, -1)) * (UNIT_MS[text.slice(-1)] ?? NaN)
}

/** The shortest exact form: `90m`, `2h`. A rest below a second is shown in ms. */
export function durationText(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'])
    if (ms > 0 && ms % (UNIT_MS[unit] ?? NaN) === 0) return `${ms / (UNIT_MS[unit] ?? NaN)}${unit}`
  return `${ms}ms`
}
