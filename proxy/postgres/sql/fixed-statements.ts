// Statements whose effect no detail of theirs can raise: privilege, dangerous or unknown as such.
// They are not walked; the relation they are about is noted where there is one. Data.

import type { Effect } from '../../../core/command.js'

/** What is said of a statement type as a whole. */
export interface FixedStatement {
  readonly kind: string
  readonly effect: Effect
  readonly because: string
  /** Field that holds the bare RangeVar of the relation it changes. */
  readonly relation?: string
}

const CODE = 'puts code into the database that later statements run'
const CHANNEL = 'opens a channel to another server'
const RIGHTS = 'changes who may do what'
const CLUSTER = 'reaches beyond this database'
const UNSEEN = 'what it runs is not in its text'

const fixed = (
  effect: Effect,
  because: string,
  statements: Readonly<Record<string, string>>,
): [string, FixedStatement][] =>
  Object.entries(statements).map(([tag, text]) => {
    const [kind = '', relation] = text.split(' ')
    return [tag, { kind, effect, because, ...(relation === undefined ? {} : { relation }) }]
  })

/** Statement tags with what is said of them: `kind` or `kind relation-field`. */
export const FIXED_STATEMENTS: ReadonlyMap<string, FixedStatement> = new Map([
  ...fixed('unknown', UNSEEN, {
    CallStmt: 'call',
    DeallocateStmt: 'deallocate',
    DoStmt: 'do',
    ExecuteStmt: 'execute',
    PrepareStmt: 'prepare',
  }),
  ...fixed('privilege', RIGHTS, {
    AlterDatabaseSetStmt: 'alter-database-set',
    AlterDefaultPrivilegesStmt: 'alter-default-privileges',
    AlterOwnerStmt: 'alter-owner relation',
    AlterRoleSetStmt: 'alter-role',
    AlterRoleStmt: 'alter-role',
    CreateRoleStmt: 'create-role',
    DropOwnedStmt: 'drop-owned',
    DropRoleStmt: 'drop-role',
    GrantRoleStmt: 'grant-role',
    ReassignOwnedStmt: 'reassign-owned',
  }),
  ...fixed('dangerous', CODE, {
    AlterEventTrigStmt: 'alter-event-trigger',
    AlterExtensionContentsStmt: 'alter-extension',
    AlterExtensionStmt: 'alter-extension',
    AlterFunctionStmt: 'alter-function',
    AlterObjectDependsStmt: 'alter-depends relation',
    AlterOpFamilyStmt: 'alter-operator-family',
    AlterOperatorStmt: 'alter-operator',
    AlterPolicyStmt: 'alter-policy table',
    AlterTSConfigurationStmt: 'alter-text-search-configuration',
    AlterTSDictionaryStmt: 'alter-text-search-dictionary',
    AlterTypeStmt: 'alter-type',
    CreateAmStmt: 'create-access-method',
    CreateCastStmt: 'create-cast',
    CreateConversionStmt: 'create-conversion',
    CreateEventTrigStmt: 'create-event-trigger',
    CreateExtensionStmt: 'create-extension',
    CreateFunctionStmt: 'create-function',
    CreateOpClassStmt: 'create-operator-class',
    CreateOpFamilyStmt: 'create-operator-family',
    CreatePLangStmt: 'create-language',
    CreatePolicyStmt: 'create-policy table',
    CreateRangeStmt: 'create-range-type',
    CreateTransformStmt: 'create-transform',
    CreateTrigStmt: 'create-trigger relation',
    LoadStmt: 'load',
    RuleStmt: 'create-rule relation',
  }),
  ...fixed('dangerous', CHANNEL, {
    AlterFdwStmt: 'alter-foreign-data-wrapper',
    AlterForeignServerStmt: 'alter-server',
    AlterPublicationStmt: 'alter-publication',
    AlterSubscriptionStmt: 'alter-subscription',
    AlterUserMappingStmt: 'alter-user-mapping',
    CreateFdwStmt: 'create-foreign-data-wrapper',
    CreateForeignServerStmt: 'create-server',
    CreateForeignTableStmt: 'create-foreign-table',
    CreatePublicationStmt: 'create-publication',
    CreateSubscriptionStmt: 'create-subscription',
    CreateUserMappingStmt: 'create-user-mapping',
    DropSubscriptionStmt: 'drop-subscription',
    DropUserMappingStmt: 'drop-user-mapping',
    ImportForeignSchemaStmt: 'import-foreign-schema',
  }),
  ...fixed('dangerous', CLUSTER, {
    AlterDatabaseRefreshCollStmt: 'alter-database',
    AlterDatabaseStmt: 'alter-database',
    AlterSystemStmt: 'alter-system',
    AlterTableMoveAllStmt: 'alter-tablespace',
    AlterTableSpaceOptionsStmt: 'alter-tablespace',
    CheckPointStmt: 'checkpoint',
    CreateTableSpaceStmt: 'create-tablespace',
    CreatedbStmt: 'create-database',
    DropTableSpaceStmt: 'drop-tablespace',
    DropdbStmt: 'drop-database',
  }),
])

/** Statements that only concern the session itself. */
export const SESSION_STATEMENTS: ReadonlyMap<string, string> = new Map([
  ['ClosePortalStmt', 'close-cursor'],
  ['ConstraintsSetStmt', 'set-constraints'],
  ['ListenStmt', 'listen'],
  ['NotifyStmt', 'notify'],
  ['UnlistenStmt', 'unlisten'],
])

/** DROP by object type; what is not listed is unknown. */
export const DROPS: ReadonlyMap<unknown, readonly [kind: string, effect: Effect]> = new Map<
  unknown,
  readonly [string, Effect]
>([
  ['OBJECT_TABLE', ['drop-table', 'ddl']],
  ['OBJECT_VIEW', ['drop-view', 'ddl']],
  ['OBJECT_MATVIEW', ['drop-materialized-view', 'ddl']],
  ['OBJECT_INDEX', ['drop-index', 'ddl']],
  ['OBJECT_SEQUENCE', ['drop-sequence', 'ddl']],
  ['OBJECT_FOREIGN_TABLE', ['drop-foreign-table', 'ddl']],
  ['OBJECT_COLLATION', ['drop-collation', 'ddl']],
  ['OBJECT_DOMAIN', ['drop-domain', 'ddl']],
  ['OBJECT_SCHEMA', ['drop-schema', 'ddl']],
  ['OBJECT_STATISTIC_EXT', ['drop-statistics', 'ddl']],
  ['OBJECT_TYPE', ['drop-type', 'ddl']],
  ['OBJECT_POLICY', ['drop-policy', 'privilege']],
  ['OBJECT_ACCESS_METHOD', ['drop-access-method', 'dangerous']],
  ['OBJECT_AGGREGATE', ['drop-aggregate', 'dangerous']],
  ['OBJECT_CAST', ['drop-cast', 'dangerous']],
  ['OBJECT_CONVERSION', ['drop-conversion', 'dangerous']],
  ['OBJECT_EVENT_TRIGGER', ['drop-event-trigger', 'dangerous']],
  ['OBJECT_EXTENSION', ['drop-extension', 'dangerous']],
  ['OBJECT_FDW', ['drop-foreign-data-wrapper', 'dangerous']],
  ['OBJECT_FOREIGN_SERVER', ['drop-server', 'dangerous']],
  ['OBJECT_FUNCTION', ['drop-function', 'dangerous']],
  ['OBJECT_LANGUAGE', ['drop-language', 'dangerous']],
  ['OBJECT_OPCLASS', ['drop-operator-class', 'dangerous']],
  ['OBJECT_OPERATOR', ['drop-operator', 'dangerous']],
  ['OBJECT_OPFAMILY', ['drop-operator-family', 'dangerous']],
  ['OBJECT_PROCEDURE', ['drop-procedure', 'dangerous']],
  ['OBJECT_PUBLICATION', ['drop-publication', 'dangerous']],
  ['OBJECT_ROUTINE', ['drop-routine', 'dangerous']],
  ['OBJECT_RULE', ['drop-rule', 'dangerous']],
  ['OBJECT_TRANSFORM', ['drop-transform', 'dangerous']],
  ['OBJECT_TRIGGER', ['drop-trigger', 'dangerous']],
  ['OBJECT_TSCONFIGURATION', ['drop-text-search-configuration', 'dangerous']],
  ['OBJECT_TSDICTIONARY', ['drop-text-search-dictionary', 'dangerous']],
  ['OBJECT_TSPARSER', ['drop-text-search-parser', 'dangerous']],
  ['OBJECT_TSTEMPLATE', ['drop-text-search-template', 'dangerous']],
])

/** Object types that a DROP names as relations. */
export const RELATION_OBJECTS: ReadonlySet<unknown> = new Set([
  'OBJECT_FOREIGN_TABLE',
  'OBJECT_INDEX',
  'OBJECT_MATVIEW',
  'OBJECT_SEQUENCE',
  'OBJECT_TABLE',
  'OBJECT_VIEW',
])

/** Objects whose renaming or moving changes names and nothing else. */
export const RENAMED_OBJECTS: ReadonlySet<unknown> = new Set([
  ...RELATION_OBJECTS,
  'OBJECT_ATTRIBUTE',
  'OBJECT_COLLATION',
  'OBJECT_COLUMN',
  'OBJECT_DOMAIN',
  'OBJECT_DOMCONSTRAINT',
  'OBJECT_SCHEMA',
  'OBJECT_STATISTIC_EXT',
  'OBJECT_TABCONSTRAINT',
  'OBJECT_TYPE',
])

/** ALTER TABLE subcommands that change the table's definition. */
export const ALTER_TABLE_DDL: ReadonlySet<unknown> = new Set([
  'AT_AddColumn',
  'AT_AddColumnToView',
  'AT_AddConstraint',
  'AT_AddIdentity',
  'AT_AddIndex',
  'AT_AddIndexConstraint',
  'AT_AddInherit',
  'AT_AddOf',
  'AT_AlterColumnType',
  'AT_AlterConstraint',
  'AT_AttachPartition',
  'AT_ClusterOn',
  'AT_ColumnDefault',
  'AT_DetachPartition',
  'AT_DetachPartitionFinalize',
  'AT_DropCluster',
  'AT_DropColumn',
  'AT_DropConstraint',
  'AT_DropExpression',
  'AT_DropIdentity',
  'AT_DropInherit',
  'AT_DropNotNull',
  'AT_DropOf',
  'AT_DropOids',
  'AT_ReplicaIdentity',
  'AT_ResetOptions',
  'AT_ResetRelOptions',
  'AT_SetAccessMethod',
  'AT_SetCompression',
  'AT_SetExpression',
  'AT_SetIdentity',
  'AT_SetLogged',
  'AT_SetNotNull',
  'AT_SetOptions',
  'AT_SetRelOptions',
  'AT_SetStatistics',
  'AT_SetStorage',
  'AT_SetTableSpace',
  'AT_SetUnLogged',
  'AT_ValidateConstraint',
])

/** ALTER TABLE subcommands that change who sees which rows, or who owns the table. */
export const ALTER_TABLE_PRIVILEGE: ReadonlySet<unknown> = new Set([
  'AT_ChangeOwner',
  'AT_DisableRowSecurity',
  'AT_EnableRowSecurity',
  'AT_ForceRowSecurity',
  'AT_NoForceRowSecurity',
])

/** ALTER TABLE subcommands that switch code on or off, or redirect a foreign table. */
export const ALTER_TABLE_DANGEROUS: ReadonlySet<unknown> = new Set([
  'AT_AlterColumnGenericOptions',
  'AT_DisableRule',
  'AT_DisableTrig',
  'AT_DisableTrigAll',
  'AT_DisableTrigUser',
  'AT_EnableAlwaysRule',
  'AT_EnableAlwaysTrig',
  'AT_EnableReplicaRule',
  'AT_EnableReplicaTrig',
  'AT_EnableRule',
  'AT_EnableTrig',
  'AT_EnableTrigAll',
  'AT_EnableTrigUser',
  'AT_GenericOptions',
])
