// Makes what leaves the API (contract/items.ts) from the words of core/.

import type { ItemView } from '../../contract/items.js'
import type { CommandPart } from '../../core/command.js'
import type { Grant } from '../../core/grant.js'
import type { AccessItem, InboxItem, ReviewItem } from '../../core/inbox.js'
import type { Plan } from '../../core/plan.js'
import { principalChain, principalName } from '../../core/principal.js'

const baseOf = (item: InboxItem) => ({
  revision: item.revision,
  openedAt: item.openedAt,
  deadlineAt: item.deadlineAt,
  escalatedTo: item.escalatedTo,
  escalatedAt: item.escalatedAt,
  approval: item.approval,
  decisions: [...item.decisions],
  principal: principalName(item.question.principal),
  chain: principalChain(item.question.principal),
  parties: [...item.question.principal.parties],
  attributes: { ...item.question.principal.attributes },
  resource: item.question.resource,
  role: item.question.role,
})

/** Makes the view of an item. */
export const viewOf = (item: InboxItem): ItemView =>
  item.kind === 'access' ? accessOf(item) : reviewOf(item)

function accessOf(item: AccessItem): ItemView {
  const { question, grant } = item
  return {
    kind: 'access',
    id: item.id,
    state: item.state,
    ...baseOf(item),
    reasons: [...item.reasons],
    origin: question.origin,
    reason: question.reason,
    durationMs: question.durationMs,
    plan: question.plan === undefined ? undefined : planOf(question.plan),
    peer: question.peer,
    grant: grant === undefined ? undefined : grantOf(grant),
    breakGlass: item.breakGlass,
  }
}

const grantOf = ({ id, openedAt, expiresAt, end }: Grant) => ({ id, openedAt, expiresAt, end })

const planOf = ({ digest, steps }: Plan) => ({
  digest,
  steps: steps.map((step) => ({ ...step, parts: step.parts.map(partOf) })),
})

const partOf = ({ kind, effect, relations, traits, because }: CommandPart) => ({
  ...{ kind, effect, relations: [...relations] },
  ...{ traits: [...traits], because: [...because] },
})

function reviewOf(item: ReviewItem): ItemView {
  const { question } = item
  return {
    kind: 'review',
    id: item.id,
    state: item.state,
    ...baseOf(item),
    reasons: [...question.reasons],
    requestId: question.requestId,
    grantId: question.grantId,
    sessionId: question.sessionId,
    protocol: question.protocol,
    effect: question.effect,
    parts: question.parts.map(partOf),
    text: question.text,
    textBytes: question.textBytes,
    parameters: [...question.parameters],
    digest: question.digest,
    policyDigest: question.policyDigest,
  }
}
