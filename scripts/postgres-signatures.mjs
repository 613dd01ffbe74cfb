// Writes proxy/postgres/sql/allowed-signatures.ts: the built-in functions that may be called, by
// name and argument types, and the built-in types a parameter may have. The names below are chosen
// by hand; their signatures come from the catalogs of real servers, the oldest and the newest that
// are supported.
//
//   node scripts/postgres-signatures.mjs postgres://postgres@127.0.0.1:5415 postgres://…:5418

import { writeFileSync } from 'node:fs'
import pg from 'pg'

// What is left out on purpose, although it only reads: functions that take SQL, a type, a table or
// a record's type by name and run user code (query_to_xml, ts_stat, json_populate_record,
// pg_input_is_valid, satisfies_hash_partition); that show other sessions, statistics or files; that
// sleep, lock, signal or write WAL; large objects; replication; sequences (nextval is a write of
// its own). Type input, output, send and receive functions are nobody's to call.
const NAMES = `
abs acos acosd acosh asin asind asinh atan atan2 atan2d atand atanh cbrt ceil ceiling cos cosd cosh
cot cotd degrees div erf erfc exp factorial floor gamma gcd lcm lgamma ln log log10 min_scale mod pi
pow power radians random random_normal round scale sign sin sind sinh sqrt tan tand tanh trim_scale
trunc width_bucket

ascii bit_count bit_length btrim casefold char_length character_length chr concat concat_ws convert
convert_from convert_to crc32 crc32c decode encode format get_bit get_byte initcap is_normalized
left length like like_escape lower lpad ltrim md5 normalize notlike octet_length overlay parse_ident
position quote_ident quote_literal quote_nullable regexp_count regexp_instr regexp_like regexp_match
regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr repeat
replace reverse right rpad rtrim set_bit set_byte sha224 sha256 sha384 sha512 similar_escape
similar_to_escape split_part starts_with string_to_array string_to_table strpos substr substring
text to_ascii to_bin to_hex to_oct translate unicode_assigned unicode_version unistr upper

age clock_timestamp date date_add date_bin date_part date_subtract date_trunc extract isfinite
justify_days justify_hours justify_interval make_date make_interval make_time make_timestamp
make_timestamptz now overlaps statement_timestamp time timeofday timestamp timestamptz timetz
timezone to_timestamp transaction_timestamp
to_char to_date to_number

array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position
array_positions array_prepend array_remove array_replace array_reverse array_sample array_shuffle
array_sort array_to_string array_upper cardinality generate_series generate_subscripts trim_array
unnest

daterange datemultirange int4range int4multirange int8range int8multirange isempty lower_inc
lower_inf multirange nummultirange numrange range_merge tsmultirange tsrange tstzmultirange
tstzrange upper_inc upper_inf

array_to_json json_array_elements json_array_elements_text json_array_length json_build_array
json_build_object json_each json_each_text json_extract_path json_extract_path_text json_object
json_object_keys json_strip_nulls json_to_record json_to_recordset json_typeof
jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text
jsonb_insert jsonb_object jsonb_object_keys jsonb_path_exists jsonb_path_exists_tz jsonb_path_match
jsonb_path_match_tz jsonb_path_query jsonb_path_query_array jsonb_path_query_array_tz
jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz jsonb_pretty jsonb_set
jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof row_to_json to_json
to_jsonb

any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp
every json_agg json_agg_strict json_object_agg json_object_agg_strict json_object_agg_unique
json_object_agg_unique_strict jsonb_agg jsonb_agg_strict jsonb_object_agg jsonb_object_agg_strict
jsonb_object_agg_unique jsonb_object_agg_unique_strict max min mode percentile_cont percentile_disc
range_agg range_intersect_agg regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope
regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance
xmlagg
cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number
bernoulli system

gen_random_uuid uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7
enum_first enum_last enum_range num_nonnulls num_nulls hashtext hashtextextended

array_to_tsvector get_current_ts_config json_to_tsvector jsonb_to_tsvector numnode phraseto_tsquery
plainto_tsquery querytree setweight strip to_tsquery to_tsvector ts_delete ts_filter ts_headline
ts_rank ts_rank_cd tsquery_phrase tsvector_to_array websearch_to_tsquery

abbrev broadcast family host hostmask inet_merge inet_same_family macaddr8_set7bit masklen netmask
network set_masklen
area bound_box box center circle diagonal diameter height isclosed ishorizontal isopen isparallel
isperp isvertical line lseg npoints path pclose point polygon popen radius slope width

xml_is_well_formed xml_is_well_formed_content xml_is_well_formed_document xmlcomment xmlexists
xmltext xpath xpath_exists

current_database current_query current_schema current_schemas current_user getdatabaseencoding
pg_backend_pid pg_client_encoding pg_is_in_recovery pg_my_temp_schema pg_is_other_temp_schema
pg_postmaster_start_time session_user system_user version currval lastval

acldefault aclexplode col_description format_type has_any_column_privilege has_column_privilege
has_database_privilege has_foreign_data_wrapper_privilege has_function_privilege
has_language_privilege has_schema_privilege has_sequence_privilege has_server_privilege
has_table_privilege has_tablespace_privilege has_type_privilege makeaclitem obj_description
oidvectortypes pg_basetype pg_char_to_encoding pg_collation_for pg_collation_is_visible
pg_column_compression pg_column_is_updatable pg_column_size pg_conversion_is_visible
pg_database_size pg_describe_object pg_encoding_max_length pg_encoding_to_char
pg_function_is_visible pg_get_constraintdef pg_get_expr pg_get_function_arg_default
pg_get_function_arguments pg_get_function_identity_arguments pg_get_function_result
pg_get_function_sqlbody pg_get_functiondef pg_get_indexdef pg_get_keywords
pg_get_partition_constraintdef pg_get_partkeydef pg_get_replica_identity_index pg_get_ruledef
pg_get_serial_sequence pg_get_statisticsobjdef pg_get_statisticsobjdef_columns
pg_get_statisticsobjdef_expressions pg_get_triggerdef pg_get_userbyid pg_get_viewdef pg_has_role
pg_identify_object pg_index_column_has_property pg_index_has_property pg_indexam_has_property
pg_indexes_size pg_opclass_is_visible pg_operator_is_visible pg_opfamily_is_visible
pg_options_to_table pg_partition_ancestors pg_partition_root pg_partition_tree
pg_relation_is_publishable pg_relation_is_updatable pg_relation_size pg_sequence_parameters
pg_settings_get_flags pg_size_bytes pg_size_pretty pg_statistics_obj_is_visible pg_table_is_visible
pg_table_size pg_tablespace_size pg_total_relation_size pg_ts_config_is_visible
pg_ts_dict_is_visible pg_ts_parser_is_visible pg_ts_template_is_visible pg_type_is_visible pg_typeof
row_security_active shobj_description to_regclass to_regcollation to_regnamespace to_regoper
to_regoperator to_regproc to_regprocedure to_regrole to_regtype to_regtypemod
`
  .split(/\s+/)
  .filter((name) => name !== '')

// Beside the chosen names: the functions behind built-in operators and casts, none of which does
// more than compute. pg_catalog's own OIDs end at 16383.
const SIGNATURES = `
  SELECT p.proname || '(' || coalesce((
           SELECT string_agg(t.typname, ',' ORDER BY a.at)
           FROM unnest(p.proargtypes) WITH ORDINALITY AS a(type, at)
           JOIN pg_type t ON t.oid = a.type), '') || ')' AS signature
  FROM pg_proc p
  WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.oid < 16384
    AND p.prokind IN ('f', 'a', 'w')
    AND (p.proname = ANY ($1::text[])
         OR p.oid IN (SELECT oprcode FROM pg_operator WHERE oid < 16384)
         OR p.oid IN (SELECT castfunc FROM pg_cast WHERE oid < 16384))
    AND (NOT EXISTS (SELECT FROM unnest(p.proargtypes) a
                     WHERE a IN ('internal'::regtype, 'cstring'::regtype))
         OR p.prorettype = 'tsm_handler'::regtype)`

const TYPES = `
  SELECT t.oid::int4 FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typlen = -1
  WHERE t.oid < 10000 AND t.typnamespace = 'pg_catalog'::regnamespace
    AND t.typtype IN ('b', 'r', 'm') AND coalesce(e.typtype, 'b') IN ('b', 'r', 'm')
    AND t.typname NOT IN ('pg_node_tree', 'pg_ndistinct', 'pg_dependencies', 'pg_mcv_list',
                          'pg_brin_bloom_summary', 'pg_brin_minmax_multi_summary')`

const signatures = new Set()
const types = new Set([705])
const versions = []
const servers = process.argv.slice(2)
if (servers.length === 0) throw new Error('Name the servers to read: postgres://…')
for (const connectionString of servers) {
  const client = new pg.Client({ connectionString })
  await client.connect()
  const { rows } = await client.query(SIGNATURES, [NAMES])
  for (const row of rows) signatures.add(row.signature)
  for (const row of (await client.query(TYPES)).rows) types.add(row.oid)
  versions.push((await client.query('SHOW server_version')).rows[0].server_version.split(' ')[0])
  await client.end()
}

const known = new Set([...signatures].map((signature) => signature.split('(')[0]))
const missing = NAMES.filter((name) => !known.has(name))
if (missing.length > 0) throw new Error(`No server has ${missing.join(', ')}`)

// Overloads share a line entry: `abs(int2)(int4)` stands for abs(int2) and abs(int4).
const byName = new Map()
for (const signature of [...signatures].sort()) {
  const name = signature.slice(0, signature.indexOf('('))
  byName.set(name, `${byName.get(name) ?? name}${signature.slice(name.length)}`)
}
const fill = (words) => {
  const lines = ['']
  for (const word of words) {
    const line = lines.at(-1)
    if (line.length + word.length > 170) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines.join('\n')
}

writeFileSync(
  new URL('../proxy/postgres/sql/allowed-signatures.ts', import.meta.url),
  `// Generated by scripts/postgres-signatures.mjs from PostgreSQL ${versions.join(' and ')}; the choice is
// made there. Data: built-in functions that compute or look up and do nothing else.

/** Functions of pg_catalog as \`name(type,…)(type,…)\`, one entry per name with all its overloads. */
export const ALLOWED_FUNCTIONS = \`
${fill([...byName.values()])}
\`

/** OIDs of built-in types whose input runs no user code; 705 is \`unknown\`. */
export const PARAMETER_TYPE_OIDS = \`
${fill([...types].sort((a, b) => a - b).map(String))}
\`
`,
)
process.stdout.write(`${signatures.size} signatures, ${types.size} types\n`)
