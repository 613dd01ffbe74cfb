// The policy that a measured gateway keeps: one of everything that costs something.

import { DETECTOR_NAMES } from '../policy/detect/names.js'
import { MASKED_COLUMN, MASKED_TABLE } from './cases.js'
import { DATABASE, LOGIN, TLS_DATABASE } from './target.js'
import type { BenchTarget } from './target.js'

/** `aud` of every token of the benchmarks. */
export const AUDIENCE = 'https://warder.bench'
/** The role that callers log in with. */
export const ROLE = 'bencher'

/** What the policy is about. */
export interface PolicyFacts {
  readonly target: Pick<BenchTarget, 'passwordFile'> & {
    readonly cluster: Pick<BenchTarget['cluster'], 'host' | 'port'>
    readonly certificate: Pick<BenchTarget['certificate'], 'authorityFile'>
  }
  readonly issuerUrl: string
  /** True when reads wait for the audit log, too. */
  readonly isStrict: boolean
}

/**
 * Everything that reads is allowed, with one column masked and all values looked through; writes to
 * one table are allowed and to another held, whose approver may also revoke.
 */
export function policyText({ target, issuerUrl, isStrict }: PolicyFacts): string {
  const { cluster, passwordFile, certificate } = target
  const place = `protocol: postgres
    address: ${cluster.host}:${cluster.port}
    database: ${DATABASE}
    credential: { user: ${LOGIN}, password: { file: '${passwordFile}' } }`
  return `gateway:
  audience: ${AUDIENCE}
${isStrict ? '  audit: strict\n' : ''}issuers:
  - { name: bench, issuer: '${issuerUrl}', algorithms: [ES256], groups: groups }
resources:
  - name: ${DATABASE}
    ${place}
    tls: off
  - name: ${TLS_DATABASE}
    ${place}
    tls: verify-full
    tlsAuthority: '${certificate.authorityFile}'
masks:
  - { columns: ['*/${MASKED_TABLE}.${MASKED_COLUMN}'], how: redact }
  - { detect: [${DETECTOR_NAMES.join(', ')}], how: redact }
roles:
  - name: ${ROLE}
    on: [${DATABASE}, ${TLS_DATABASE}]
    allow:
      - { effects: [read, session-control] }
      - { effects: [write], relations: [${LOGIN}.pgbench_accounts] }
    ask:
      - { effects: [write], relations: [bench.notes], approvers: deciders, timeout: 10m }
    block:
      - { effects: [write], without: where }
access:
  - who: { issuer: bench, subject: migrate-job }
    role: ${ROLE}
    for: 2h
    max: 2h
approvers:
  deciders:
    members:
      - { issuer: bench, group: db-admins }
duties:
  revoke: [deciders]
`
}
