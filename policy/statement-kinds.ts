// Every kind of statement that lines of a role can name, with the least effect that it has. Data: what
// a statement really does is said of each one by whoever read it.

import type { Effect } from '../core/command.js'

const BY_EFFECT: Readonly<Record<Effect, string>> = {
  read: 'select show explain copy-to-stdout fetch',
  'session-control':
    'begin commit commit-and-chain rollback rollback-and-chain savepoint release-savepoint ' +
    'rollback-to-savepoint set reset set-transaction set-transaction-read-write set-constraints ' +
    'declare-cursor close-cursor move-cursor discard listen unlisten notify empty',
  write: 'insert update delete merge copy-from-stdin select-into explain-analyze',
  ddl:
    'create-table create-table-as create-view create-materialized-view create-schema create-index ' +
    'create-sequence create-type create-domain create-statistics create-collation alter-table ' +
    'alter-view alter-materialized-view alter-index alter-sequence alter-foreign-table alter-type ' +
    'alter-domain alter-statistics drop-table drop-view drop-materialized-view drop-index ' +
    'drop-sequence drop-foreign-table drop-collation drop-domain drop-schema drop-statistics ' +
    'drop-type truncate rename set-schema comment security-label vacuum analyze reindex cluster ' +
    'refresh-materialized-view',
  privilege:
    'grant revoke grant-role create-role alter-role drop-role drop-owned reassign-owned ' +
    'alter-owner alter-default-privileges alter-database-set drop-policy',
  dangerous:
    'alter-database alter-depends alter-event-trigger alter-extension alter-foreign-data-wrapper ' +
    'alter-function alter-operator alter-operator-family alter-policy alter-publication alter-server ' +
    'alter-subscription alter-system alter-tablespace alter-text-search-configuration ' +
    'alter-text-search-dictionary alter-user-mapping checkpoint commit-prepared copy-file ' +
    'copy-from-program copy-to-program create-access-method create-cast create-conversion ' +
    'create-database create-event-trigger create-extension create-foreign-data-wrapper ' +
    'create-foreign-table create-function create-language create-operator-class ' +
    'create-operator-family create-policy create-publication create-range-type create-rule ' +
    'create-server create-subscription create-tablespace create-transform create-trigger ' +
    'create-user-mapping define discard-all drop-access-method drop-aggregate drop-cast ' +
    'drop-conversion drop-database drop-event-trigger drop-extension drop-foreign-data-wrapper ' +
    'drop-function drop-language drop-operator drop-operator-class drop-operator-family ' +
    'drop-procedure drop-publication drop-routine drop-rule drop-server drop-subscription ' +
    'drop-tablespace drop-text-search-configuration drop-text-search-dictionary ' +
    'drop-text-search-parser drop-text-search-template drop-transform drop-trigger ' +
    'drop-user-mapping import-foreign-schema load lock-table prepare-transaction reset-all ' +
    'rollback-prepared vacuum-full',
  unknown: 'call deallocate do drop execute prepare unknown',
}

/** Kind → least effect, in the order of the reference page. */
export const STATEMENT_KINDS: ReadonlyMap<string, Effect> = new Map(
  (Object.keys(BY_EFFECT) as Effect[]).flatMap((effect) =>
    BY_EFFECT[effect].split(' ').map((kind) => [kind, effect] as const),
  ),
)
