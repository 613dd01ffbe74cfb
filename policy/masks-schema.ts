// The masks of the policy file: which columns, and which finds in any value, nobody but a few roles
// sees in the clear. Shapes only; whether what they name exists is said by references.ts.

import { checkPattern, PATTERN_LENGTH_MAX } from './detect/patterns.js'
import { z } from 'zod'
import { COLUMN_PATTERN } from './column-pattern.js'
import { DETECTOR_NAMES } from './detect/names.js'
import { approvalFields, claimName, duration, name, scalar, values } from './fields.js'
import { MASK_METHODS } from './masking.js'

/** Each mask costs a comparison for every column of a result. */
const MASK_COUNT_MAX = 500
const COLUMN_COUNT_MAX = 1_000
/** Longer patterns are programs; the engine's memory grows with them. */
const PATTERN_COUNT_MAX = 20
/** What replaces a value should be short: it stands in every row. */
const VALUE_LENGTH_MAX = 256

const columns = z
  .array(
    z
      .string()
      .regex(
        COLUMN_PATTERN,
        'must be RESOURCE/schema.relation.column in exact case, without quotes; RESOURCE, relation and column may be *, and so may schema.relation as a whole',
      )
      .meta({ title: 'column pattern' }),
  )
  .min(1)
  .max(COLUMN_COUNT_MAX)

const patterns = z
  .array(
    z.strictObject({
      name: name().describe('What such a find is called.'),
      pattern: z
        .string()
        .min(1)
        .max(PATTERN_LENGTH_MAX)
        .describe('Regular expression in RE2 syntax (no look-around, no back reference).'),
    }),
  )
  .min(1)
  .max(PATTERN_COUNT_MAX)

const place = z.union(
  [
    z.array(name()).min(1),
    z
      .record(
        claimName(),
        values().describe('The value that the label must have, or a list of which one fits.'),
      )
      .refine((labels) => Object.keys(labels).length > 0, 'names no label'),
  ],
  { error: 'must be a list of resources, or labels such as { env: prod }' },
)

/** YAML reads a bare `null` as no text at all; here it is the name of a method. */
const how = z
  .preprocess((value) => (value === null ? 'null' : value), z.enum(MASK_METHODS))
  .meta({
    type: ['string', 'null'],
    enum: MASK_METHODS.map((one) => (one === 'null' ? null : one)),
  })

const replacement = scalar
  .refine(
    (value) => String(value).length <= VALUE_LENGTH_MAX && !/\p{Cc}/u.test(String(value)),
    `must have at most ${VALUE_LENGTH_MAX} characters, and no control characters`,
  )
  .meta({ title: 'text' })

const fields = z.strictObject({
  columns: columns
    .optional()
    .describe(
      '`RESOURCE/schema.relation.column`, followed through views. `*` may stand for RESOURCE, relation, column, or schema.relation as a whole.',
    ),
  detect: z
    .array(z.enum(DETECTOR_NAMES))
    .min(1)
    .optional()
    .describe('What is looked for in all values, instead of `columns`.'),
  patterns: patterns.optional().describe('What else is looked for in all values.'),
  on: place
    .optional()
    .describe(
      'Where values are searched: a list of resources, or labels that they carry; everywhere if absent. Only for `detect` and `patterns`.',
    ),
  how: how.describe(
    'What stands in place of the value. `redact`: nothing of it; `last4`: its last four characters; `hash`: a keyed hash, so that equal values stay equal; `null`: NULL; `fixed`: the text of `value`. Where several masks fit a column, null comes before fixed, redact, hash and last4.',
  ),
  value: replacement
    .optional()
    .describe('The text of `how: fixed`; required there, and only there.'),
  except: z.array(name()).min(1).optional().describe('Roles that see it in the clear.'),
  derived: z
    .enum(['block', 'ask'])
    .optional()
    .describe(
      'What becomes of a command that computes with the columns or copies them; `block` if absent. Only for `columns`.',
    ),
  conditions: z
    .enum(['block', 'ask', 'allow'])
    .optional()
    .describe(
      'What becomes of a command that filters, joins, groups or sorts by the columns, and so could guess them; `block` if absent. Only for `columns`.',
    ),
  approvers: approvalFields.approvers
    .optional()
    .describe('Approver group for `ask`; required there, and only there.'),
  quorum: approvalFields.quorum.unwrap().optional().describe('Quorum for `ask`; 1 if absent.'),
  timeout: duration().optional().describe('Timeout for `ask`; `15m` if absent.'),
  reason: approvalFields.reason
    .unwrap()
    .optional()
    .describe('Whether who decides has to say why; `optional` if absent.'),
})

type Fields = z.output<typeof fields>
type Complain = (path: (string | number)[], message: string) => void

const asks = ({ derived, conditions }: Fields): boolean => derived === 'ask' || conditions === 'ask'

/** What the keys of one mask say of each other. */
function checkTogether(mask: Fields, complain: Complain): void {
  const only = (keys: readonly (keyof Fields)[], what: string) => {
    for (const key of keys) if (mask[key] !== undefined) complain([key], `is only for ${what}`)
  }
  if (mask.columns !== undefined)
    only(['detect', 'patterns', 'on'], 'a mask without columns: make it one of its own')
  else {
    only(['derived', 'conditions'], 'masks of columns')
    if (mask.detect === undefined && mask.patterns === undefined)
      complain([], 'masks nothing: name columns, or what to detect')
  }
  if (mask.how !== 'fixed') only(['value'], '`how: fixed`')
  else if (mask.value === undefined) complain(['value'], 'is missing: `how: fixed` needs it')
  if (!asks(mask))
    only(['approvers', 'quorum', 'timeout', 'reason'], '`derived: ask` or `conditions: ask`')
  else if (mask.approvers === undefined)
    complain(['approvers'], 'is missing: `ask` needs approvers')
  checkPatterns(mask.patterns ?? [], complain)
}

function checkPatterns(patterns: NonNullable<Fields['patterns']>, complain: Complain): void {
  const names = new Set<string>(DETECTOR_NAMES)
  patterns.forEach(({ name: own, pattern }, at) => {
    const why = checkPattern(pattern)
    if (why !== undefined) complain(['patterns', at, 'pattern'], why)
    if (names.has(own))
      complain(['patterns', at, 'name'], 'is the name of another pattern or detector')
    names.add(own)
  })
}

/** Fills in what is absent, so that two masks that mean the same are the same. */
function withDefaults(mask: Fields): Fields {
  const { derived = 'block', conditions = 'block', quorum = 1, timeout = '15m' } = mask
  if (mask.columns === undefined) return mask
  return { ...mask, derived, conditions, ...(asks(mask) ? { quorum, timeout } : {}) }
}

/** One mask: of columns, or of what is found in values. */
export const mask = fields
  .superRefine((value, context) => {
    checkTogether(value, (path, message) => {
      context.addIssue({ code: 'custom', path, message })
    })
  })
  .transform(withDefaults)

/** All masks of a policy. */
export const masks = z.array(mask).max(MASK_COUNT_MAX)
