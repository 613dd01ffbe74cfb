// Who plays in the end-to-end tests, and the policy that holds there. The words in capitals are filled
// in when the stage opens, because its issuer and its target listen on ports that were free.

/** Who plays, and what their tokens say. */
export const CAST = {
  'migrate-job': { triggered_by: 'maria' },
  'guest-job': {},
  ana: { groups: ['db-admins'] },
  maria: { groups: ['db-admins'] },
} as const

/** A name of the cast. */
export type Player = keyof typeof CAST

/** The policy, with its addresses still to be filled in. */
export const POLICY = `gateway:
  audience: https://warder.test
issuers:
  - name: test
    issuer: ISSUER_URL
    algorithms: [ES256]
    groups: groups
    parties: [triggered_by]
resources:
  - name: orders-db
    protocol: postgres
    address: TARGET_ADDRESS
    database: shop
    credential: { user: warder, password: { file: TARGET_PASSWORD_FILE } }
    tls: off
roles:
  - name: migrator
    on: [orders-db]
    allow:
      - { effects: [read, session-control] }
      - { effects: [write], relations: [public.*] }
    ask:
      - { effects: [ddl], statements: [create-table], approvers: db-owners, timeout: 10m }
    block:
      - { statements: [drop-table] }
  - name: reader
    on: [orders-db]
    allow:
      - { effects: [read] }
access:
  - { who: { issuer: test, subject: migrate-job }, role: migrator, for: 30m, max: 2h }
  - who: { issuer: test, subject: guest-job }
    role: reader
    for: 30m
    max: 2h
    approval: { approvers: db-owners, timeout: 15m }
approvers:
  db-owners:
    members:
      - { issuer: test, group: db-admins }
duties:
  revoke: [db-owners]
  apply: [db-owners]
  audit: [db-owners]
`
