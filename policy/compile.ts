// Turns a validated document into the policy that is judged by. Everything that can be computed once
// is computed here; it trusts the document and checks nothing.

import type { Resource, SecretReference } from '../core/resource.js'
import type { Approval } from '../core/verdict.js'
import { approvalOf } from './compile-approval.js'
import { breakGlassOf, windowOf } from './compile-access.js'
import { compileMasks } from './compile-masks.js'
import { durationMs } from './duration.js'
import type {
  AccessRule,
  AllowLine,
  Issuer,
  Line,
  Matcher,
  Policy,
  RelationPatterns,
  Role,
} from './policy.js'
import type { PolicyDocument } from './schema.js'

type Scalar = string | number | boolean
type RoleDocument = PolicyDocument['roles'][number]
type Groups = PolicyDocument['approvers']
type MatcherDocument = PolicyDocument['access'][number]['who']

/** Builds the policy; the result and everything in it is frozen. */
export function compilePolicy(document: PolicyDocument, source: string, digest: string): Policy {
  const roles = new Map(document.roles.map((role) => [role.name, roleOf(role, document.approvers)]))
  return deepFreeze({
    digest,
    source,
    document,
    issuers: new Map(
      document.issuers.map((issuer) => [issuer.name, issuerOf(issuer, document.gateway.audience)]),
    ),
    resources: new Map(document.resources.map((resource) => [resource.name, resourceOf(resource)])),
    roles,
    masking: compileMasks(document),
    access: document.access.map((rule, at) =>
      accessRuleOf(rule, at, roles.get(rule.role), document.approvers),
    ),
    approvers: new Map(
      Object.entries(document.approvers).map(([name, { members }]) => [
        name,
        members.map(matcherOf),
      ]),
    ),
    duties: dutiesOf(document.duties),
    secondPerson: document.duties.secondPerson,
    auditStrict: document.gateway.audit === 'strict',
    acceptsServiceKeys: document.gateway.serviceKeys === 'allow',
  })
}

const dutiesOf = ({ revoke, apply, audit }: PolicyDocument['duties']): Policy['duties'] => ({
  ...{ revoke, apply, audit },
})

const list = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [value as T]
const texts = (value: Scalar | readonly Scalar[]): readonly string[] => list(value).map(String)
const setOf = (value: Scalar | readonly Scalar[] | undefined): ReadonlySet<string> | undefined =>
  value === undefined ? undefined : new Set(texts(value))

function issuerOf(document: PolicyDocument['issuers'][number], audience = ''): Issuer {
  const { keysKeptFor, ...issuer } = document
  return {
    ...issuer,
    keysKeptMs: durationMs(keysKeptFor),
    audience: issuer.audience ?? audience,
    require: mapValues(issuer.require, texts),
    aliases: mapValues(issuer.aliases, list),
  }
}

const mapValues = <T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))

function resourceOf(resource: PolicyDocument['resources'][number]): Resource {
  const { address, credential, labels, ...same } = resource
  const colon = address.lastIndexOf(':')
  return {
    ...same,
    host: address.slice(0, colon).replace(/^\[|\]$/g, ''),
    port: Number(address.slice(colon + 1)),
    labels: mapValues(labels, String),
    credential: { user: credential.user, password: secretOf(credential.password) },
  }
}

function secretOf(secret: {
  env?: string | undefined
  file?: string | undefined
  stored?: string | undefined
  vault?: { readonly path: string; readonly field: string } | undefined
}): SecretReference {
  if (secret.env !== undefined) return { env: secret.env }
  if (secret.file !== undefined) return { file: secret.file }
  if (secret.vault !== undefined) return { vault: secret.vault }
  return { stored: secret.stored ?? '' }
}

function matcherOf({ issuer, subject, group, actor, ...claims }: MatcherDocument): Matcher {
  return {
    issuer,
    subjects: setOf(subject),
    groups: setOf(group),
    actors: setOf(actor),
    claims: Object.entries(claims).map(([claim, value]) => [claim, new Set(texts(value))]),
  }
}

function roleOf(role: RoleDocument, groups: Groups): Role {
  const label = (kind: string, at: number) => `role ${role.name}, ${kind} line ${at + 1}`
  return {
    name: role.name,
    on: role.on,
    allow: role.allow.map((line, at) => allowLineOf(line, label('allow', at))),
    ask: role.ask.map((line, at) => ({
      ...lineOf(line, label('ask', at)),
      approval: approvalOf(line, groups),
    })),
    block: role.block.map((line, at) => lineOf(line, label('block', at))),
    otherwise: otherwiseOf(role, groups),
    plans: role.plans === undefined ? undefined : approvalOf(role.plans, groups),
    sessionControl:
      role.allow.length === 0
        ? undefined
        : allowed(`role ${role.name}: it keeps the session in order`),
  }
}

const allowed = (text: string) =>
  ({ outcome: 'allow', reasons: [{ code: 'allowed-by-rule', text }] }) as const

function allowLineOf(line: RoleDocument['allow'][number], label: string): AllowLine {
  const effects = new Set(line.effects)
  return {
    ...lineOf(line, label),
    effects,
    verdict: allowed(`${label}: it allows ${[...effects].join(', ')}`),
  }
}

function lineOf(line: Partial<RoleDocument['block'][number]>, label: string): Line {
  return {
    label,
    effects: line.effects === undefined ? undefined : new Set(line.effects),
    statements: setOf(line.statements),
    relations: line.relations === undefined ? undefined : patternsOf(line.relations),
    withoutWhere: line.without === 'where',
  }
}

const patternsOf = (patterns: readonly string[]): RelationPatterns => ({
  all: patterns.includes('*'),
  names: new Set(patterns.filter((pattern) => !pattern.endsWith('*'))),
  prefixes: patterns
    .filter((pattern) => pattern.endsWith('.*'))
    .map((pattern) => pattern.slice(0, -1)),
})

function otherwiseOf(role: RoleDocument, groups: Groups): Approval | undefined {
  const { approvers, quorum = 1, timeout = '15m', reason = 'optional', wait } = role
  return role.otherwise === 'block' || approvers === undefined
    ? undefined
    : approvalOf({ approvers, quorum, timeout, reason, wait }, groups)
}

function accessRuleOf(
  rule: PolicyDocument['access'][number],
  at: number,
  role: Role | undefined,
  groups: Groups,
): AccessRule {
  return {
    label: `access rule ${at + 1}`,
    who: matcherOf(rule.who),
    role: rule.role,
    on: rule.on ?? role?.on ?? [],
    durationMs: durationMs(rule.for),
    durationMsMax: durationMs(rule.max ?? rule.for),
    reasonRequired: rule.reason === 'required',
    windows: rule.windows?.map(windowOf),
    breakGlass: rule.breakGlass === undefined ? undefined : breakGlassOf(rule.breakGlass),
    approval: rule.approval === undefined ? undefined : approvalOf(rule.approval, groups),
  }
}

/** Freezes objects and arrays all the way down; Maps and Sets are read-only by type. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  const inside: Iterable<unknown> =
    value instanceof Map || value instanceof Set ? value.values() : Object.values(value)
  for (const part of inside) deepFreeze(part)
  return value
}
