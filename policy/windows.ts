// When an access rule applies, by the clock on the wall of a time zone: a day and a time of day that it
// shows. Pure: the time comes in; the rules of each zone, summer time included, are the runtime's (Intl).

/** Days of the week, from Monday on. */
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

/** One of them. */
export type Day = (typeof DAYS)[number]

/** A stretch of the day on some days of the week. */
export interface TimeWindow {
  /** `mon-fri 09:00–17:00 Europe/Zurich`. */
  readonly text: string
  readonly days: ReadonlySet<Day>
  /** Minutes of the day; one that ends at or before its start ends on the next day. */
  readonly fromMinute: number
  readonly toMinute: number
  readonly wallClock: WallClock
}

/** What the clock shows at an epoch ms. */
export type WallClock = (at: number) => { readonly day: Day; readonly minute: number }

const MINUTE_MS = 60_000
/** Every zone is a whole number of these away from UTC, and changes its distance only at one. */
const ZONE_STEP_MINUTES = 15

const TIME = /^(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/
const ZONE = /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+){0,2}$/

/** The minute of the day of `09:30`; NaN for anything else. `24:00` is the end of the day. */
export function minuteOf(time: string): number {
  const parts = TIME.exec(time)
  if (parts === null) return NaN
  const [, hour, minute] = parts
  return hour === undefined ? 24 * 60 : Number(hour) * 60 + Number(minute)
}

/** True when the runtime knows the time zone. An offset such as `+01:00` knows no summer: it is none. */
export function isZone(zone: string): boolean {
  if (!ZONE.test(zone)) return false
  try {
    wallClockOf(zone)
    return true
  } catch {
    return false
  }
}

/** The days of `mon`, or of a range such as `fri-mon`; none for anything else. */
export function daysOf(text: string): readonly Day[] {
  const [first, last = first] = text.split('-').map((one) => DAYS.findIndex((day) => day === one))
  if (first === undefined || last === undefined || first < 0 || last < 0) return []
  const count = ((last - first + DAYS.length) % DAYS.length) + 1
  return Array.from({ length: count }, (_, at) => DAYS[(first + at) % DAYS.length] ?? 'mon')
}

/** The clock of a zone. @throws RangeError when there is no such zone */
export function wallClockOf(zone: string): WallClock {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: zone, hourCycle: 'h23' },
    ...{ weekday: 'short', hour: '2-digit', minute: '2-digit' },
  })
  return (at) => {
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]))
    const weekday = parts.get('weekday')?.toLowerCase()
    const day = DAYS.find((one) => one === weekday) ?? 'mon'
    return { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) }
  }
}

/** True when the clock of the window's zone shows one of its days and times. */
export function isOpen(window: TimeWindow, at: number): boolean {
  const { days, fromMinute, toMinute } = window
  const { day, minute } = window.wallClock(at)
  if (fromMinute < toMinute) return days.has(day) && minute >= fromMinute && minute < toMinute
  // Over midnight: the day is the one on which it began.
  return (days.has(day) && minute >= fromMinute) || (days.has(dayBefore(day)) && minute < toMinute)
}

const dayBefore = (day: Day): Day =>
  DAYS[(DAYS.indexOf(day) + DAYS.length - 1) % DAYS.length] ?? 'sun'

/**
 * Epoch ms from which none of the windows is open any more, or `latest` if that comes first; undefined
 * when none is open at `at`. Windows that follow on each other are one stretch.
 */
export function openUntil(
  windows: readonly TimeWindow[],
  at: number,
  latest: number,
): number | undefined {
  const isAnyOpen = (time: number) => windows.some((window) => isOpen(window, time))
  if (!isAnyOpen(at)) return undefined
  const boundaries = windows.flatMap(({ fromMinute, toMinute }) => [fromMinute, toMinute])
  const stepMs = boundaries.reduce(greatestCommonDivisor, ZONE_STEP_MINUTES) * MINUTE_MS
  for (let time = (Math.floor(at / stepMs) + 1) * stepMs; time < latest; time += stepMs)
    if (!isAnyOpen(time)) return time
  return latest
}

/** All of them in words. */
export const windowsText = (windows: readonly TimeWindow[]): string =>
  windows.map(({ text }) => text).join('; or ')

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
