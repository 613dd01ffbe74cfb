// The part of the scenario that is about masks: what a role sees of values that it may not see, what
// becomes of statements that would carry them out in another form, and who sees them.

import type { ChildRun } from './child-run.js'
import { quoted } from './scene.js'
import type { Scene } from './scene.js'
import { TARGET } from './stage.js'

/** Parts of values in target-data.sql that the job must not see anywhere. */
export const SECRETS = [
  '219-09',
  '9999-90',
  '078-05',
  'ada.byron@',
  'ew@',
  '41111',
  '5555 5',
] as const

const isClean = (text: string): boolean => SECRETS.every((secret) => !text.includes(secret))

/** Rows pass, masked by column and by what is found in them. */
export async function readMasked(scene: Scene, job: ChildRun): Promise<void> {
  const { text, lines } = await scene.statement(job, 'SELECT * FROM customers WHERE id < 4;')
  scene.narrator.check(
    'the rows came from the target; ssn is masked by its column, e-mail and cards wherever they stand',
    lines.includes('(3 rows)') &&
      ['****9999', '****1111', 'paid by ****4444', '[redacted]'].every((so) => text.includes(so)) &&
      isClean(text),
  )
}

/** COPY is masked alike. */
export async function copyMasked(scene: Scene, job: ChildRun): Promise<void> {
  const { text, lines } = await scene.statement(job, 'COPY customers TO STDOUT;')
  scene.narrator.check(
    'COPY gives the same, value by value',
    lines.length >= 5 && text.includes('****9999') && isClean(text),
  )
}

/** What would carry a masked value out in another form, or let it be guessed, is refused. */
export async function readAround(scene: Scene, job: ChildRun): Promise<void> {
  const computed = await scene.statement(job, 'SELECT reverse(ssn) FROM customers;')
  const guessed = await scene.statement(job, "SELECT name FROM customers WHERE ssn LIKE '219%';")
  const isRefused = ({ text }: { readonly text: string }) =>
    /^ERROR: .*not allowed.*customers\.ssn.*\nDETAIL: .*\nHINT: /.test(text)
  scene.narrator.check(
    'neither computing with it nor guessing at it: nothing was run',
    isRefused(computed) && isRefused(guessed) && !guessed.text.includes('Ada'),
  )
}

/** Who may see, sees; on the same port, with the same client. */
export async function readClear(scene: Scene): Promise<void> {
  const { narrator } = scene
  const sql = 'SELECT name, email, ssn, card FROM customers WHERE id = 1'
  narrator.command(`psql -U support -c ${quoted(sql)} ${TARGET.resource}`, 'ana')
  const { text } = await scene.end(await scene.psqlOf('ana', 'support', '-c', sql))
  narrator.check(
    'support may see ssn and e-mail; cards nobody',
    text.includes('219-09-9999') && text.includes('ada.byron@') && !text.includes('41111'),
  )
}
