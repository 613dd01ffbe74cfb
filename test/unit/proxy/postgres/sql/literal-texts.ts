// SQL texts in and around the subset whose literals are lifted, from a seed. Each text comes with
// partners that differ from it in some of its literals only, as their author sees it.

/** Each list holds ways to write a literal that look alike to somebody who replaces values. */
const NUMBERS = [
  ...['0', '1', '7', '007', '42', '12345', '999999999', '000000001'],
  ...['1234567890', '2147483647', '2147483648', '3000000000', '0123456789', '12345678901'],
  ...['00000000001', '123456789012345678', '9223372036854775807', '99999999999999999999999'],
  ...[
    '12.5',
    '0.25',
    '1.',
    '.5',
    '1.e5',
    '1e5',
    '1e',
    '1.5e-3',
    '0x1F',
    '0b1',
    '0o17',
    '1_000',
    '1_0',
  ],
  ...[
    '1..2',
    '1.5.5',
    '1and',
    '1a',
    '1 .5',
    '$1',
    '$2',
    '$1000',
    '$01',
    '$0',
    '$1$',
    '$1a',
    '$1.5',
  ],
]
const STRINGS = [
  ...[
    "'a'",
    "'b c'",
    "''",
    "''''",
    "'it''s'",
    "'a;b'",
    "'--'",
    "'/*'",
    "'$1'",
    "'1'",
    "'\n'",
    "'\"'",
  ],
  ...["'a' 'b'", "'a'\n'b'", "'a'\n\n 'b'", "'a'--x\n'b'", "'a'/**/'b'", "'a'\t'b'", "'a''b'"],
  ...["E'a'", "e'\\''", "U&'a'", "u&'a'", "N'a'", "B'1'", "X'1f'", "&'a'", "_'a'", "'\\'", "'\\''"],
  ...[
    '$$a$$',
    "$x$'$x$",
    "'\u00e4'",
    "'\0'",
    "'\x01'",
    "'unclosed",
    "'a'1",
    "1'a'",
    "'a'b",
    'null',
  ],
]
const NAMES = [
  ...['a', 'b', 't', 'u.a', 't.b', 'A1', 'a_1', 'a1b2', 'a$1', '"a"', '"A b"', '"a""b"', '"', '""'],
  ...[
    'a"b"',
    '"a"b',
    '"a"1',
    'U&"a"',
    '\u00e4',
    'a.1',
    'a .1',
    'a. 1',
    'tr\u00fce',
    '\x01',
    '"\x03"',
  ],
]
const OPERATORS = [
  ...['=', '<', '<=', '<>', '+', '-', '*', '/', '%', '||', 'and', 'or', 'like', 'is distinct from'],
  ...[
    '=-',
    '= -',
    '= - -',
    '= -(',
    '--',
    '/*',
    '/',
    '/ *',
    '-/',
    '*/',
    '->',
    '->>',
    '@>',
    '~',
    '&',
    '@-',
  ],
  ...[':', '::', ':=', '.', '..', ',', ';', '<!>', '`', '?', '^', 'in', 'between', '#', '@@'],
]
const SPACES = [' ', ' ', ' ', ' ', '', '', '\n', '\t', '  ', '\r\n', '\f', '\v', '/**/', '--\n']

/** Statements with holes: `N` a number, `S` a string, `C` a name, `O` an operator, `L` any literal. */
const STATEMENTS = [
  'SELECT C FROM t WHERE C O L',
  'SELECT C FROM t WHERE C = N AND C = S',
  'SELECT L, -N, - (-N), -(N), +N, - S FROM t',
  'SELECT C, L FROM t WHERE C IN (L, L, L) ORDER BY C LIMIT N OFFSET N',
  'SELECT C FROM t ORDER BY N',
  'SELECT C FROM t ORDER BY C, -N, N + N, (N)',
  'SELECT C, count(*) FROM t GROUP BY N',
  'SELECT C, count(*) FROM t GROUP BY (N, N), C HAVING count(*) > N',
  'SELECT C FROM t GROUP BY ROLLUP (N, C), GROUPING SETS ((N), ())',
  'SELECT DISTINCT ON (N) C FROM t',
  'SELECT max(C ORDER BY N) FILTER (WHERE C > N) OVER (PARTITION BY N ORDER BY N ROWS N PRECEDING)',
  'SELECT C FROM t UNION SELECT L FROM u ORDER BY N',
  'SELECT C::varchar(N), CAST(L AS numeric(N, N)), C::float(N), FLOAT(N) S, interval(N) S',
  'SELECT L::int, S::date, S::regclass, N::regtype, CAST(S AS regproc), S::jsonpath, S::d',
  "SELECT date S, interval S, interval S day, timestamp S, regclass S, time 'x' AT TIME ZONE S",
  'SELECT C FROM t FETCH FIRST N ROWS ONLY',
  'SELECT f(N, S), lower(S), public.lower(S), round(N, N), nextval(S), substr(C, N, N), f(a => S)',
  'SELECT C[N], C[N:N], ARRAY[L, L], ROW(L, L), (L, L) = (C, L), C = ANY (ARRAY[N, N])',
  'SELECT CASE C WHEN L THEN L ELSE L END, CASE WHEN C > N THEN S END, coalesce(C, L), NULLIF(C, L)',
  'SELECT C LIKE S ESCAPE S, C SIMILAR TO S, C BETWEEN N AND N, C IS NOT DISTINCT FROM L',
  'SELECT C -> S, C ->> N, C #>> S, C @> S::jsonb, C @@ S, C OPERATOR(pg_catalog.=) S',
  'SELECT EXTRACT(year FROM C), EXTRACT(S FROM C), position(S in C), substring(C from N for N)',
  'SELECT C FROM t TABLESAMPLE system (N) REPEATABLE (N)',
  'SELECT C FROM generate_series(N, N) AS t, LATERAL (SELECT L) s, (VALUES (L, L)) v',
  'SELECT JSON_VALUE(C, S DEFAULT L ON EMPTY), JSON_OBJECT(S: L), XMLELEMENT(NAME x, S)',
  'SELECT * FROM JSON_TABLE(C, S COLUMNS (a int PATH S)), XMLTABLE(S PASSING C COLUMNS a int PATH S)',
  'WITH w AS (SELECT L AS x FROM t WHERE C > L) SELECT x FROM w WHERE x = L',
  'WITH RECURSIVE w AS (SELECT N UNION ALL SELECT N) CYCLE a SET c TO L DEFAULT L USING p SELECT C FROM w',
  'SELECT (SELECT L), EXISTS (SELECT N FROM t WHERE C = L), C IN (SELECT N), ARRAY(SELECT L)',
  'SELECT C FROM t JOIN u ON t.a = N AND u.b = S LEFT JOIN v USING (c)',
  'INSERT INTO t (a, b) VALUES (L, L), (N, S), (-N, now())',
  'INSERT INTO t SELECT L, C FROM u ON CONFLICT (a) WHERE b > N DO UPDATE SET b = L WHERE t.a > N RETURNING L',
  'UPDATE t SET a = a + -N, b = S, c[N] = N, (d, e) = (N, S) WHERE C = L RETURNING a + N',
  'UPDATE t SET a = N WHERE N = N',
  'DELETE FROM t USING u WHERE C = L AND u.a = N',
  'MERGE INTO t USING u ON t.a = u.a AND u.b = N WHEN MATCHED AND C > N THEN UPDATE SET a = L',
  'BEGIN; UPDATE t SET a = N WHERE b = N; COMMIT',
  'SET x = L; SELECT N',
  'SET LOCAL statement_timeout TO N',
  'SHOW C',
  'FETCH N FROM c',
  'EXPLAIN (ANALYZE N) SELECT L',
  'EXPLAIN (ANALYZE S) SELECT L',
  'COPY t TO STDOUT (FORMAT S, DELIMITER S)',
  'COPY (SELECT L) TO STDOUT',
  'CREATE TABLE x (a int DEFAULT N, b varchar(N) CHECK (b > S))',
  'DECLARE c CURSOR FOR SELECT L',
  'PREPARE p AS SELECT L',
  'EXECUTE p(L)',
  'DO S',
  'CALL f(L)',
  'NOTIFY c, S',
  'ALTER SEQUENCE s RESTART N',
  'VALUES (L, L), (L, L) ORDER BY N LIMIT N',
  'TABLE t LIMIT N',
]

type Pick = (below: number) => number

/** A text, and others that differ from it in values only. */
export interface TextWithPartners {
  readonly text: string
  readonly partners: readonly string[]
}

const of = (list: readonly string[], pick: Pick): string => list[pick(list.length)] ?? ''

/** Mostly what is lifted, sometimes anything. */
const common = (list: readonly string[], count: number, pick: Pick): string =>
  of(pick(8) === 0 ? list : list.slice(0, count), pick)

const literal = (hole: string, pick: Pick): string => {
  const isNumber = hole === 'N' || (hole === 'L' && pick(2) === 0)
  return isNumber ? common(NUMBERS, 7, pick) : common(STRINGS, 12, pick)
}

const HOLE = /\b[NSLCO]\b/g
const LITERAL_HOLE = /\{([NSL])\}/g

/** A statement with everything filled in but its literals, whose holes come as `{N}`. */
function frame(pick: Pick): string {
  const statement = of(STATEMENTS, pick)
    .replace(HOLE, (hole) => {
      if (hole === 'C') return common(NAMES, 8, pick)
      return hole === 'O' ? common(OPERATORS, 14, pick) : `{${hole}}`
    })
    .replace(/ /g, () => common(SPACES, 4, pick))
  return pick(10) === 0 ? statement.slice(pick(8), statement.length - pick(8)) : statement
}

/** Pieces without any grammar, for the lexer alone. */
const soup = (pick: Pick): string =>
  `select ${Array.from({ length: 1 + pick(8) }, () => {
    const list = [NUMBERS, STRINGS, NAMES, OPERATORS, SPACES][pick(5)] ?? SPACES
    return list === NUMBERS ? '{N}' : list === STRINGS ? '{S}' : of(list, pick)
  }).join(pick(3) === 0 ? ' ' : '')}`

const fill = (text: string, pick: Pick): string =>
  text.replace(LITERAL_HOLE, (_, hole: string) => literal(hole, pick))

/** A text and two partners. */
export function literalText(pick: Pick): TextWithPartners {
  const text = pick(6) === 0 ? soup(pick) : frame(pick)
  return { text: fill(text, pick), partners: [fill(text, pick), fill(text, pick)] }
}
