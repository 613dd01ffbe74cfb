import { expect, test } from 'vitest'
import { readStat } from '../../../bench/process-cpu.js'

const line = (name: string) =>
  `4242 (${name}) S 17 4242 4242 0 -1 4194304 2000 0 0 0 111 22 3 4 20 0 11 0 900 1 2`

test.each(['haproxy', 'node main.js', 'a) S 1 (b', ''])(
  'a process called %j is read as any other',
  (name) => {
    expect(readStat(line(name))).toEqual({
      parentPid: 17,
      ownTicks: 133,
      endedChildrenTicks: 7,
    })
  },
)

test.each(['', '4242 (node) S 17', '4242 node S 17 1 1 1 1 1 1 1 1 1 1 1 1 1'])(
  '%j is no stat line',
  (text) => {
    expect(readStat(text)).toBeUndefined()
  },
)
