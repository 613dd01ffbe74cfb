// Random texts, seeded: whatever they hold, loading them gives an answer.

import { expect, test } from 'vitest'
import { loadPolicy } from '../../../policy/load.js'
import { SAMPLE, sha256Hex } from './sample.js'

/** mulberry32: small, seeded, good enough to vary inputs. */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

test('whatever a text holds, it gives a policy or problems and never throws', () => {
  const seed = Number(process.env['WARDER_TEST_SEED'] ?? 20_260_101)
  const random = randomOf(seed)
  const pieces =
    `{ } [ ] : , - ? & * ! | > ' " % @ # \n \t ~ null true 1e3 .inf << --- ... &a *a !!int name
    issuers resources roles access approvers duties constructor toString on allow effects read \u0000 \ud800 é`.split(
      ' ',
    )
  for (let round = 0; round < 300; round += 1) {
    const lines = SAMPLE.split('\n')
    const text =
      round % 3 === 0
        ? Array.from({ length: random(60) }, () => pieces[random(pieces.length)]).join(
            random(2) === 0 ? '' : ' ',
          )
        : mutated(lines, pieces, random)
    const note = `seed ${seed}, round ${round}`
    const loaded = loadPolicy(text, sha256Hex)
    if (loaded.ok) expect(loaded.policy.source, note).toBe(text)
    else expect(loaded.problems.length, note).toBeGreaterThan(0)
  }
})

function mutated(lines: string[], pieces: string[], random: (below: number) => number): string {
  for (let count = random(4); count >= 0; count -= 1) {
    const at = random(lines.length)
    const line = lines[at] ?? ''
    const cut = random(line.length + 1)
    const piece = pieces[random(pieces.length)] ?? ''
    const change = random(4)
    if (change === 0) lines.splice(at, 1)
    else if (change === 1) lines[at] = line.slice(0, cut) + piece + line.slice(cut)
    else if (change === 2) lines[at] = line.slice(0, cut) + line.slice(cut + 1 + random(8))
    else lines.splice(at, 0, lines[random(lines.length)] ?? '')
  }
  return lines.join('\n')
}
