import { expect, test } from 'vitest'
import { readmeBlock, withBlock } from '../../../../scripts/demo/transcript.js'

const told = (id: string, port: number, at: string) => `   Starting …

1. Left out
   $ nothing

2. First
   job $ export PGPORT=${port} PGSSLROOTCERT=/var/lib/demo-${port}/tls/authority.pem
     ${id} at ${at}

8. Last
   maria $ warder revoke ${id}
     1 session cut in ${port} ms
     -00:00:00.${port % 1_000}  request.opened from 127.0.0.1:${port + 3}
     +00:00:0${port % 7}.123  command 1
     +00:00:09.${port % 1_000}  command 1 done in 2.${port % 10} ms
`

test('two runs with other ids, ports, times and paths give the same block', () => {
  const one = readmeBlock(told('cmd_7bbcfe775m', 15432, '2026-11-22 09:30:00Z'))
  const other = readmeBlock(told('cmd_qsxpcnh8em', 40111, '2027-01-02 23:59:59Z'))
  expect(other).toBe(one)
  expect(one).toContain('PGSSLROOTCERT=authority.pem')
  expect(one).toContain('1 session cut in … ms')
  expect(one).toContain('     +00:00:00.000  command 1\n     +00:00:00.024  command 1 done')
  expect(one).not.toContain('Left out')
  expect(one).toMatch(/^```text\n1\. First\n[^]*\n\n2\. Last\n[^]*```$/)
})

test('one id is the same throughout a block, and two are told apart', () => {
  const block = readmeBlock('2. First\n     cmd_aaaaaaaaaa cmd_bbbbbbbbbb cmd_aaaaaaaaaa\n')
  const [first, second, third] = block.match(/cmd_\w{10}/g) ?? []
  expect(first).toBe(third)
  expect(first).not.toBe(second)
})

test('of a long output the beginning and the end are shown', () => {
  const lines = Array.from({ length: 20 }, (_, at) => `     line ${at}`).join('\n')
  const block = readmeBlock(`2. First\n   $ long\n${lines}\n   ✓ so it is\n`)
  expect(block).toContain('line 0')
  expect(block).toContain('     …\n     line 19\n   ✓ so it is')
  expect(block).not.toContain('line 10')
})

test('what is said after the last step is no part of it', () => {
  const block = readmeBlock('10. Last\n   $ one\n     out\n\nEverything stays up until Ctrl-C.\n')
  expect(block).toBe('```text\n1. Last\n   $ one\n     out\n```')
})

test('a README without the markers is refused', () => {
  expect(() => withBlock('# Title\n', 'block')).toThrow('demo:begin')
  expect(() => withBlock('<!-- demo:end --> <!-- demo:begin -->', 'block')).toThrow('demo:begin')
})

test('only what stands between the markers is replaced', () => {
  const readme = 'before\n<!-- demo:begin -->\nold\n<!-- demo:end -->\nafter\n'
  expect(withBlock(readme, 'new')).toBe(
    'before\n<!-- demo:begin -->\n\nnew\n\n<!-- demo:end -->\nafter\n',
  )
})
