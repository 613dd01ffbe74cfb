// From a statement's text to the protocol-neutral command: sql/ says what it does, this file brings
// together the parser, the session's catalog and the types that the caller gave its parameters.

import { unknownCommand, type Command } from '../../core/command.js'
import { TransactionFailed, type OwnLookup } from './own-lookup.js'
import type { Meanings, Reading, StatementReader } from './passage.js'
import { parameterTypesKnown } from './sql/allow-list.js'
import { judgeSql } from './sql/judge.js'
import { LOOKUP_SQL } from './sql/lookup.js'
import type { Lineage } from './sql/lineage.js'
import type { SqlParser } from './sql/parser.js'

/** Reads statements with PostgreSQL's own grammar and the catalog of the very session. */
export class SqlStatementReader implements StatementReader {
  readonly #parser: SqlParser

  constructor(parser: SqlParser) {
    this.#parser = parser
  }

  async read(
    text: string,
    types: readonly number[],
    lookup: OwnLookup,
    meanings: Meanings,
  ): Promise<Reading> {
    if (!parameterTypesKnown(types)) {
      return reading(unknownCommand('postgres', 'a parameter is of a type that is not built in'))
    }
    const facts = await this.#parser.facts(text)
    const shape = facts.outcome === 'facts' ? JSON.stringify(facts.statements) : undefined
    const known = shape === undefined ? undefined : meanings.find(shape)
    const isOfShape = facts.outcome === 'facts' && facts.shapeIsSafe === true
    if (known !== undefined) {
      const { command, lineage, askedAtMs } = known
      return { ...reading(command, lineage), isOfShape, askedAtMs }
    }
    let failed: TransactionFailed | undefined
    const judged = await judgeSql(text, {
      // Views lead to further texts; this one has been parsed.
      parser: {
        facts: (other) => (other === text ? Promise.resolve(facts) : this.#parser.facts(other)),
      },
      lookup: async (parameters) => {
        try {
          return await lookup.run(LOOKUP_SQL, parameters.map(arrayText))
        } catch (failure) {
          if (failure instanceof TransactionFailed) failed = failure
          throw failure
        }
      },
    })
    if (failed !== undefined) throw failed
    if (judged.outcome === 'command') {
      const { command, lineage } = judged
      if (shape !== undefined && command.effect !== 'unknown') {
        meanings.keep(shape, command, lineage)
      }
      return { ...reading(command, lineage), isOfShape }
    }
    const where = `at character ${judged.position}`
    return {
      ...reading(unknownCommand('postgres', 'it is not SQL')),
      syntaxError: `${judged.message} (${where})`,
    }
  }
}

/** What could not be classified may have been bad luck, and may run code as soon as it is parsed. */
const reading = (command: Command, lineage?: Lineage): Reading => ({
  command,
  lineage,
  isOfShape: false,
  isCacheable: command.effect !== 'unknown',
  runsAtParse: command.effect === 'unknown' && !command.parts.every((part) => part.kind === 'do'),
})

/** The text form of a `text[]` (manual, "Array Input and Output Syntax"). */
const arrayText = (values: readonly string[]): string =>
  `{${values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`
