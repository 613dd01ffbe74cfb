import { describe, expect, it } from 'vitest'
import { Findings } from '../../../../policy/detect/findings.js'
import { MATCH_BYTES_MAX, PatternSet, checkPattern } from '../../../../policy/detect/patterns.js'

describe('a pattern', () => {
  it.each([
    ['', 'is empty'],
    ['a'.repeat(501), 'is longer than 500 characters'],
    ['a*', 'matches the empty text'],
    ['(x|)', 'matches the empty text'],
    ['^', 'matches the empty text'],
    ['(a', 'is no pattern in RE2 syntax'],
    ['[a', 'is no pattern in RE2 syntax'],
    ['a**', 'is no pattern in RE2 syntax'],
    ['a(?=b)', 'is no pattern in RE2 syntax'],
    ['(?<!a)b', 'is no pattern in RE2 syntax'],
    [String.raw`(a)\1`, 'is no pattern in RE2 syntax'],
    ['x{1001}', 'is no pattern in RE2 syntax'],
    ['((a{100}){100}){100}', 'is no pattern in RE2 syntax'],
    [String.raw`\p{Nope}`, 'is no pattern in RE2 syntax'],
  ])('%s is refused: %s', (pattern, why) => {
    expect(checkPattern(pattern)).toContain(why)
  })

  it.each(['EMP-[0-9]{6}', '(?i)secret [a-z]+', String.raw`\bK\d{3}\b`, 'straße', 'a|b', '^x'])(
    '%s is accepted',
    (pattern) => {
      expect(checkPattern(pattern)).toBeUndefined()
    },
  )
})

function found(pattern: string, bytes: Buffer): string[] {
  const findings = new Findings()
  new PatternSet([{ pattern, mask: 0 }]).find(bytes, 0, bytes.length, findings)
  return Array.from({ length: findings.count }, (_, at) =>
    bytes.toString('utf8', findings.starts[at], findings.ends[at]),
  )
}

describe('matching', () => {
  it('finds all matches, with offsets in bytes', () => {
    const text = Buffer.from('é EMP-123456, ü EMP-654321; EMP-12345')
    expect(found('EMP-[0-9]{6}', text)).toEqual(['EMP-123456', 'EMP-654321'])
    expect(found('(?i)STRASSE|straße', Buffer.from('die Straße'))).toEqual(['Straße'])
  })

  it('sees the value’s own beginning and end only', () => {
    const text = Buffer.from(`xa ${'xa '.repeat(6_000)}xa`)
    expect(found('^xa', text)).toEqual(['xa'])
    expect(found('xa$', text)).toEqual(['xa'])
  })

  it('finds what lies across blocks once, and cuts off what is too long', () => {
    const text = Buffer.from(`${'é'.repeat(2_045)}EMP-123456 ${'q'.repeat(3 * MATCH_BYTES_MAX)}!`)
    expect(found('EMP-[0-9]{6}', text)).toEqual(['EMP-123456'])
    expect(found('q+', text).join('')).toBe('q'.repeat(3 * MATCH_BYTES_MAX))
  })

  it('gets along with bytes that are no UTF-8', () => {
    const text = Buffer.concat([
      Buffer.from([0xff, 0x80, 0xc3]),
      Buffer.from('EMP-123456'),
      Buffer.from([0xe2]),
    ])
    expect(found('EMP-[0-9]{6}', text)).toEqual(['EMP-123456'])
  })

  it('takes no longer for what makes backtracking explode', () => {
    const startedAt = process.cpuUsage().user
    expect(found('(x+x+)+y', Buffer.alloc(20_000, 'x'))).toEqual([])
    expect(process.cpuUsage().user - startedAt).toBeLessThan(5_000_000)
  })
})
