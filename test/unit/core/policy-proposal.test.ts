// Who may be the second person, and until when.

import { expect, test } from 'vitest'
import {
  isOpen,
  mayConfirm,
  proposalMs,
  standingOf,
  type PolicyProposal,
} from '../../../core/policy-proposal.js'
import type { Principal } from '../../../core/principal.js'

const person = (issuer: string, subject: string, more: Partial<Principal> = {}): Principal => ({
  ...{ issuer, subject, groups: [], attributes: {}, actors: [], parties: [] },
  aliases: [`${issuer}/${subject}`],
  tokenExpiresAt: 0,
  ...more,
})

const ANN = person('okta', 'ann')
const PROPOSAL: PolicyProposal = {
  ...{ id: 'pol_1', state: 'pending', baseVersion: 7, digest: 'd', source: 's' },
  ...{ proposer: ANN, reason: '', openedAt: 0, expiresAt: proposalMs },
}
const codeOf = (who: Principal, proposal = PROPOSAL, now = 1, version = 7) => {
  const outcome = mayConfirm(proposal, who, now, version)
  return outcome.ok ? 'confirmed' : outcome.refusal.code
}

test('another person confirms', () => {
  expect(codeOf(person('okta', 'bob'))).toBe('confirmed')
})

test.each([
  ['its author', ANN],
  ['its author under another name', person('slack', 'U1', { aliases: ['slack/U1', 'okta/ann'] })],
  [
    'an agent of its author',
    person('okta', 'bob', { actors: [{ issuer: 'okta', subject: 'ann' }] }),
  ],
  ['a job that its author started', person('ci', 'job', { parties: ['okta/ann'] })],
])('%s does not', (_who, who) => {
  expect(codeOf(who)).toBe('SELF_APPROVAL')
})

test('the people behind a job that proposed it do not', () => {
  const job = { ...PROPOSAL, proposer: person('ci', 'job', { parties: ['okta/ann'] }) }
  expect(codeOf(ANN, job)).toBe('SELF_APPROVAL')
  expect(codeOf(person('okta', 'bob'), job)).toBe('confirmed')
})

test.each([
  ['after a day', PROPOSAL, proposalMs, 7, 'ALREADY_DECIDED'],
  [
    'once it was rejected',
    { ...PROPOSAL, state: 'rejected', decidedBy: 'okta/x' },
    1,
    7,
    'ALREADY_DECIDED',
  ],
  ['once it was applied', { ...PROPOSAL, state: 'applied' }, 1, 8, 'ALREADY_DECIDED'],
  ['when another policy is in force', PROPOSAL, 1, 8, 'POLICY_CONFLICT'],
] as const)('nobody confirms it %s', (_when, proposal, now, version, code) => {
  expect(codeOf(person('okta', 'bob'), proposal, now, version)).toBe(code)
  expect(isOpen(proposal, now, version).ok).toBe(false)
})

test('the last moment still counts', () => {
  expect(standingOf(PROPOSAL, proposalMs - 1, 7)).toBe('pending')
  expect(standingOf(PROPOSAL, proposalMs, 7)).toBe('expired')
  expect(isOpen(PROPOSAL, proposalMs - 1, 7).ok).toBe(true)
})
