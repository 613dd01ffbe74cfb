// Turns the parts of an access rule that know time into what is judged by. It trusts the document and
// checks nothing.

import { durationMs } from './duration.js'
import type { AccessRule } from './policy.js'
import type { PolicyDocument } from './schema.js'
import { daysOf, minuteOf, wallClockOf, type TimeWindow } from './windows.js'

type RuleDocument = PolicyDocument['access'][number]

/** A window with the clock of its zone. */
export const windowOf = ({
  days,
  from,
  to,
  zone,
}: NonNullable<RuleDocument['windows']>[number]): TimeWindow => ({
  text: `${days.join(', ')} ${from}–${to} ${zone}`,
  days: new Set(days.flatMap(daysOf)),
  fromMinute: minuteOf(from),
  toMinute: minuteOf(to),
  wallClock: wallClockOf(zone),
})

/** The terms of an emergency. */
export const breakGlassOf = ({
  approvers,
  max,
  within,
  commands,
}: NonNullable<RuleDocument['breakGlass']>): NonNullable<AccessRule['breakGlass']> => ({
  ...{ approvers, commands },
  durationMsMax: durationMs(max),
  withinMs: durationMs(within),
})
