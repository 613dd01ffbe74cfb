// Closes the books of sessions whose gateway died: for each intent without an outcome it puts on
// record that the outcome is unknown. Whichever process notices does it, and only once.

import type { RecordView } from '../audit/view.js'
import { queryLog, QUERY_COUNT_MAX } from '../audit/query.js'
import type { AuditValue } from '../core/audit.js'
import type { Effect } from '../core/command.js'
import { CommandPack, type CommandToPack } from '../core/finished-commands.js'
import { requestIdOf } from '../core/ids.js'
import type { AuditLog, Clock } from '../core/ports.js'
import type { RecordStore, Sealer } from '../core/record.js'
import type { Session } from '../core/session.js'
import type { PostgresSessionRegistry } from '../store/sessions.js'

/** How often it looks; a gateway counts as dead some seconds after its last word. */
const LOOK_MS = 5_000

/** What closing works on. */
export interface AbandonedSessionsParts {
  readonly registry: Pick<PostgresSessionRegistry, 'closeAbandoned'>
  readonly records: RecordStore
  readonly sealer: Sealer
  readonly audit: AuditLog
  readonly clock: Clock
  /** Hears of sessions that could not be closed; they are tried again. */
  readonly onTrouble: (failure: unknown) => void
}

/** Looks for abandoned sessions again and again; the returned function ends it. */
export function watchAbandonedSessions(parts: AbandonedSessionsParts): () => void {
  let looking = false
  const timer = setInterval(() => {
    if (looking) return
    looking = true
    closeAbandonedSessions(parts)
      .catch(parts.onTrouble)
      .finally(() => {
        looking = false
      })
  }, LOOK_MS)
  return () => clearInterval(timer)
}

/** Closes all that there are now and that nobody else is closing; returns how many. */
export async function closeAbandonedSessions(parts: AbandonedSessionsParts): Promise<number> {
  for (let count = 0; ; count += 1) {
    const found = await parts.registry.closeAbandoned(
      (session) => close(parts, session),
      parts.clock.now(),
    )
    if (!found) return count
  }
}

/** On record and durable when it resolves; a second time it finds that nothing is missing. */
async function close(parts: AbandonedSessionsParts, session: Session): Promise<void> {
  const { records, sealer, audit, clock } = parts
  const { grantId, id: sessionId } = session
  const kinds = ['command.intended', 'commands.finished', 'session.ended']
  const found = await queryLog(records, sealer, { sessionId, kinds, limitCount: QUERY_COUNT_MAX })
  const story = found.records.toReversed()
  const has = (kind: string) => story.filter((view) => view.kind === kind)
  if (has('session.ended').length > 0) return
  const finished = new Set(has('command.finished').map(({ fields }) => fields['command']))
  const open = has('command.intended').filter(({ fields }) => !finished.has(fields['command']))
  const pack = new CommandPack({ grantId, requestId: requestIdOf(grantId), sessionId })
  const write = () => {
    const event = pack.take()
    if (event !== undefined) audit.append(event)
  }
  for (const command of open.map(unknownOutcome)) {
    if (pack.add(command)) continue
    write()
    pack.add(command)
  }
  write()
  const ticket = audit.append({
    kind: 'session.ended',
    fields: {
      ...{ grantId, requestId: requestIdOf(grantId), sessionId, end: 'gateway-lost' },
      durationMs: Math.max(0, clock.now() - session.openedAt),
      why: `${session.gatewayId} stopped; ${open.length} commands have no known outcome`,
    },
  })
  await audit.durable(ticket)
}

/** The intent as a finished command of which nobody knows how it ended. */
const unknownOutcome = ({ at, fields }: RecordView): CommandToPack => ({
  number: Number(fields['command']),
  meaning: {
    command: { effect: textOf(fields['effect']) as Effect },
    kinds: listOf(fields['kinds']),
    relations: listOf(fields['relations']),
  },
  statement: { text: textOf(fields['text']) },
  parameters: { shown: listOf(fields['parameters']) },
  reviewId: fields['reviewId'] === undefined ? undefined : textOf(fields['reviewId']),
  ...{ outcome: 'unknown', tag: '', sqlstate: '', rows: 0, startedAt: at, durationMs: 0 },
})

const textOf = (value: AuditValue | undefined): string => (typeof value === 'string' ? value : '')

const listOf = (value: AuditValue | undefined): readonly string[] =>
  typeof value === 'object' ? value : []
