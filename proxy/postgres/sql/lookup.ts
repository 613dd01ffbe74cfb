// The one question asked of the session's own server before a statement is judged: what do these
// names mean here and now? One fixed text, so that it can be prepared once; every name in it is
// pg_catalog's, so that no search_path can bend it. Builds parameters and reads rows; does no I/O.

import type { RelationRef, StatementFacts } from './facts.js'

/** A name to be looked up. */
export interface Wanted {
  /** `column` is a function that `a.name` could mean. */
  readonly what: 'relation' | 'function' | 'column' | 'operator' | 'type'
  /** Empty for a name without schema, which is searched on the path. */
  readonly schema: string
  readonly name: string
  /**
   * Functions: argument count, -1 for any. Operators: arity. Relations: 1 when children count, plus 2
   * when rows are read, so that the code of its column types matters.
   */
  readonly detail: number
}

/** Four parallel `text[]` parameters of `LOOKUP_SQL`, in order. */
export type LookupParameters = readonly [
  what: readonly string[],
  schema: readonly string[],
  name: readonly string[],
  detail: readonly string[],
]

/** One row of the answer: all columns are text. */
export type LookupRow = readonly (string | null)[]

/** Rows beyond which an answer is not used. The statement asks for one more. */
export const lookupRowCountMax = 5000
/** Longest definition of a view that is read, in characters. */
export const definitionLengthMax = 64 * 1024

// Columns: what, at (number of the wanted name, from 1), then by kind:
//   session   schema that creations go to, encoding of the database
//   relation  oid, relkind, schema, name, root?, has rules?, definition of a view
//   columns   oid, JSON list of [attnum, name, type, generated from], schema, name, is it above?
//   code      name of a type of a relation read, function that its checks or casts run
//   viewcode  oid of a view, function or operator of a user that it runs
//   function  schema, builtin?, signature, name, overload of an extension?, row-taking?, columns in FROM
//   operator  schema, builtin?, signature of its function, name, C operator of an extension?
//   type      schema, builtin?, typtype, typtype of an array's elements, place on the path, name
// OIDs below 16384 (FirstNormalObjectId) are the server's own; 1255, 1259, 2604, 2606, 2617, 2618
// are pg_proc, pg_class, pg_attrdef, pg_constraint, pg_operator, pg_rewrite; 12, 13 the languages internal, c.
const EQ = 'OPERATOR(pg_catalog.=)'
const NE = 'OPERATOR(pg_catalog.<>)'
const GE = 'OPERATOR(pg_catalog.>=)'
const LE = 'OPERATOR(pg_catalog.<=)'
const LT = 'OPERATOR(pg_catalog.<)'
const USER = `${GE} 16384::pg_catalog.oid`
const TEXT = '::pg_catalog.text'

const signature = (types: string) =>
  `pg_catalog.concat('(', (SELECT pg_catalog.string_agg(t.typname${TEXT}, ',' ORDER BY a.at) FROM ` +
  `ROWS FROM (pg_catalog.unnest(${types})) WITH ORDINALITY AS a(type, at) ` +
  `JOIN pg_catalog.pg_type t ON t.oid ${EQ} a.type), ')')`

const takesUserType = (types: string) =>
  `EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest(${types})) AS a(type) WHERE a.type ${USER})`

const ofExtension = (classId: number, oid: string) =>
  `EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid ${EQ} ${classId}::pg_catalog.oid AND ` +
  `d.objid ${EQ} ${oid} AND d.deptype ${EQ} 'e')`

const isC = `p.prolang ${EQ} ANY (ARRAY[12, 13]::pg_catalog.oid[])`

const named = (schema: string, name: string) => `pg_catalog.concat(${schema}, '.', ${name})`

/** Attribute numbers of the columns that the generated column `a` is made from; NULL for others. */
const GENERATED_FROM =
  `CASE WHEN a.attgenerated ${NE} ''::pg_catalog."char" THEN ARRAY(SELECT d.refobjsubid ` +
  `FROM pg_catalog.pg_attrdef k JOIN pg_catalog.pg_depend d ` +
  `ON d.classid ${EQ} 2604::pg_catalog.oid AND d.objid ${EQ} k.oid ` +
  `WHERE k.adrelid ${EQ} a.attrelid AND k.adnum ${EQ} a.attnum ` +
  `AND d.refclassid ${EQ} 1259::pg_catalog.oid AND d.refobjid ${EQ} a.attrelid ` +
  `AND d.refobjsubid OPERATOR(pg_catalog.>) 0 AND d.refobjsubid ${NE} a.attnum::pg_catalog.int4) END`

/** The user columns of the relation `c`, those that are dropped left out. */
const COLUMNS =
  `(SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attnum, a.attname, ` +
  `pg_catalog.concat(a.atttypid, ' ', a.atttypmod), ${GENERATED_FROM}) ` +
  `ORDER BY a.attnum)${TEXT} FROM pg_catalog.pg_attribute a WHERE a.attrelid ${EQ} c.oid ` +
  `AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped)`

/**
 * How many columns a function gives in FROM: those of its OUT arguments; `scalar` for one; `element`
 * for one of a type that its arguments decide, which may be a row; NULL where only a call tells.
 */
const GIVES =
  `CASE WHEN p.proargmodes IS NOT NULL AND p.proallargtypes IS NOT NULL AND ` +
  `EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest(p.proargmodes)) AS m(mode) ` +
  `WHERE m.mode ${EQ} ANY (ARRAY['o', 'b', 't']::pg_catalog."char"[])) ` +
  `THEN (SELECT pg_catalog.count(*)${TEXT} FROM ROWS FROM (pg_catalog.unnest(p.proargmodes)) AS m(mode) ` +
  `WHERE m.mode ${EQ} ANY (ARRAY['o', 'b', 't']::pg_catalog."char"[])) ` +
  `ELSE (SELECT CASE WHEN y.typname ${EQ} 'record' OR y.typtype ${EQ} 'c' THEN NULL ` +
  `WHEN y.typtype ${EQ} 'p' THEN 'element' WHEN y.typtype ${EQ} 'd' THEN NULL ELSE 'scalar' END ` +
  `FROM pg_catalog.pg_type y WHERE y.oid ${EQ} p.prorettype) END`

/** Parameters: four `text[]` of equal length (`LookupParameters`). Seven more text columns each. */
export const LOOKUP_SQL = `
WITH RECURSIVE
path AS MATERIALIZED (
  SELECT n.oid, n.nspname, s.at
  FROM ROWS FROM (pg_catalog.unnest(pg_catalog.current_schemas(true))) WITH ORDINALITY AS s(name, at)
  JOIN pg_catalog.pg_namespace n ON n.nspname ${EQ} s.name),
wanted AS MATERIALIZED (
  SELECT w.what, w.schema, w.name::pg_catalog.name AS name, w.detail::pg_catalog.int4 AS detail, w.at
  FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]),
    pg_catalog.unnest($3::pg_catalog.text[]), pg_catalog.unnest($4::pg_catalog.text[]))
    WITH ORDINALITY AS w(what, schema, name, detail, at)),
space AS MATERIALIZED (
  SELECT w.what, w.name, w.detail, w.at, p.oid, p.nspname, p.at AS place
  FROM wanted w CROSS JOIN path p WHERE w.schema ${EQ} ''
  UNION ALL
  SELECT w.what, w.name, w.detail, w.at, n.oid, n.nspname, 0::pg_catalog.int8
  FROM wanted w JOIN pg_catalog.pg_namespace n
    ON (w.schema ${NE} 'pg_temp' AND n.nspname ${EQ} w.schema::pg_catalog.name)
    OR (w.schema ${EQ} 'pg_temp' AND n.oid ${EQ} pg_catalog.pg_my_temp_schema())
  WHERE w.schema ${NE} ''),
found AS MATERIALIZED (
  SELECT DISTINCT ON (s.at) s.at, s.detail, c.oid
  FROM space s JOIN pg_catalog.pg_class c ON c.relnamespace ${EQ} s.oid AND c.relname ${EQ} s.name
  WHERE s.what ${EQ} 'relation' ORDER BY s.at, s.place),
tree(at, oid, detail, root) AS (
  SELECT f.at, f.oid, f.detail, true FROM found f
  UNION
  SELECT t.at, h.inhrelid, t.detail, false
  FROM tree t JOIN pg_catalog.pg_inherits h ON h.inhparent ${EQ} t.oid
  WHERE t.detail ${EQ} ANY (ARRAY[1, 3])),
above(at, oid) AS (
  SELECT t.at, h.inhparent FROM tree t JOIN pg_catalog.pg_inherits h ON h.inhrelid ${EQ} t.oid
  UNION
  SELECT b.at, h.inhparent FROM above b JOIN pg_catalog.pg_inherits h ON h.inhrelid ${EQ} b.oid),
shown(at, oid, above) AS (
  SELECT t.at, t.oid, false FROM tree t WHERE t.root
  UNION ALL
  SELECT b.at, b.oid, true FROM above b
  WHERE NOT EXISTS (SELECT FROM tree t WHERE t.at ${EQ} b.at AND t.oid ${EQ} b.oid)),
types(oid) AS (
  SELECT x.oid FROM (
    SELECT a.atttypid AS oid FROM tree t JOIN pg_catalog.pg_attribute a ON a.attrelid ${EQ} t.oid
    WHERE t.detail ${GE} 2 AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
    UNION ALL
    SELECT c.reltype FROM tree t JOIN pg_catalog.pg_class c ON c.oid ${EQ} t.oid WHERE t.detail ${GE} 2
    UNION ALL
    SELECT y.oid FROM space s JOIN pg_catalog.pg_type y
      ON y.typnamespace ${EQ} s.oid AND y.typname ${EQ} s.name WHERE s.what ${EQ} 'type') x
  WHERE x.oid ${USER}
  UNION
  SELECT n.oid FROM types b JOIN pg_catalog.pg_type y ON y.oid ${EQ} b.oid CROSS JOIN LATERAL (
    SELECT y.typelem AS oid
    UNION ALL SELECT y.typbasetype
    UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE y.oid ${EQ} ANY (ARRAY[r.rngtypid, r.rngmultitypid])
    UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a
      WHERE a.attrelid ${EQ} y.typrelid AND a.attnum OPERATOR(pg_catalog.>) 0) n
  WHERE n.oid ${USER})
SELECT 'session', '0', pg_catalog.current_schema()${TEXT}, pg_catalog.getdatabaseencoding()${TEXT},
  NULL, NULL, NULL, NULL, NULL
UNION ALL
SELECT 'relation', t.at${TEXT}, c.oid${TEXT}, c.relkind${TEXT}, n.nspname${TEXT}, c.relname${TEXT}, t.root${TEXT},
  (c.relhasrules AND EXISTS (SELECT FROM pg_catalog.pg_rewrite r
    WHERE r.ev_class ${EQ} c.oid AND r.ev_type ${NE} '1'))${TEXT},
  CASE WHEN c.relkind ${EQ} ANY (ARRAY['v', 'm']::pg_catalog."char"[]) AND c.oid ${USER}
    THEN pg_catalog."left"(pg_catalog.pg_get_viewdef(c.oid), ${definitionLengthMax + 1}) END
FROM tree t JOIN pg_catalog.pg_class c ON c.oid ${EQ} t.oid
  JOIN pg_catalog.pg_namespace n ON n.oid ${EQ} c.relnamespace
WHERE c.relkind ${NE} ALL (ARRAY['i', 'I']::pg_catalog."char"[]) OR t.root
UNION ALL
SELECT 'columns', s.at${TEXT}, c.oid${TEXT}, ${COLUMNS}, n.nspname${TEXT}, c.relname${TEXT}, s.above${TEXT}, NULL, NULL
FROM shown s JOIN pg_catalog.pg_class c ON c.oid ${EQ} s.oid
  JOIN pg_catalog.pg_namespace n ON n.oid ${EQ} c.relnamespace
WHERE c.relkind ${NE} ALL (ARRAY['i', 'I']::pg_catalog."char"[])
UNION ALL
SELECT 'code', '0', y.typname${TEXT}, ${named(`p.pronamespace::pg_catalog.regnamespace${TEXT}`, `p.proname${TEXT}`)},
  NULL, NULL, NULL, NULL, NULL
FROM types b JOIN pg_catalog.pg_type y ON y.oid ${EQ} b.oid
  JOIN pg_catalog.pg_constraint k ON k.contypid ${EQ} y.oid
  JOIN pg_catalog.pg_depend d ON d.classid ${EQ} 2606::pg_catalog.oid AND d.objid ${EQ} k.oid
    AND d.refclassid ${EQ} 1255::pg_catalog.oid
  JOIN pg_catalog.pg_proc p ON p.oid ${EQ} d.refobjid
UNION ALL
SELECT 'code', '0', y.typname${TEXT}, ${named(`p.pronamespace::pg_catalog.regnamespace${TEXT}`, `p.proname${TEXT}`)},
  NULL, NULL, NULL, NULL, NULL
FROM types b JOIN pg_catalog.pg_cast k ON b.oid ${EQ} ANY (ARRAY[k.castsource, k.casttarget])
  JOIN pg_catalog.pg_type y ON y.oid ${EQ} b.oid
  JOIN pg_catalog.pg_proc p ON p.oid ${EQ} k.castfunc
WHERE p.oid ${USER} AND NOT ${isC}
UNION ALL
SELECT 'viewcode', t.at${TEXT}, t.oid${TEXT}, ${named(`p.pronamespace::pg_catalog.regnamespace${TEXT}`, `p.proname${TEXT}`)},
  NULL, NULL, NULL, NULL, NULL
FROM tree t JOIN pg_catalog.pg_rewrite r ON r.ev_class ${EQ} t.oid
  JOIN pg_catalog.pg_depend d ON d.classid ${EQ} 2618::pg_catalog.oid AND d.objid ${EQ} r.oid
  LEFT JOIN pg_catalog.pg_operator o ON d.refclassid ${EQ} 2617::pg_catalog.oid AND o.oid ${EQ} d.refobjid
  JOIN pg_catalog.pg_proc p ON p.oid ${EQ} CASE WHEN d.refclassid ${EQ} 1255::pg_catalog.oid
    THEN d.refobjid ELSE o.oprcode::pg_catalog.oid END
WHERE p.oid ${USER} AND NOT (${ofExtension(1255, 'p.oid')} AND ${takesUserType('p.proargtypes')})
UNION ALL
SELECT s.what, s.at${TEXT}, s.nspname${TEXT}, (p.oid ${LT} 16384::pg_catalog.oid)${TEXT},
  pg_catalog.concat(p.proname${TEXT}, ${signature('p.proargtypes')}), p.proname${TEXT},
  (p.oid ${USER} AND ${ofExtension(1255, 'p.oid')} AND ${takesUserType('p.proargtypes')})${TEXT},
  EXISTS (SELECT FROM pg_catalog.pg_type y WHERE y.oid ${EQ} p.proargtypes[0]
    AND y.typtype ${EQ} ANY (ARRAY['c', 'p', 'd']::pg_catalog."char"[]))${TEXT}, ${GIVES}
FROM space s JOIN pg_catalog.pg_proc p ON p.pronamespace ${EQ} s.oid AND p.proname ${EQ} s.name
WHERE s.what ${EQ} ANY (ARRAY['function', 'column']) AND (s.detail ${LT} 0
  OR (s.detail ${GE} (p.pronargs OPERATOR(pg_catalog.-) p.pronargdefaults) AND s.detail ${LE} p.pronargs)
  OR (p.provariadic ${NE} 0::pg_catalog.oid
    AND s.detail ${GE} (p.pronargs OPERATOR(pg_catalog.-) p.pronargdefaults OPERATOR(pg_catalog.-) 1)))
UNION ALL
SELECT 'operator', s.at${TEXT}, s.nspname${TEXT},
  (o.oid ${LT} 16384::pg_catalog.oid AND p.oid ${LT} 16384::pg_catalog.oid)${TEXT},
  pg_catalog.concat(p.proname${TEXT}, ${signature('p.proargtypes')}), o.oprname${TEXT},
  (o.oid ${USER} AND ${isC} AND ${ofExtension(2617, 'o.oid')}
    AND (o.oprleft ${USER} OR o.oprright ${USER}))${TEXT}, NULL, NULL
FROM space s JOIN pg_catalog.pg_operator o ON o.oprnamespace ${EQ} s.oid AND o.oprname ${EQ} s.name
  LEFT JOIN pg_catalog.pg_proc p ON p.oid ${EQ} o.oprcode::pg_catalog.oid
WHERE s.what ${EQ} 'operator'
  AND o.oprkind ${EQ} CASE s.detail WHEN 1 THEN 'l'::pg_catalog."char" ELSE 'b'::pg_catalog."char" END
UNION ALL
SELECT 'type', s.at${TEXT}, s.nspname${TEXT}, (y.oid ${LT} 16384::pg_catalog.oid)${TEXT}, y.typtype${TEXT},
  (SELECT e.typtype${TEXT} FROM pg_catalog.pg_type e WHERE e.oid ${EQ} y.typelem AND y.typlen ${EQ} -1::pg_catalog.int2),
  s.place${TEXT}, y.typname${TEXT}, NULL
FROM space s JOIN pg_catalog.pg_type y ON y.typnamespace ${EQ} s.oid AND y.typname ${EQ} s.name
WHERE s.what ${EQ} 'type'
LIMIT ${lookupRowCountMax + 1}`

/** The names that statements have to have looked up, each once. */
export function wantedNames(statements: readonly StatementFacts[]): Wanted[] {
  const wanted = new Map<string, Wanted>()
  const add = (entry: Wanted) => wanted.set(wantedKey(entry), entry)
  for (const facts of statements) {
    for (const ref of facts.relations) if (ref.access !== 'create') add(wantedRelation(ref))
    for (const { schema = '', name, argumentCount } of facts.functions)
      add({ what: 'function', schema, name, detail: argumentCount })
    for (const name of facts.columns) add({ what: 'column', schema: '', name, detail: 1 })
    for (const { schema = '', name, arity } of facts.operators)
      add({ what: 'operator', schema, name, detail: arity })
    for (const { schema = '', name } of facts.types) add({ what: 'type', schema, name, detail: 0 })
  }
  return [...wanted.values()]
}

/** How a relation is looked up that a statement reads or writes. */
export const wantedRelation = ({
  schema = '',
  name,
  access,
  inherits,
}: Pick<RelationRef, 'schema' | 'name' | 'access' | 'inherits'>): Wanted => ({
  what: 'relation',
  schema,
  name,
  detail: (inherits ? 1 : 0) + (access === 'read' ? 2 : 0),
})

/** Identifies a wanted name among all of one resolution. */
export const wantedKey = ({ what, schema, name, detail }: Wanted): string =>
  JSON.stringify([what, schema, name, detail])

/** The parameters of `LOOKUP_SQL` for these names. */
export const lookupParameters = (wanted: readonly Wanted[]): LookupParameters => [
  wanted.map(({ what }) => what),
  wanted.map(({ schema }) => schema),
  wanted.map(({ name }) => name),
  wanted.map(({ detail }) => String(detail)),
]
