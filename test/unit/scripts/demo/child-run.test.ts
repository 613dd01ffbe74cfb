import { expect, test } from 'vitest'
import { ChildRun } from '../../../../scripts/demo/child-run.js'

const shell = (script: string, signal: AbortSignal = new AbortController().signal) =>
  ChildRun.start(['sh', '-c', script], { PATH: process.env['PATH'] }, signal)

test('a child that ends without saying it is a failure that quotes its last words', async () => {
  const run = shell('echo something else')
  await expect(run.until(/awaited/)).rejects.toThrow('it ended; last: something else')
})

test('both outputs are one, in their order, and each line is taken once', async () => {
  const run = shell('echo one; echo two >&2; echo three; exit 4')
  expect(await run.until(/two/)).toEqual(['one', 'two'])
  expect(await run.end()).toEqual({ lines: ['three'], code: 4 })
})

test('of a stream of lines only the end is kept, and all are counted', async () => {
  const run = shell('i=0; while [ $i -lt 2000 ]; do echo "row $i"; i=$((i+1)); done')
  const { lines } = await run.end()
  expect(lines.length).toBe(500)
  expect(lines.at(-1)).toBe('row 1999')
  expect(run.lineCount).toBe(2000)
})

test('an abort ends it', async () => {
  const abort = new AbortController()
  const run = shell('echo up; while :; do :; done', abort.signal)
  await run.until(/up/)
  abort.abort()
  expect((await run.end()).code).toBe(143)
})

test('one that does not want to end is ended', async () => {
  const run = shell('trap "" TERM; echo up; while :; do :; done')
  await run.until(/up/)
  await run.stop()
  expect((await run.end()).code).toBe(137)
})

test('a program that is not there gives 127', async () => {
  const run = ChildRun.start(['/no/such/program'], {}, new AbortController().signal)
  expect((await run.end()).code).toBe(127)
})
