import { expect, test } from 'vitest'
import { analyze } from '../../../../../proxy/postgres/sql/analyze.js'

// Trees as no parser of today gives them: what is not on the list must never pass for harmless.

const first = (stmt: unknown) => {
  const facts = analyze({ stmts: [{ stmt }] })
  return facts.outcome === 'facts' ? facts.statements[0] : facts
}

const select = (val: unknown) => ({ SelectStmt: { targetList: [{ ResTarget: { val } }] } })

const constant = { A_Const: { ival: { ival: 1 } } }

test('a plain select is a read', () => {
  expect(first(select(constant))).toMatchObject({ kind: 'select', effect: 'read', because: [] })
})

test.each([
  ['a statement not known', { FutureStmt: {} }, 'statement FutureStmt not known'],
  ['a statement with two tags', { SelectStmt: {}, DeleteStmt: {} }, 'statement nothing not known'],
  ['no statement', undefined, 'statement nothing not known'],
  ['an expression not known', select({ FutureExpr: {} }), 'node FutureExpr not known'],
  ['an analysed node', select({ FuncExpr: { funcid: 1 } }), 'node FuncExpr not known'],
  ['a node named like a method', select({ constructor: {} }), 'node constructor not known'],
  [
    'a field not known',
    { SelectStmt: { targetList: [], futureClause: [] } },
    'field SelectStmt.futureClause not known',
  ],
  [
    'a field of a nested node not known',
    select({ FuncCall: { funcname: [{ String: { sval: 'now' } }], future: true } }),
    'field FuncCall.future not known',
  ],
  [
    'a node where a scalar was',
    select({ ParamRef: { number: constant } }),
    'field ParamRef.number holds a node',
  ],
  ['a scalar where a node was', select({ NullTest: { arg: 3 } }), 'a malformed node'],
  ['a scalar where a list was', select({ RowExpr: { args: 3 } }), 'a malformed list'],
  ['a node with two tags', select({ A_Const: {}, FuncCall: {} }), 'a malformed node'],
  [
    'an expression among names',
    select({ RowExpr: { colnames: [constant] } }),
    'field RowExpr.colnames holds more than names',
  ],
  ['a scalar where a bare node was', { SelectStmt: { withClause: 1 } }, 'a malformed WITH'],
  [
    'a new kind of expression',
    select({ A_Expr: { kind: 'AEXPR_NEW', name: [] } }),
    'expression AEXPR_NEW not known',
  ],
  [
    'a new JSON function',
    select({ JsonFuncExpr: { op: 'JSON_NEW_OP' } }),
    'a JSON function not known',
  ],
  [
    'a function without a name',
    select({ FuncCall: { funcname: [] } }),
    'a function without a name',
  ],
  ['a relation without a name', { InsertStmt: { relation: {} } }, 'a relation without a name'],
  ['no target relation', { DeleteStmt: {} }, 'a relation without a name'],
  [
    'a type by OID',
    select({ TypeCast: { typeName: { typeOid: 1, names: [{ String: { sval: 'd' } }] } } }),
    'a type that is not named',
  ],
  [
    'a new transaction statement',
    { TransactionStmt: { kind: 'TRANS_STMT_NEW' } },
    'a transaction statement not known',
  ],
  [
    'a new SET',
    { VariableSetStmt: { kind: 'VAR_NEW', name: 'timezone' } },
    'a form of SET not known',
  ],
  ['a new DROP', { DropStmt: { removeType: 'OBJECT_NEW' } }, undefined],
  [
    'a new ALTER TABLE',
    {
      AlterTableStmt: {
        relation: { relname: 't' },
        objtype: 'OBJECT_TABLE',
        cmds: [{ AlterTableCmd: { subtype: 'AT_New' } }],
      },
    },
    'an ALTER TABLE subcommand not known',
  ],
  [
    'a new COPY option',
    { CopyStmt: { relation: { relname: 't' }, options: [{ DefElem: { defname: 'new' } }] } },
    'COPY option new not known',
  ],
  [
    'a new cursor option',
    { DeclareCursorStmt: { options: 0x4000, query: select(constant) } },
    'a cursor option not known',
  ],
  ['a new DISCARD', { DiscardStmt: { target: 'DISCARD_NEW' } }, 'a form of DISCARD not known'],
])('%s makes a statement unknown', (_, stmt, because) => {
  const facts = first(stmt)
  expect(facts).toHaveProperty('effect', 'unknown')
  if (because !== undefined)
    expect(facts).toHaveProperty('because', expect.arrayContaining([because]))
})

test.each([[undefined], [null], [[]], [{}], [{ stmts: 1 }]])('%j is no parse result', (result) => {
  expect(analyze(result)).toHaveProperty('outcome', 'unknown')
})

test('a tree deeper than any text gives is unknown, not a crash', () => {
  let deep: unknown = constant
  for (let level = 0; level < 25_000; level += 1) deep = { NullTest: { arg: deep } }
  // The walker's own bound; the worker's larger stack is tried in parser.test.ts.
  let facts: unknown
  try {
    facts = first(select(deep))
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError)
    return
  }
  expect(facts).toHaveProperty('effect', 'unknown')
})
