// Plain data that does not fit the schema.

import { expect, test } from 'vitest'
import { problemsOf, sampleWith } from './sample.js'

const MISTYPED: [string, string, string, string][] = [
  ['at the top', 'resources:', 'resource:', 'resource: unknown key; did you mean resources?'],
  [
    'in gateway',
    'audience: https://w',
    'audiense: https://w',
    'gateway.audiense: unknown key; did you mean audience?',
  ],
  [
    'in an issuer',
    'replay: once',
    'replays: once',
    'issuers[0].replays: unknown key; did you mean replay?',
  ],
  [
    'in a resource',
    'owner: team',
    'ownr: team',
    'resources[0].ownr: unknown key; did you mean owner?',
  ],
  [
    'in a credential',
    'user: warder, password: { env',
    'usr: warder, password: { env',
    'resources[0].credential.usr: unknown key; did you mean user?',
  ],
  [
    'in a secret',
    '{ env: ORD',
    '{ enf: ORD',
    'resources[0].credential.password.enf: unknown key; did you mean env?',
  ],
  [
    'in a role',
    'otherwise: ask',
    'otherwize: ask',
    'roles[2].otherwize: unknown key; did you mean otherwise?',
  ],
  [
    'in an allow line',
    'effects: [read, write]',
    'effect: [read, write]',
    'roles[0].allow[0].effect: unknown key; did you mean effects?',
  ],
  [
    'in an ask line',
    'timeout: 10m',
    'timeut: 10m',
    'roles[0].ask[0].timeut: unknown key; did you mean timeout?',
  ],
  [
    'in a block line',
    '{ statements: [drop',
    '{ statement: [drop',
    'roles[0].block[0].statement: unknown key; did you mean statements?',
  ],
  ['in an access rule', 'max: 2h', 'maxx: 2h', 'access[0].maxx: unknown key; did you mean max?'],
  [
    'in an approval',
    'approval: { approvers: db-owners, timeout',
    'approval: { approvers: db-owners, timout',
    'access[0].approval.timout: unknown key; did you mean timeout?',
  ],
  [
    'in an approver group',
    'on-call: { members',
    'on-call: { member',
    'approvers.on-call.member: unknown key; did you mean members?',
  ],
  [
    'in duties',
    'revoke: [on-call',
    'revok: [on-call',
    'duties.revok: unknown key; did you mean revoke?',
  ],
]
test.each(MISTYPED)(
  'a mistyped key %s names the nearest and its line',
  (_where, piece, typo, what) => {
    const text = sampleWith(piece, typo)
    const line = text.slice(0, text.indexOf(typo) + 1).split('\n').length
    expect(problemsOf(text)).toContain(`line ${line}: ${what}`)
  },
)

const SHAPES: [string, string, string, RegExp][] = [
  [
    'a required field',
    '{ env: ORDERS_DB_PASSWORD }',
    '{}',
    /exactly one of env, file, stored and vault/,
  ],
  [
    'two places for one secret',
    '{ env: ORDERS_DB_PASSWORD }',
    '{ env: A, file: /b }',
    /exactly one of/,
  ],
  [
    'a secret itself',
    '{ env: ORDERS_DB_PASSWORD }',
    'hunter2',
    /password: must be a map of keys, not text/,
  ],
  ['a variable with a dash', 'ORDERS_DB_PASSWORD', 'ORDERS-DB', /name of an environment variable/],
  [
    'a relative secret file',
    '{ env: ORDERS_DB_PASSWORD }',
    '{ file: secret.txt }',
    /absolute path/,
  ],
  [
    'a dot in a resource name',
    'name: orders-db',
    'name: orders.db',
    /resources\[0\]\.name: must be 1 to 63/,
  ],
  ['capitals in a resource name', 'name: orders-db', 'name: Orders', /must be 1 to 63/],
  ['a missing name', '- name: orders-db\n', '- \n', /resources\[0\]\.name: is missing/],
  ['another protocol', 'protocol: postgres', 'protocol: ssh', /the only protocol so far/],
  ['an address without port', 'orders.internal:5432', 'orders.internal', /must be host:port/],
  ['port 0', 'orders.internal:5432', 'orders.internal:0', /must be host:port/],
  ['port 70000', 'orders.internal:5432', 'orders.internal:70000', /no such port/],
  ['a path in the address', 'orders.internal:5432', 'orders.internal:5432/x', /must be host:port/],
  [
    'an unknown TLS word',
    'tls: off',
    'tls: verify',
    /must be verify-full, verify-ca, require or off; did you mean/,
  ],
  ['a plain http issuer', 'https://acme.okta', 'http://acme.okta', /must be an https URL/],
  [
    'a password in an issuer URL',
    'https://acme.okta',
    'https://a:b@acme.okta',
    /must be an https URL/,
  ],
  [
    'a loopback look-alike',
    'https://acme.okta.example',
    'http://localhost.evil.example',
    /must be an https URL/,
  ],
  [
    'algorithm none',
    'groups: groups',
    'groups: groups, algorithms: [none]',
    /issuers\[1\]\.algorithms\[0\]: must be/,
  ],
  [
    'a shared-secret algorithm',
    'groups: groups',
    'groups: groups, algorithms: [HS256]',
    /did you mean [REP]S256/,
  ],
  ['no algorithm', 'groups: groups', 'groups: groups, algorithms: []', /must have at least 1/],
  [
    'two hours of skew',
    'groups: groups',
    'groups: groups, clockToleranceS: 7200',
    /must be at most 60/,
  ],
  [
    'an unknown effect',
    'effects: [ddl]',
    'effects: [dll]',
    /effects\[0\]: must be .*; did you mean ddl\?/,
  ],
  ['no effect', 'effects: [ddl]', 'effects: []', /must have at least 1/],
  [
    'an allow line without effects',
    '{ effects: [read, write], relations: [public.*] }',
    '{ relations: [public.*] }',
    /allow\[0\]\.effects: is missing: a list is needed/,
  ],
  [
    'without in an allow line',
    '{ effects: [read, write], ',
    '{ effects: [write], without: where, ',
    /allow\[0\]\.without: unknown key/,
  ],
  [
    'an ask line without condition',
    '{ effects: [ddl], approvers',
    '{ approvers',
    /ask\[0\]: states no condition/,
  ],
  [
    'a block line without condition',
    '{ statements: [drop-database, truncate] }',
    '{}',
    /block\[0\]: states no condition/,
  ],
  [
    'an ask line without approvers',
    '{ effects: [ddl], approvers: db-owners, ',
    '{ effects: [ddl], ',
    /ask\[0\]\.approvers: is missing/,
  ],
  ['a relation without schema', 'public.orders', 'orders', /schema\.name, schema\.\* or \*/],
  ['a star inside a name', 'public.orders', 'public.ord*', /schema\.name, schema\.\* or \*/],
  ['a quoted relation', 'public.orders', '\'public."a b"\'', /schema\.name/],
  ['a statement in SQL spelling', 'drop-database', 'DROP DATABASE', /kebab case/],
  ['without something else', 'without: where', 'without: limit', /must be where/],
  ['quorum zero', 'quorum: 2', 'quorum: 0', /quorum: must be at least 1/],
  ['quorum one and a half', 'quorum: 2', 'quorum: 1.5', /quorum: must be a whole number/],
  [
    'quorum in words',
    'quorum: 2',
    'quorum: two',
    /quorum: must be a number, not text|a whole number, not text/,
  ],
  ['a time without unit', 'for: 30m', 'for: 30', /access\[0\]\.for: must be text, not this number/],
  ['a time of no unit', 'for: 30m', 'for: 30x', /whole number and a unit/],
  ['no time at all', 'for: 30m', 'for: 0m', /whole number and a unit/],
  ['a negative time', 'for: 30m', 'for: -30m', /whole number and a unit/],
  ['more than a week', 'max: 2h', 'max: 8d', /between 1s and 7d/],
  ['for longer than max', 'for: 30m', 'for: 3h', /access\[0\]\.for: must not be longer than max/],
  [
    'a reason of another word',
    'reason: required',
    'reason: yes',
    /reason: must be required or optional/,
  ],
  [
    'otherwise ask without approvers',
    '    approvers: on-call\n',
    '',
    /roles\[2\]\.approvers: is missing/,
  ],
  [
    'approvers without otherwise ask',
    '    otherwise: ask\n',
    '',
    /roles\[2\]\.approvers: is only for `otherwise: ask`/,
  ],
  ['otherwise allow', 'otherwise: ask', 'otherwise: allow', /must be block or ask/],
  [
    'a group without members',
    '[{ issuer: okta, group: db-admins }]',
    '[]',
    /members: must have at least 1/,
  ],
  [
    'a matcher without issuer',
    '{ issuer: okta, group: db-admins }',
    '{ group: db-admins }',
    /members\[0\]\.issuer: is missing/,
  ],
  [
    'a claim that is a map',
    'repository_id: 5512',
    'repository_id: { a: b }',
    /repository_id: must be text, a number/,
  ],
  [
    'a claim that is nothing',
    'repository_id: 5512',
    'repository_id: ',
    /repository_id: must be text, a number/,
  ],
  [
    'a claim of no values',
    'repository_id: 5512',
    'repository_id: []',
    /repository_id: must have at least 1 entry/,
  ],
  ['a role on nothing', 'on: [orders-db, local-db]', 'on: []', /on: must have at least 1/],
  [
    'nothing where a list belongs',
    'block: [{ statements: [drop-database, truncate] }]',
    'block:',
    /block: must be a list, not nothing/,
  ],
  [
    'a group name with a dot',
    '  on-call: {',
    '  on.call: {',
    /approvers\.on\.call: has a name that must be/,
  ],
]
test.each(SHAPES)('%s is refused', (_name, piece, replacement, what) => {
  expect(problemsOf(sampleWith(piece, replacement)).join('\n')).toMatch(what)
})
