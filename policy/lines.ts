// The lines of a role in the policy file: what passes, what waits for people, what is refused.

import { z } from 'zod'
import { EFFECTS } from '../core/command.js'
import { approvalFields, wait } from './fields.js'
import { STATEMENT_KINDS } from './statement-kinds.js'

/** `schema.name`, `schema.*` or `*`, in the exact case that the target stores. */
const RELATION = /^(?:\*|[^.*"\n]{1,63}\.(?:\*|[^.*"\n]{1,63}))$/

const effects = () => z.array(z.enum(EFFECTS)).min(1)
const statements = z
  .array(
    z
      .enum([...STATEMENT_KINDS.keys()], {
        error: 'must be a statement kind in kebab case, such as create-table',
      })
      .meta({ title: 'statement kind' }),
  )
  .min(1)
  .optional()
  .describe('[Statement kinds](#statement-kinds), such as `create-table`; any of them fits.')
const relations = z
  .array(
    z
      .string()
      .regex(RELATION, 'must be schema.name, schema.* or *; write the exact case, without quotes'),
  )
  .min(1)
  .optional()
  .describe('`schema.name`, `schema.*` or `*`, in exact case; absent means every relation.')
const matchFields = {
  effects: effects().optional().describe('Effects of the command; any of them fits.'),
  statements,
  relations,
  without: z
    .literal('where')
    .optional()
    .describe('`where`: an UPDATE or DELETE that names the whole table.'),
}

/** A line without any condition would match everything; that has to be said, not forgotten. */
const statesSomething = (line: { [K in keyof typeof matchFields]?: unknown }): boolean =>
  (Object.keys(matchFields) as (keyof typeof matchFields)[]).some((key) => line[key] !== undefined)
const EMPTY_LINE = 'states no condition: name effects, statements, relations or without'

/** What is refused, whatever the other lines say. */
export const blockLine = z.strictObject(matchFields).refine(statesSomething, EMPTY_LINE)

/** What waits for people. */
export const askLine = z
  .strictObject({ ...matchFields, ...approvalFields, wait: wait() })
  .refine(statesSomething, EMPTY_LINE)

/** What passes. */
export const allowLine = z.strictObject({
  effects: effects().describe(
    'Effects that are allowed; required, so that nothing is allowed by omission.',
  ),
  statements,
  relations,
})
