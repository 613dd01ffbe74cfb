// The policy as it is judged by: validated, frozen, and compiled so that a verdict costs
// microseconds. No file, no YAML, no clock.

import type { Effect } from '../core/command.js'
import type { Resource } from '../core/resource.js'
import type { Approval, BreakGlass, Verdict } from '../core/verdict.js'
import type { MaskingTable } from './masking.js'
import type { PolicyDocument } from './schema.js'
import type { TimeWindow } from './windows.js'

/** An issuer whose tokens are accepted, with every default filled in. */
export interface Issuer {
  /** The first half of every `issuer/subject`. */
  readonly name: string
  /** Exactly the `iss` of its tokens, or `spiffe://TRUST-DOMAIN`. */
  readonly issuer: string
  readonly audience: string
  /** What a token may be made out to besides. */
  readonly audiencesAlso: readonly string[]
  readonly algorithms: readonly string[]
  /** Where its keys are; found by discovery when absent. */
  readonly jwksUri?: string | undefined
  /** Whether its names may lead to addresses that are not public. */
  readonly network: 'public' | 'private'
  /** How long its keys are good for while it can't be reached. */
  readonly keysKeptMs: number
  readonly clockToleranceS: number
  readonly tokenAgeMaxS: number
  /** Claims (by path) that a token must carry, with the values that will do. */
  readonly require: Readonly<Record<string, readonly string[]>>
  /** `once`: a token opens one request. `bind`: it is good for its first caller's address only. */
  readonly replay: 'once' | 'bind' | 'none'
  /** The claim that lists groups. */
  readonly groups?: string | undefined
  /** A list of so many groups may have been cut by the issuer. */
  readonly groupsCutAt: number
  /** Claim paths by the names of the attributes that they become. */
  readonly attributes: Readonly<Record<string, string>>
  /** Claims that name the people behind a job. */
  readonly parties: readonly string[]
  /** Claims that hold the name this caller has at another issuer, by that issuer's name. */
  readonly aliases: Readonly<Record<string, readonly string[]>>
}

/** Who is meant: every condition has to hold; what is absent is not asked about. */
export interface Matcher {
  readonly issuer: string
  readonly subjects?: ReadonlySet<string> | undefined
  readonly groups?: ReadonlySet<string> | undefined
  /** `issuer/subject` of who may act for the subject; nobody may when absent. */
  readonly actors?: ReadonlySet<string> | undefined
  readonly claims: readonly (readonly [claim: string, values: ReadonlySet<string>])[]
}

/** Relation patterns, taken apart for fast comparison. */
export interface RelationPatterns {
  /** `*` is among them. */
  readonly all: boolean
  readonly names: ReadonlySet<string>
  /** `schema.` for each `schema.*`. */
  readonly prefixes: readonly string[]
}

/** What a line of a role matches; what is absent is not asked about. */
export interface Line {
  /** Names the line in reasons: `role orders-migrator, ask line 1`. */
  readonly label: string
  readonly effects?: ReadonlySet<Effect> | undefined
  readonly statements?: ReadonlySet<string> | undefined
  readonly relations?: RelationPatterns | undefined
  /** Only an UPDATE or DELETE of the whole table. */
  readonly withoutWhere: boolean
}

/** An allow line with the verdict it gives, made once. */
export interface AllowLine extends Line {
  readonly effects: ReadonlySet<Effect>
  readonly verdict: Verdict
}

/** An ask line with whom it asks. */
export interface AskLine extends Line {
  readonly approval: Approval
}

/** What a grant may do. */
export interface Role {
  readonly name: string
  /** Resources where the role exists. */
  readonly on: readonly string[]
  readonly allow: readonly AllowLine[]
  readonly ask: readonly AskLine[]
  readonly block: readonly Line[]
  /** Whom to ask about whatever no line names; absent means it is blocked. */
  readonly otherwise?: Approval | undefined
  /** Who approves plans; absent means that none are taken. */
  readonly plans?: Approval | undefined
  /** BEGIN, COMMIT and harmless SETs pass by this, in a role that allows anything at all. */
  readonly sessionControl?: Verdict | undefined
}

/** Who gets which role, for how long, and who must agree. */
export interface AccessRule {
  /** Names the rule in reasons: `access rule 2`. */
  readonly label: string
  readonly who: Matcher
  readonly role: string
  readonly on: readonly string[]
  readonly durationMs: number
  readonly durationMsMax: number
  readonly reasonRequired: boolean
  /** When it applies; always when absent. */
  readonly windows?: readonly TimeWindow[] | undefined
  readonly approval?: Approval | undefined
  /** How it is passed by in an emergency, and for how long (ms) at most. */
  readonly breakGlass?: (BreakGlass & { readonly durationMsMax: number }) | undefined
}

/** What is entitled by membership of an approver group, other than deciding. */
export type Duty = 'revoke' | 'apply' | 'audit'

/** One version of the rules, immutable. Every verdict, card and audit event names its digest. */
export interface Policy {
  /** Hex SHA-256 of `source`. */
  readonly digest: string
  /** The YAML text it was read from. */
  readonly source: string
  /** The same as plain data with defaults, for comparing and showing. */
  readonly document: PolicyDocument
  readonly issuers: ReadonlyMap<string, Issuer>
  readonly resources: ReadonlyMap<string, Resource>
  readonly roles: ReadonlyMap<string, Role>
  /** What is masked; asked by `maskingFor`. */
  readonly masking: MaskingTable
  readonly access: readonly AccessRule[]
  /** Members of each approver group. */
  readonly approvers: ReadonlyMap<string, readonly Matcher[]>
  readonly duties: Readonly<Record<Duty, readonly string[]>>
  /** Another person has to confirm each policy that is to replace this one. */
  readonly secondPerson: boolean
  /** Reads too are durable in the audit log before they are forwarded. */
  readonly auditStrict: boolean
  /** Registered static keys are accepted beside tokens. */
  readonly acceptsServiceKeys: boolean
}
