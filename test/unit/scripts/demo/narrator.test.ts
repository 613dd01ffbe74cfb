import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { Narrator } from '../../../../scripts/demo/narrator.js'

const tell = (isTTY: boolean, story: (narrator: Narrator) => void) => {
  const output = Object.assign(new PassThrough(), { isTTY })
  const narrator = new Narrator(output)
  story(narrator)
  return { text: String(output.read()), failures: narrator.failures }
}

test('a claim that is not so is kept and marked', () => {
  const { text, failures } = tell(false, (narrator) => {
    narrator.check('one', true)
    narrator.check('two', false)
  })
  expect(failures).toEqual(['two'])
  expect(text).toBe('   ✓ one\n   ✗ two\n')
})

test('control characters in output are shown, not obeyed', () => {
  const { text } = tell(true, (narrator) => {
    narrator.output('a\u001b[31mred\u0007\n')
  })
  expect(text).toContain('a\\x1b[31mred\\x07')
})

test('without a terminal there is no colour', () => {
  const { text } = tell(false, (narrator) => {
    narrator.step('Title')
    narrator.command('psql')
  })
  expect(text).toBe('\n1. Title\n   $ psql\n')
})
