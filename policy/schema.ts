// The shape of the policy file: one strict zod schema from which validation, defaults, the reference
// page and the JSON Schema for editors all come. It knows nothing of references between parts.

import { z } from 'zod'
import { durationMs } from './duration.js'
import {
  absolutePath,
  approvalFields,
  claimName,
  duration,
  matcher,
  name,
  scalar,
  text,
  wait,
} from './fields.js'
import { issuer } from './issuer-schema.js'
import { allowLine, askLine, blockLine } from './lines.js'
import { mask, masks } from './masks-schema.js'
import { breakGlass, timeWindow } from './access-schema.js'

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/

/** Vault's own paths (`auth/`, `sys/` …) hold its tokens and keys. */
const VAULT_PATH =
  /^(?!(?:auth|sys|identity|cubbyhole)\/)[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+$/

const secret = z
  .strictObject({
    env: z
      .string()
      .regex(VARIABLE, 'must be the name of an environment variable')
      .optional()
      .describe('Name of the environment variable of the gateway that holds it.'),
    file: absolutePath()
      .optional()
      .describe('Absolute path of the file on the gateway that holds it.'),
    stored: name().optional().describe('Name under which it was stored, encrypted, with Warder.'),
    vault: z
      .strictObject({
        path: z
          .string()
          .max(512)
          .regex(VAULT_PATH, 'must be a path of a KV engine, such as secret/data/orders')
          .describe('API path without `/v1/`; a KV version 2 engine has `data/` in it.'),
        field: text(256).describe('Field of the secret that holds the password.'),
      })
      .optional()
      .describe('Where HashiCorp Vault or OpenBao holds it.'),
  })
  .refine(
    (reference) => Object.values(reference).filter((value) => value !== undefined).length === 1,
    'must name exactly one of env, file, stored and vault; a secret never stands in the policy',
  )

const resource = z.strictObject({
  name: name().describe('What callers connect to (the database name of a PostgreSQL client).'),
  protocol: z
    .literal('postgres', {
      error: ({ input }) =>
        input === undefined
          ? 'is missing: write postgres'
          : 'must be postgres: it is the only protocol so far',
    })
    .describe('How callers speak to it.'),
  address: z
    .string()
    .regex(
      /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]):[1-9][0-9]{0,4}$/,
      'must be host:port (an IPv6 address in brackets)',
    )
    .refine(
      (address) => Number(address.slice(address.lastIndexOf(':') + 1)) <= 65_535,
      'has no such port',
    )
    .describe('`host:port` of the target, as the gateway reaches it.'),
  database: text(63)
    .optional()
    .describe('Database that a connection naming only the resource gets.'),
  labels: z
    .record(claimName(), scalar.describe('The value of the label.'))
    .default({})
    .describe('Free labels, such as `env: prod`.'),
  owner: text(256).optional().describe('Who answers for it; shown to people.'),
  credential: z
    .strictObject({
      user: text(63).describe('Name that the gateway logs in with.'),
      password: secret.describe('Where its password is found.'),
    })
    .describe('The credential that the gateway presents; callers never see it.'),
  tls: z
    .enum(['verify-full', 'verify-ca', 'require', 'off'])
    .default('verify-full')
    .describe(
      'How the target proves who it is. `require` encrypts without proof; `off` only for a target on the same host.',
    ),
  tlsAuthority: absolutePath()
    .optional()
    .describe(
      'Absolute path of the PEM file with the authority of its certificate; the system’s if absent.',
    ),
})

const role = z
  .strictObject({
    name: name().describe('What callers ask for (the user name of a PostgreSQL client).'),
    on: z.array(name()).min(1).describe('Resources where the role exists.'),
    allow: z
      .array(allowLine)
      .default([])
      .describe(
        'What passes: the effect of the command, and each relation that it uses, must be named.',
      ),
    ask: z.array(askLine).default([]).describe('What waits for people; comes before `allow`.'),
    block: z
      .array(blockLine)
      .default([])
      .describe('What is refused, whatever the other lines say.'),
    otherwise: z
      .enum(['block', 'ask'])
      .default('block')
      .describe('What becomes of whatever no line names.'),
    approvers: approvalFields.approvers
      .optional()
      .describe('Approver group for `otherwise: ask`; required there, and only there.'),
    quorum: approvalFields.quorum
      .unwrap()
      .optional()
      .describe('Quorum for `otherwise: ask`; 1 if absent.'),
    timeout: duration().optional().describe('Timeout for `otherwise: ask`; `15m` if absent.'),
    reason: approvalFields.reason
      .unwrap()
      .optional()
      .describe('Whether who decides about `otherwise: ask` has to say why; `optional` if absent.'),
    wait: wait().unwrap().optional().describe('As in ask lines, for `otherwise: ask`.'),
    plans: z
      .strictObject(approvalFields)
      .optional()
      .describe(
        'Who approves a plan: statements that are shown with the request for access, and pass once each, in order. Without it the role takes none.',
      ),
  })
  .superRefine((value, context) => {
    if (value.otherwise === 'ask' && value.approvers === undefined)
      context.addIssue({
        code: 'custom',
        path: ['approvers'],
        message: 'is missing: `otherwise: ask` needs approvers',
      })
    if (value.otherwise === 'ask') return
    for (const key of ['approvers', 'quorum', 'timeout', 'reason', 'wait'] as const)
      if (value[key] !== undefined)
        context.addIssue({ code: 'custom', path: [key], message: 'is only for `otherwise: ask`' })
  })

const access = z
  .strictObject({
    who: matcher.describe('Who gets the role.'),
    role: name().describe('Which role.'),
    on: z
      .array(name())
      .min(1)
      .optional()
      .describe('Only on these resources of the role; all of them if absent.'),
    for: duration().describe('How long a grant lasts if the caller names no time.'),
    max: duration()
      .optional()
      .describe('How long a grant may last, with extensions; `for` if absent.'),
    reason: z
      .enum(['required', 'optional'])
      .default('optional')
      .describe('Whether the caller has to say why.'),
    windows: z
      .array(timeWindow)
      .min(1)
      .max(32)
      .optional()
      .describe(
        'When the rule applies; at any time if absent. A grant ends with its window at the latest.',
      ),
    breakGlass: breakGlass.optional(),
    approval: z
      .strictObject(approvalFields)
      .optional()
      .describe('Who must agree first; nobody if absent.'),
  })
  .refine((value) => value.max === undefined || durationMs(value.for) <= durationMs(value.max), {
    path: ['for'],
    message: 'must not be longer than max',
  })

  .refine((value) => value.breakGlass === undefined || value.approval !== undefined, {
    path: ['breakGlass'],
    message: 'is only for a rule that asks people: there is nothing else to break',
  })

const approvers = z.strictObject({
  members: z.array(matcher).min(1).describe('Who belongs to it: a caller that fits any of these.'),
  escalate: z
    .strictObject({
      after: duration().describe(
        'How long after a question was put; shorter than every timeout that this group is given.',
      ),
      to: name().describe('Approver group whose members may answer as well from then on.'),
    })
    .optional()
    .describe('Who may answer as well when not enough of this group have; nobody if absent.'),
})

const dutyGroups = () => z.array(name()).default([])

/** The items of each section, to check the good ones when others are broken. */
export const SECTION_ITEMS = {
  issuers: issuer,
  resources: resource,
  roles: role,
  masks: mask,
  access,
  approvers,
}

/** The whole policy file. */
export const POLICY_SCHEMA = z.strictObject({
  gateway: z
    .strictObject({
      audience: text(1_024)
        .optional()
        .describe('The `aud` that tokens must carry, one URI for this installation.'),
      audit: z
        .enum(['fast', 'strict'])
        .default('fast')
        .describe(
          '`strict`: reads too are durable in the audit log before they are forwarded; `fast`: they follow within 100 ms.',
        ),
      serviceKeys: z
        .enum(['allow', 'refuse'])
        .default('refuse')
        .describe(
          'Whether registered static keys (`warder service-key`) are accepted beside tokens; rules name their callers by the issuer `service-key`.',
        ),
    })
    .prefault({})
    .describe('The gateway as callers know it.'),
  issuers: z.array(issuer).default([]).describe('Identity providers whose tokens are accepted.'),
  resources: z.array(resource).default([]).describe('What is protected.'),
  roles: z.array(role).default([]).describe('What a grant may do.'),
  masks: masks.default([]).describe('What nobody sees in the clear, but a few roles.'),
  access: z
    .array(access)
    .default([])
    .describe('Who gets which role, for how long, and who must agree.'),
  approvers: z
    .record(name(), approvers.describe('An approver group.'))
    .default({})
    .describe('Groups of people who decide.'),
  duties: z
    .strictObject({
      revoke: dutyGroups().describe('Approver groups that may end any grant at once.'),
      apply: dutyGroups().describe('Approver groups that may apply a policy and store secrets.'),
      audit: dutyGroups().describe('Approver groups that may read the audit log and recordings.'),
      secondPerson: z
        .boolean()
        .default(false)
        .describe(
          '`true`: a policy comes into force when another person with the duty `apply` confirms it. The policy in force decides whether that is so.',
        ),
    })
    .prefault({})
    .describe('Who may do what is not a decision.'),
})

/** The policy file after validation, with defaults filled in. */
export type PolicyDocument = z.output<typeof POLICY_SCHEMA>
