// Parts that fit by themselves, but not together.

import { expect, test } from 'vitest'
import { problemsOf, sampleWith } from './sample.js'

const REFERENCES: [string, string, string, RegExp][] = [
  [
    'a role on a resource that is not there',
    'on: [orders-db, local-db]',
    'on: [order-db]',
    /roles\[0\]\.on\[0\]: there is no resource order-db; did you mean orders-db\?/,
  ],
  [
    'access to a role that is not there',
    'role: reader',
    'role: readr',
    /access\[1\]\.role: there is no role readr; did you mean reader\?/,
  ],
  [
    'access on a resource that is not there',
    'on: [orders-db]\n    for',
    'on: [orders]\n    for',
    /there is no resource orders; did you mean orders-db\?/,
  ],
  [
    'access where the role does not exist',
    'role: orders-migrator\n    on: [orders-db]',
    'role: asker\n    on: [local-db]',
    /access\[0\]\.on\[0\]: role asker does not exist there/,
  ],
  [
    'an issuer that is not there',
    'issuer: github, rep',
    'issuer: gitlab, rep',
    /who\.issuer: there is no issuer gitlab; did you mean github\?/,
  ],
  [
    'approvers that are not there, in an ask line',
    'approvers: db-owners, timeout: 10m',
    'approvers: dbowners, timeout: 10m',
    /ask\[0\]\.approvers: there is no approver group dbowners; did you mean db-owners\?/,
  ],
  [
    'approvers that are not there, in an approval',
    'approval: { approvers: db-owners',
    'approval: { approvers: owners',
    /approval\.approvers: there is no approver group owners/,
  ],
  [
    'approvers that are not there, for otherwise',
    'approvers: on-call',
    'approvers: oncall',
    /roles\[2\]\.approvers: there is no approver group oncall/,
  ],
  [
    'duties of a group that is not there',
    'apply: [db-owners]',
    'apply: [admins]',
    /duties\.apply\[0\]: there is no approver group admins/,
  ],
  [
    'an alias to an issuer that is not there',
    'aliases: { okta',
    'aliases: { otka',
    /aliases\.otka: there is no issuer otka; did you mean okta\?/,
  ],
  [
    'a name twice',
    'name: local-db',
    'name: orders-db',
    /resources\[1\]\.name: another resource has this name/,
  ],
  ['a role twice', 'name: reader', 'name: asker', /another role has this name/],
  ['an issuer twice', 'name: okta', 'name: github', /another issuer has this name/],
  [
    'an issuer URL twice',
    'https://acme.okta.example/oauth2/default',
    'https://token.actions.githubusercontent.com',
    /another issuer has this URL/,
  ],
  [
    'no audience anywhere',
    'gateway: { audience: https://warder.acme.example }',
    'gateway: {}',
    /issuers\[0\]\.audience: is missing/,
  ],
  [
    'TLS off to another host',
    'address: "[::1]:5433"',
    'address: db.internal:5433',
    /tls: may be off only for a target on the same host/,
  ],
  [
    'TLS off to a look-alike of loopback',
    'address: "[::1]:5433"',
    'address: localhost.evil:5433',
    /tls: may be off only/,
  ],
  [
    'an authority that is never used',
    'tls: off',
    'tls: require\n    tlsAuthority: /ca.pem',
    /never looked at with tls: require/,
  ],
  [
    'everybody of an issuer',
    'who: { issuer: okta, group: readers }',
    'who: { issuer: okta }',
    /matches everybody that okta vouches for/,
  ],
  [
    'everybody of an issuer as approvers',
    '{ issuer: okta, group: db-admins }',
    '{ issuer: okta }',
    /matches everybody/,
  ],
  [
    'the claim sub',
    'group: readers',
    'sub: ann',
    /who\.sub: is never a claim that can be matched; did you mean subject\?/,
  ],
  ['the claim groups', 'group: readers', 'groups: readers', /did you mean group\?/],
  [
    'an actor without issuer',
    'group: readers',
    'group: readers, actor: agent',
    /must be issuer\/subject/,
  ],
  [
    'an actor of an unknown issuer',
    'group: readers',
    'group: readers, actor: x/agent',
    /there is no issuer x/,
  ],
  [
    'a quorum that the group can not reach',
    'approvers: on-call',
    'approvers: on-call\n    quorum: 3',
    /asks for 3 people, but on-call has only 2/,
  ],
]
test.each(REFERENCES)('%s is refused', (_name, piece, replacement, what) => {
  expect(problemsOf(sampleWith(piece, replacement)).join('\n')).toMatch(what)
})
