// The lines of a replay, as they leave the API and as the CLI reads them.

import { z } from 'zod'

const moment = { offsetMs: z.number() }
const value = z.string().nullable()

/** One line of a replay. */
export const replayLine = z.discriminatedUnion('type', [
  z.object({
    ...{ type: z.literal('record'), ...moment, kind: z.string(), text: z.string() },
    statement: z.array(z.string()),
  }),
  z.object({
    ...{ type: z.literal('command'), ...moment, number: z.number(), text: z.string() },
    ...{ parameters: z.array(z.string()), effect: z.string(), outcome: z.string() },
    ...{ tag: z.string(), sqlstate: z.string(), durationMs: z.number() },
    reviewId: z.string().optional(),
    reasons: z.array(z.string()).optional(),
  }),
  z.object({
    ...{ type: z.literal('rows'), ...moment, number: z.number(), omittedRows: z.number() },
    columns: z.array(z.object({ name: z.string() })),
    rows: z.array(z.array(value)),
    unreadable: z.string().optional(),
  }),
  z.object({
    ...{ type: z.literal('output'), ...moment, number: z.number(), text: z.string() },
    omittedBytes: z.number(),
  }),
  z.object({
    ...{ type: z.literal('decision'), ...moment, number: z.number(), reviewId: z.string() },
    ...{ state: z.string(), by: z.string() },
  }),
  z.object({
    ...{ type: z.literal('finding'), fault: z.string(), text: z.string() },
    chunk: z.number().optional(),
    commands: z.object({ first: z.number(), last: z.number() }).optional(),
  }),
  z.object({
    ...{ type: z.literal('end'), isRecorded: z.boolean() },
    faults: z.record(z.string(), z.number()),
  }),
])
/** The same, read. */
export type ReplayLine = z.output<typeof replayLine>
