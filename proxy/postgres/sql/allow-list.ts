// What of PostgreSQL itself may be used: built-in functions by signature, types, catalog relations.
// Volatility is no criterion: stable built-ins that take a type, a table or a record by name run
// other people's code. What is on no list here is unknown. Data and look-ups, pure.

import type { Effect } from '../../../core/command.js'
import { ALLOWED_FUNCTIONS, PARAMETER_TYPE_OIDS } from './allowed-signatures.js'

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '')

function expand(entries: readonly string[]): Set<string> {
  const signatures = new Set<string>()
  for (const entry of entries) {
    const [name = '', ...overloads] = entry.split('(')
    for (const types of overloads) signatures.add(`${name}(${types}`)
  }
  return signatures
}

const ALLOWED = expand(words(ALLOWED_FUNCTIONS))

/** Names of built-ins and of well-known extensions that reach files, sessions, servers or SQL. */
const DANGEROUS_NAMES: ReadonlySet<string> = new Set(
  words(`
  pg_sleep pg_sleep_for pg_sleep_until
  pg_cancel_backend pg_terminate_backend pg_log_backend_memory_contexts
  pg_reload_conf pg_rotate_logfile pg_rotate_logfile_old pg_promote pg_switch_wal pg_switch_xlog
  pg_create_restore_point pg_backup_start pg_backup_stop pg_start_backup pg_stop_backup
  pg_wal_replay_pause pg_wal_replay_resume pg_logical_emit_message pg_log_standby_snapshot
  pg_export_snapshot pg_sync_replication_slots pg_import_system_collations pg_notify
  pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all
  pg_advisory_unlock_shared pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_lock
  pg_try_advisory_lock_shared pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared
  pg_create_physical_replication_slot pg_create_logical_replication_slot pg_drop_replication_slot
  pg_copy_physical_replication_slot pg_copy_logical_replication_slot pg_replication_slot_advance
  pg_logical_slot_get_changes pg_logical_slot_get_binary_changes pg_logical_slot_peek_changes
  pg_logical_slot_peek_binary_changes pg_replication_origin_create pg_replication_origin_drop
  pg_replication_origin_advance pg_replication_origin_session_setup
  pg_replication_origin_session_reset pg_replication_origin_xact_setup
  pg_replication_origin_xact_reset
  pg_stat_reset pg_stat_reset_shared pg_stat_reset_single_table_counters
  pg_stat_reset_single_function_counters pg_stat_reset_slru pg_stat_reset_replication_slot
  pg_stat_reset_subscription_stats pg_stat_reset_backend_stats pg_stat_statements_reset
  pg_clear_relation_stats pg_clear_attribute_stats pg_restore_relation_stats
  pg_restore_attribute_stats
  pg_read_file pg_read_file_old pg_read_binary_file pg_stat_file pg_ls_dir pg_ls_logdir pg_ls_waldir
  pg_ls_tmpdir pg_ls_archive_statusdir pg_ls_logicalmapdir pg_ls_logicalsnapdir pg_ls_replslotdir
  pg_ls_summariesdir pg_current_logfile pg_hba_file_rules pg_ident_file_mappings
  pg_show_all_file_settings pg_file_write pg_file_read pg_file_rename pg_file_unlink pg_file_sync
  pg_logdir_ls pg_relation_filepath
  lo_close lo_creat lo_create lo_export lo_from_bytea lo_get lo_import lo_lseek lo_lseek64 lo_open
  lo_put lo_tell lo_tell64 lo_truncate lo_truncate64 lo_unlink loread lowrite
  set_config setval setseed
  query_to_xml query_to_xmlschema query_to_xml_and_xmlschema table_to_xml table_to_xmlschema
  table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema schema_to_xml_and_xmlschema
  database_to_xml database_to_xmlschema database_to_xml_and_xmlschema cursor_to_xml
  cursor_to_xmlschema ts_stat ts_rewrite
  json_populate_record json_populate_recordset jsonb_populate_record jsonb_populate_recordset
  jsonb_populate_record_valid pg_input_is_valid pg_input_error_info satisfies_hash_partition
  crosstab crosstab2 crosstab3 crosstab4 crosstabn crosstab_hash connectby xpath_table
  dblink dblink_connect dblink_connect_u dblink_disconnect dblink_exec dblink_open dblink_fetch
  dblink_close dblink_send_query dblink_get_result dblink_get_connections dblink_error_message
  dblink_cancel_query dblink_is_busy dblink_get_notify dblink_build_sql_insert
  dblink_build_sql_update dblink_build_sql_delete dblink_get_pkey
  postgres_fdw_disconnect postgres_fdw_disconnect_all postgres_fdw_get_connections
  pg_stat_get_activity pg_show_all_settings pg_prepared_statement pg_cursor pg_lock_status
  brin_summarize_new_values brin_summarize_range brin_desummarize_range gin_clean_pending_list
  pg_nextoid pg_stop_making_pinned_objects binary_upgrade_set_next_pg_type_oid`),
)

/** Built-ins whose effect is above a read and that are not dangerous. */
const RAISED: ReadonlyMap<string, Effect> = new Map<string, Effect>([
  ['nextval', 'write'],
  // Settings that people invent may hold anything; SHOW of one is treated alike.
  ['current_setting', 'session-control'],
])

/** Functions of information_schema that drivers call (pgjdbc's getPrimaryKeys). They only compute. */
const INFORMATION_FUNCTIONS: ReadonlySet<string> = new Set(
  words(`
  _pg_char_max_length _pg_char_octet_length _pg_datetime_precision _pg_expandarray
  _pg_index_position _pg_interval_type _pg_numeric_precision _pg_numeric_precision_radix
  _pg_numeric_scale _pg_truetypid _pg_truetypmod`),
)

/** The effect of calling one of the server's own functions, given its signature `name(type,…)`. */
export function builtinEffect(schema: string, name: string, signature: string): Effect {
  if (schema === 'information_schema') return INFORMATION_FUNCTIONS.has(name) ? 'read' : 'unknown'
  if (schema !== 'pg_catalog') return 'unknown'
  if (ALLOWED.has(signature)) return 'read'
  return RAISED.get(name) ?? (DANGEROUS_NAMES.has(name) ? 'dangerous' : 'unknown')
}

/** True for names that are dangerous wherever they stand, even if the server has no such function. */
export const isDangerousName = (name: string): boolean => DANGEROUS_NAMES.has(name)

const PARAMETER_TYPES: ReadonlySet<number> = new Set(words(PARAMETER_TYPE_OIDS).map(Number))

/**
 * True when every parameter type of a Parse message is left to the server (0) or is built in. The
 * input of any other type may run code as soon as Parse or Bind is forwarded.
 */
export const parameterTypesKnown = (oids: readonly number[]): boolean =>
  oids.every((oid) => oid === 0 || PARAMETER_TYPES.has(oid))

/**
 * Relations of pg_catalog that hold definitions only: what drivers and psql's \d read. All others
 * show statistics of columns, other sessions, secrets or the server.
 */
const CATALOG_RELATIONS: ReadonlySet<string> = new Set(
  words(`
  pg_aggregate pg_am pg_amop pg_amproc pg_attrdef pg_attribute pg_auth_members
  pg_available_extension_versions pg_available_extensions pg_cast pg_class pg_collation
  pg_constraint pg_conversion pg_database pg_default_acl pg_depend pg_description pg_enum
  pg_event_trigger pg_extension pg_foreign_data_wrapper pg_foreign_server pg_foreign_table pg_group
  pg_index pg_indexes pg_inherits pg_init_privs pg_language pg_matviews pg_namespace pg_opclass
  pg_operator pg_opfamily pg_partitioned_table pg_policies pg_policy pg_proc pg_publication
  pg_publication_namespace pg_publication_rel pg_publication_tables pg_range pg_rewrite pg_roles
  pg_rules pg_seclabel pg_seclabels pg_sequence pg_settings pg_shdepend pg_shdescription pg_shseclabel
  pg_statistic_ext pg_tables pg_tablespace pg_timezone_abbrevs pg_timezone_names pg_transform
  pg_trigger pg_ts_config pg_ts_config_map pg_ts_dict pg_ts_parser pg_ts_template pg_type pg_user
  pg_views`),
)

/** Relations of information_schema that show secrets of foreign servers. */
const SECRET_INFORMATION: ReadonlySet<string> = new Set(
  words(`_pg_user_mappings user_mapping_options user_mappings foreign_server_options
  _pg_foreign_servers`),
)

/** Relations of extensions that show other sessions' statements, in whatever schema they are. */
const SECRET_EXTENSION_RELATIONS: ReadonlySet<string> = new Set(
  words(`pg_stat_statements pg_stat_statements_info pg_buffercache`),
)

/** What reading a relation of the server itself means. */
export type CatalogReading = 'harmless' | 'dangerous' | 'ordinary'

/** Classes a relation by its resolved name; `builtin` tells the server's own from look-alikes. */
export function catalogReading(schema: string, name: string, builtin: boolean): CatalogReading {
  if (schema === 'pg_toast') return 'dangerous'
  if (SECRET_EXTENSION_RELATIONS.has(name)) return 'dangerous'
  if (schema === 'pg_catalog')
    return builtin && CATALOG_RELATIONS.has(name) ? 'harmless' : 'dangerous'
  if (schema === 'information_schema')
    return builtin && !SECRET_INFORMATION.has(name) ? 'harmless' : 'dangerous'
  return 'ordinary'
}
