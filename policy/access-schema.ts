// The parts of an access rule in the policy file that say when it applies, and how it is passed by in
// an emergency. Shapes only.

import { z } from 'zod'
import { durationMs } from './duration.js'
import { duration, name } from './fields.js'
import { daysOf, isZone, minuteOf } from './windows.js'

const time = () =>
  z
    .string()
    .refine((text) => !Number.isNaN(minuteOf(text)), 'must be a time such as 09:00, up to 24:00')
    .meta({ title: 'time' })

/** When a rule applies. */
export const timeWindow = z
  .strictObject({
    days: z
      .array(
        z
          .string()
          .refine(
            (text) => daysOf(text).length > 0,
            'must be mon, tue, wed, thu, fri, sat or sun, or a range such as mon-fri',
          )
          .meta({ title: 'day' }),
      )
      .min(1)
      .max(7)
      .describe('Days on which it begins: `mon`, or a range such as `mon-fri`.'),
    from: time().describe('Time of day at which it begins, such as `09:00`.'),
    to: time().describe(
      'Time of day at which it ends, such as `17:00`; at or before `from`: on the next day.',
    ),
    zone: z
      .string()
      .max(64)
      .refine(isZone, 'must be an IANA time zone, such as Europe/Zurich')
      .meta({ title: 'time zone' })
      .describe('Time zone of both, with its summer time.'),
  })
  .refine(({ from, to }) => minuteOf(from) !== minuteOf(to), {
    path: ['to'],
    message: 'must not be the time of `from`; 00:00 to 24:00 is a whole day',
  })
  .refine(({ from }) => from !== '24:00', {
    path: ['from'],
    message: 'must be before 24:00; 00:00 of the next day is the same time',
  })

/** How a rule that asks people is passed by in an emergency. */
export const breakGlass = z
  .strictObject({
    approvers: name().describe('Approver group that has to review it afterwards.'),
    max: duration().default('1h').describe('How long such a grant may last, with extensions.'),
    within: duration()
      .default('1d')
      .describe(
        'How long after the opening it has to be reviewed; until an overdue review is closed, the same caller gets no further break-glass.',
      ),
    commands: z
      .enum(['ask', 'allow'])
      .default('ask')
      .describe(
        'What becomes of commands that wait for people: `ask`: they wait as ever; `allow`: they run, on record.',
      ),
  })
  .refine(({ max, within }) => durationMs(max) <= durationMs(within), {
    path: ['within'],
    message: 'must not be shorter than max: the review begins when the grant is over',
  })
  .describe(
    'Whoever the rule means may open the grant at once, with a reason, at any time of day; it leaves a review to close. Not possible if absent.',
  )
