// The schema of PostgreSQL 18's raw parse tree as far as the walker goes: every node type it may
// meet and every field of it (libpg_query's pg_query.proto). Data only. What stands here is walked;
// what does not makes a statement unknown. Analysed trees (Var, FuncExpr, Query …) never come from
// the parser and are left out on purpose.

import type { Field, Shape } from './walk.js'

/**
 * Reads `field`, `field:kind` … into shapes. A field without a kind is a scalar; every node may
 * have a `location`, which is one too.
 */
export const shapesOf = (table: Readonly<Record<string, string>>): ReadonlyMap<string, Shape> =>
  new Map(
    Object.entries(table).map(([type, fields]) => [
      type,
      new Map<string, Field>([
        ['location', 'scalar'],
        ...fields
          .split(' ')
          .filter((field) => field !== '')
          .map((field): [string, Field] => {
            const [name = '', kind = 'scalar'] = field.split(':')
            return [name, kind]
          }),
      ]),
    ]),
  )

const JSON_AGGREGATE = 'constructor:JsonAggConstructor absent_on_null'

/** Expressions, FROM items and the clauses they are made of. */
export const EXPRESSION_SHAPES = {
  A_ArrayExpr: 'elements:nodes list_start list_end',
  A_Const: 'ival:Integer fval:Float boolval:Boolean sval:String bsval:BitString isnull',
  A_Expr: 'kind name:names lexpr:node rexpr:node rexpr_list_start rexpr_list_end',
  A_Indices: 'is_slice lidx:node uidx:node',
  A_Indirection: 'arg:node indirection:nodes',
  A_Star: '',
  Alias: 'aliasname colnames:names',
  BitString: 'bsval',
  BoolExpr: 'boolop args:nodes',
  Boolean: 'boolval',
  BooleanTest: 'arg:node booltesttype',
  CaseExpr: 'arg:node args:nodes defresult:node',
  CaseWhen: 'expr:node result:node',
  CoalesceExpr: 'args:nodes',
  CollateClause: 'arg:node collname:names',
  ColumnRef: 'fields:nodes',
  CurrentOfExpr: 'cvarno cursor_name cursor_param',
  Float: 'fval',
  FuncCall:
    'funcname:names args:nodes agg_order:nodes agg_filter:node over:WindowDef agg_within_group ' +
    'agg_star agg_distinct func_variadic funcformat',
  GroupingFunc: 'args:nodes',
  GroupingSet: 'kind content:nodes',
  Integer: 'ival',
  JoinExpr:
    'jointype isNatural larg:node rarg:node usingClause:names join_using_alias:Alias quals:node alias:Alias rtindex',
  JsonAggConstructor: 'output:JsonOutput agg_filter:node agg_order:nodes over:WindowDef',
  JsonArgument: 'val:JsonValueExpr name',
  JsonArrayAgg: `${JSON_AGGREGATE} arg:JsonValueExpr`,
  JsonArrayConstructor: 'exprs:nodes output:JsonOutput absent_on_null',
  JsonArrayQueryConstructor: 'query:node output:JsonOutput format:JsonFormat absent_on_null',
  JsonBehavior: 'btype expr:node coerce',
  JsonFormat: 'format_type encoding',
  JsonFuncExpr:
    'op column_name context_item:JsonValueExpr pathspec:node passing:nodes output:JsonOutput ' +
    'on_empty:JsonBehavior on_error:JsonBehavior wrapper quotes',
  JsonIsPredicate: 'expr:node format:JsonFormat item_type unique_keys',
  JsonKeyValue: 'key:node value:JsonValueExpr',
  JsonObjectAgg: `${JSON_AGGREGATE} arg:JsonKeyValue unique`,
  JsonObjectConstructor: 'exprs:nodes output:JsonOutput absent_on_null unique',
  JsonOutput: 'typeName:TypeName returning:JsonReturning',
  JsonParseExpr: 'expr:JsonValueExpr output:JsonOutput unique_keys',
  JsonReturning: 'format:JsonFormat typid typmod',
  JsonScalarExpr: 'expr:node output:JsonOutput',
  JsonSerializeExpr: 'expr:JsonValueExpr output:JsonOutput',
  JsonTable:
    'context_item:JsonValueExpr pathspec:JsonTablePathSpec passing:nodes columns:nodes ' +
    'on_error:JsonBehavior alias:Alias lateral',
  JsonTableColumn:
    'coltype name typeName:TypeName pathspec:JsonTablePathSpec format:JsonFormat wrapper quotes ' +
    'columns:nodes on_empty:JsonBehavior on_error:JsonBehavior',
  JsonTablePathSpec: 'string:node name name_location',
  JsonValueExpr: 'raw_expr:node formatted_expr:node format:JsonFormat',
  List: 'items:nodes',
  MergeSupportFunc: 'msftype msfcollid',
  MinMaxExpr: 'op args:nodes',
  MultiAssignRef: 'source:node colno ncolumns',
  NamedArgExpr: 'arg:node name argnumber',
  NullTest: 'arg:node nulltesttype argisrow',
  ParamRef: 'number',
  RangeFunction: 'lateral ordinality is_rowsfrom functions:nodes alias:Alias coldeflist:nodes',
  RangeSubselect: 'lateral subquery:node alias:Alias',
  RangeTableFunc: 'lateral docexpr:node rowexpr:node namespaces:nodes columns:nodes alias:Alias',
  RangeTableFuncCol:
    'colname typeName:TypeName for_ordinality is_not_null colexpr:node coldefexpr:node',
  RangeTableSample: 'relation:node method:names args:nodes repeatable:node',
  RangeVar: 'catalogname schemaname relname inh relpersistence alias:Alias',
  ResTarget: 'name indirection:nodes val:node',
  RowExpr: 'args:nodes row_format colnames:names',
  SQLValueFunction: 'op typmod',
  SetToDefault: 'typeMod',
  SortBy: 'node:node sortby_dir sortby_nulls useOp:names',
  String: 'sval',
  SubLink: 'subLinkType subLinkId testexpr:node operName:names subselect:node',
  TypeCast: 'arg:node typeName:TypeName',
  TypeName: 'names:names typeOid setof pct_type typmods:nodes typemod arrayBounds:nodes',
  WindowDef:
    'name refname partitionClause:nodes orderClause:nodes frameOptions startOffset:node endOffset:node',
  XmlExpr: 'op name named_args:nodes arg_names:nodes args:nodes xmloption indent typmod',
  XmlSerialize: 'xmloption expr:node typeName:TypeName indent',
}

/** Statements that read and write rows, and their clauses. */
export const QUERY_SHAPES = {
  CTECycleClause:
    'cycle_col_list:names cycle_mark_column cycle_mark_value:node cycle_mark_default:node cycle_path_column',
  CTESearchClause: 'search_col_list:names search_breadth_first search_seq_column',
  CommonTableExpr:
    'ctename aliascolnames:names ctematerialized ctequery:node search_clause:CTESearchClause ' +
    'cycle_clause:CTECycleClause',
  DeleteStmt:
    'relation:RangeVar usingClause:nodes whereClause:node returningClause:ReturningClause withClause:WithClause',
  IndexElem:
    'name expr:node indexcolname collation:names opclass:names opclassopts:nodes ordering nulls_ordering',
  InferClause: 'indexElems:nodes whereClause:node conname',
  InsertStmt:
    'relation:RangeVar cols:nodes selectStmt:node onConflictClause:OnConflictClause ' +
    'returningClause:ReturningClause withClause:WithClause override',
  IntoClause:
    'rel:RangeVar colNames:names accessMethod options:nodes onCommit tableSpaceName skipData',
  LockingClause: 'lockedRels:nodes strength waitPolicy',
  MergeStmt:
    'relation:RangeVar sourceRelation:node joinCondition:node mergeWhenClauses:nodes ' +
    'returningClause:ReturningClause withClause:WithClause',
  MergeWhenClause: 'matchKind commandType override condition:node targetList:nodes values:nodes',
  OnConflictClause: 'action infer:InferClause targetList:nodes whereClause:node',
  ReturningClause: 'options:nodes exprs:nodes',
  ReturningOption: 'option value',
  SelectStmt:
    'distinctClause:nodes intoClause:IntoClause targetList:nodes fromClause:nodes whereClause:node ' +
    'groupClause:nodes groupDistinct havingClause:node windowClause:nodes valuesLists:nodes ' +
    'sortClause:nodes limitOffset:node limitCount:node limitOption lockingClause:nodes ' +
    'withClause:WithClause op all larg:SelectStmt rarg:SelectStmt',
  UpdateStmt:
    'relation:RangeVar targetList:nodes whereClause:node fromClause:nodes ' +
    'returningClause:ReturningClause withClause:WithClause',
  WithClause: 'ctes:nodes recursive',
}

/** Definitions that hold expressions, and the statements that are walked for them. */
export const DEFINITION_SHAPES = {
  ATAlterConstraint:
    'conname alterEnforceability is_enforced alterDeferrability deferrable initdeferred ' +
    'alterInheritability noinherit',
  AlterDomainStmt: 'subtype typeName:names name def:node behavior missing_ok',
  AlterEnumStmt: 'typeName:names oldVal newVal newValNeighbor newValIsAfter skipIfNewValExists',
  AlterSeqStmt: 'sequence:RangeVar options:nodes for_identity missing_ok',
  AlterStatsStmt: 'defnames:names stxstattarget:node missing_ok',
  AlterTableCmd: 'subtype name num newowner:RoleSpec def:node behavior missing_ok recurse',
  AlterTableStmt: 'relation:RangeVar cmds:nodes objtype missing_ok',
  ClusterStmt: 'relation:RangeVar indexname params:nodes',
  ColumnDef:
    'colname typeName:TypeName compression inhcount is_local is_not_null is_from_type storage ' +
    'storage_name raw_default:node identity identitySequence:RangeVar generated ' +
    'collClause:CollateClause constraints:nodes fdwoptions:nodes',
  CompositeTypeStmt: 'typevar:RangeVar coldeflist:nodes',
  Constraint:
    'contype conname deferrable initdeferred is_enforced skip_validation initially_valid ' +
    'is_no_inherit raw_expr:node generated_when generated_kind nulls_not_distinct keys:names ' +
    'without_overlaps including:names exclusions:nodes options:nodes indexname indexspace ' +
    'reset_default_tblspc access_method where_clause:node pktable:RangeVar fk_attrs:names ' +
    'pk_attrs:names fk_with_period pk_with_period fk_matchtype fk_upd_action fk_del_action ' +
    'fk_del_set_cols:names',
  CopyStmt:
    'relation:RangeVar query:node attlist:names is_from is_program filename options:nodes whereClause:node',
  CreateDomainStmt: 'domainname:names typeName:TypeName collClause:CollateClause constraints:nodes',
  CreateEnumStmt: 'typeName:names vals:names',
  CreateSchemaStmt: 'schemaname authrole:RoleSpec schemaElts:nodes if_not_exists',
  CreateSeqStmt: 'sequence:RangeVar options:nodes for_identity if_not_exists',
  CreateStatsStmt: 'defnames:names stat_types:names exprs:nodes relations:nodes if_not_exists',
  CreateStmt:
    'relation:RangeVar tableElts:nodes inhRelations:nodes partbound:PartitionBoundSpec ' +
    'partspec:PartitionSpec ofTypename:TypeName constraints:nodes nnconstraints:nodes ' +
    'options:nodes oncommit tablespacename accessMethod if_not_exists',
  CreateTableAsStmt: 'query:node into:IntoClause objtype is_select_into if_not_exists',
  DeclareCursorStmt: 'portalname options query:node',
  DefElem: 'defnamespace defname arg:node defaction',
  DropStmt: 'objects:nodes removeType behavior missing_ok concurrent',
  ExplainStmt: 'query:node options:nodes',
  IndexStmt:
    'idxname relation:RangeVar accessMethod tableSpace indexParams:nodes indexIncludingParams:nodes ' +
    'options:nodes whereClause:node excludeOpNames:nodes unique nulls_not_distinct primary ' +
    'isconstraint iswithoutoverlaps deferrable initdeferred concurrent if_not_exists ' +
    'reset_default_tblspc',
  PartitionBoundSpec:
    'strategy is_default modulus remainder listdatums:nodes lowerdatums:nodes upperdatums:nodes',
  PartitionCmd: 'name:RangeVar bound:PartitionBoundSpec concurrent',
  PartitionElem: 'name expr:node collation:names opclass:names',
  PartitionRangeDatum: 'kind value:node',
  PartitionSpec: 'strategy partParams:nodes',
  RefreshMatViewStmt: 'concurrent skipData relation:RangeVar',
  ReindexStmt: 'kind relation:RangeVar name params:nodes',
  ReplicaIdentityStmt: 'identity_type name',
  RoleSpec: 'roletype rolename',
  StatsElem: 'name expr:node',
  TableLikeClause: 'relation:RangeVar options relationOid',
  TransactionStmt: 'kind options:nodes savepoint_name gid chain',
  TruncateStmt: 'relations:nodes restart_seqs behavior',
  VacuumRelation: 'relation:RangeVar oid va_cols:names',
  VacuumStmt: 'options:nodes rels:nodes is_vacuumcmd',
  ViewStmt: 'view:RangeVar aliases:names query:node replace options:nodes withCheckOption',
}
