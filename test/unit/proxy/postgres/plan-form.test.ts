import { expect, test } from 'vitest'
import { planForm } from '../../../../proxy/postgres/plan-form.js'

const form = (text: string) => planForm(Buffer.from(text)).toString()

test.each([
  ['drop table t', 'drop table t'],
  ['drop table t;', 'drop table t'],
  ['\n\t drop table t ; ;\r\n', 'drop table t'],
  ['-- why\n  drop table t;', 'drop table t'],
  ['-- why\r\ndrop table t', 'drop table t'],
  ['/* a /* nested */ one */ -- and\n drop table t', 'drop table t'],
  ['select 1 /* stays */;', 'select 1 /* stays */'],
  ['select 1 -- stays\n , 2;', 'select 1 -- stays\n , 2'],
  ["select ';';", "select ';'"],
  ["select '-- no comment'", "select '-- no comment'"],
  ['', ''],
  [' ; ', ''],
  ['-- only a comment', ''],
  ['/* does not end drop table t', '/* does not end drop table t'],
  ['- - select', '- - select'],
])('%j is compared as %j', (text, expected) => {
  expect(form(text)).toBe(expected)
})

test.each([
  ['select  1', 'select 1'],
  ['SELECT 1', 'select 1'],
  ['select 1 -- a', 'select 1'],
  ['select/**/1', 'select 1'],
  ['/*+ hint */ select 1 /*+ other */', 'select 1'],
  ["select 'a;'", "select 'a'"],
])('%j is not %j: what stands within a statement is never touched', (text, other) => {
  expect(form(text)).not.toBe(form(other))
})
