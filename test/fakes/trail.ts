// The audit log's events one by one, as a reader sees them: tests ask for single commands, however
// many of them share a record.

import { COMMAND_FINISHED, commandsOf } from '../../audit/view.js'
import type { AuditEvent, AuditValue } from '../../core/audit.js'

/** An event, or one of the commands that an event holds. */
export type TrailEvent =
  | AuditEvent
  | {
      readonly kind: typeof COMMAND_FINISHED
      readonly fields: Readonly<Record<string, AuditValue>>
    }

/** The event itself, or each of the commands in it. */
export function trailOf({ kind, fields }: AuditEvent): readonly TrailEvent[] {
  if (kind !== 'commands.finished') return [{ kind, fields }]
  const commands = commandsOf(fields)
  if (commands === undefined) throw new Error(`unreadable commands: ${JSON.stringify(fields)}`)
  return commands.map((command) => ({ kind: COMMAND_FINISHED, fields: command }))
}
