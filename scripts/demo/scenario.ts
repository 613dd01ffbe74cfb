// The scenario: what each step shows and what must be so at its end. Every claim is checked against
// what was printed, or against the target itself; nothing is only said.

import { decodeJwt } from 'jose'
import { SECRETS, copyMasked, readAround, readClear, readMasked } from './scenario-masks.js'
import { quoted } from './scene.js'
import type { Scene } from './scene.js'
import { AUDIENCE, TARGET } from './stage.js'
import { openJob } from './story.js'
import type { Step, Story } from './story.js'

/** Of the replay, as much as a screen has room for. */
const REPLAYED_COUNT = 11

/** The steps, in order. */
export const SCENARIO: readonly Step[] = [
  { title: 'A job shows who it is; it holds no password', play: showToken },
  {
    title:
      'It runs psql, unmodified, with its token as the password; what it may not see is masked',
    play: read,
  },
  { title: 'Ways around a mask are refused', play: masks },
  { title: 'A DROP is refused, and the session goes on', play: drop },
  { title: 'A CREATE waits in the middle of the session until somebody else agrees', play: hold },
  { title: 'Ctrl-C withdraws the question', play: cancel },
  { title: 'A stronger role needs a yes before it opens, and ends with its command', play: exec },
  { title: 'On-call cuts a running session', play: revoke },
  { title: 'The log holds, and says who agreed', play: audit },
  { title: 'The session can be played again, with what the job saw', play: replay },
]

async function showToken({ narrator, stage }: Scene): Promise<void> {
  const claims = decodeJwt(await stage.tokenFor('migrate-job'))
  narrator.note('The token that its identity provider signed for it says:')
  const shown = ['sub', 'repository', 'environment', 'triggered_by', 'aud']
  narrator.output(shown.map((name) => `${name}=${String(claims[name])}`).join('  '))
  const { exp = Infinity, iat = 0 } = claims
  narrator.check(
    'it is made out to this gateway only, for 15 minutes, and names who triggered the job',
    claims.aud === AUDIENCE && exp - iat === 900 && claims['triggered_by'] === 'maria',
  )
}

async function read(scene: Scene, story: Story): Promise<void> {
  const { narrator, address } = scene
  const { host, port } = address.postgres
  narrator.command(`export PGHOST=${host} PGPORT=${port} PGSSLMODE=verify-full`, 'job')
  narrator.command(`export PGSSLROOTCERT=${address.authorityFile}`, 'job')
  narrator.command('export PGPASSWORD=$(npm run --silent demo:token -- migrate-job)', 'job')
  narrator.command(`psql -U migrator ${TARGET.resource}`, 'job')
  story.job = await scene.psql('migrator')
  await readMasked(scene, story.job)
}

async function masks(scene: Scene, story: Story): Promise<void> {
  const job = openJob(story)
  await copyMasked(scene, job)
  await readAround(scene, job)
  await readClear(scene)
}

async function drop(scene: Scene, story: Story): Promise<void> {
  const job = openJob(story)
  const { text } = await scene.statement(job, 'DROP TABLE customers;')
  const { lines } = await scene.statement(job, "UPDATE orders SET state = 'sent' WHERE id = 1;")
  scene.narrator.check(
    'refused with an ordinary error; the same session goes on, and the table is still there',
    /^ERROR: .*DROP TABLE.*\nDETAIL: .*\nHINT: /i.test(text) &&
      lines.includes('UPDATE 1') &&
      (await hasTable(scene, 'customers')),
  )
}

async function hold(scene: Scene, story: Story): Promise<void> {
  const { narrator } = scene
  const job = openJob(story)
  scene.held(job, 'CREATE TABLE refunds (id bigint);')
  const id = await scene.notice(job, 'cmd')
  await scene.warder('ana', 'pending')
  const { text: shown } = await scene.warder('ana', 'show', id)
  story.reviewId = id
  story.sessionId = idIn('ses', shown)
  const own = await scene.warder('maria', 'approve', id)
  narrator.check(
    'maria may not: the job is hers, for she triggered it; the target has no such table yet',
    own.code === 77 &&
      own.text.includes('Nobody decides about his own request') &&
      !(await hasTable(scene, 'refunds')),
  )
  const other = await scene.warder('ana', 'approve', id, '--reason', 'as planned')
  const { lines } = await scene.rest(job)
  narrator.check(
    'ana’s yes lets it through: the waiting psql goes on by itself, and the target has the table',
    other.code === 0 && lines.includes('CREATE TABLE') && (await hasTable(scene, 'refunds')),
  )
  const { code } = await scene.end(job)
  delete story.job
  if (code !== 0) narrator.check(`psql ends with 0, not ${code}`, false)
}

async function cancel(scene: Scene): Promise<void> {
  const { narrator } = scene
  const sql = 'CREATE TABLE scratch (id bigint)'
  narrator.command(`psql -U migrator -c ${quoted(sql)} ${TARGET.resource}`, 'job')
  const run = await scene.psql('migrator', '-c', sql)
  const id = await scene.notice(run, 'cmd')
  run.kill('SIGINT')
  narrator.output('^C')
  const { code } = await scene.end(run)
  const late = await scene.ask('ana', 'approve', id)
  narrator.check(
    'it is too late to approve, and nothing was run',
    code !== 0 && late.code !== 0 && !(await hasTable(scene, 'scratch')),
  )
}

async function exec(scene: Scene): Promise<void> {
  const { narrator, stage, psqlCommand } = scene
  const wish = ['exec', '--resource', TARGET.resource, '--role', 'repair']
  const reason = ['--reason', 'ticket 4711: wrong name']
  const statements = ["UPDATE customers SET name = 'Toni Elm' WHERE id = 5", 'DROP TABLE cards']
  const args = statements.flatMap((sql) => ['-c', sql])
  narrator.command(`warder ${[...wish, ...reason].map(quoted).join(' ')} -- \\`, 'job')
  narrator.output(`psql ${args.map(quoted).join(' ')}`)
  const run = await scene.startWarder(
    ...(['migrate-job', ...wish, ...reason, '--'] as const),
    ...[...psqlCommand, '-X', ...args],
  )
  const id = await scene.notice(run, 'req')
  const approved = await scene.warder('ana', 'approve', id)
  const { text, code } = await scene.end(run)
  const [name] = await stage.askTarget('SELECT name FROM customers WHERE id = 5')
  const { text: after } = await scene.ask('migrate-job', 'show', id)
  narrator.check(
    `one was done, one refused; psql’s exit code (${code}) is passed on, and the grant has ended`,
    approved.code === 0 &&
      code === 1 &&
      name === 'Toni Elm' &&
      text.includes('UPDATE 1') &&
      text.includes('ERROR: ') &&
      (await hasTable(scene, 'cards')) &&
      /^state +ended$/m.test(after),
  )
}

async function revoke(scene: Scene): Promise<void> {
  const { narrator } = scene
  const sql = 'COPY (SELECT a.* FROM orders a, orders b, orders c, orders d) TO STDOUT'
  narrator.command(`psql -U migrator -c ${quoted(sql)} ${TARGET.resource} > rows &`, 'job')
  const run = await scene.psql('migrator', '-c', sql)
  await run.until(/\t/)
  const receipt = await scene.warder(
    ...(['maria', 'revoke', '--principal', 'demo/migrate-job'] as const),
    ...(['--reason', 'odd export'] as const),
  )
  const { code } = await scene.quietEnd(run)
  narrator.check(
    `psql lost its connection while rows were flowing and ended with ${code}`,
    receipt.code === 0 && code !== 0 && /^1 session cut in \d+ ms$/m.test(receipt.text),
  )
}

async function audit(scene: Scene, { reviewId }: Story): Promise<void> {
  const { narrator } = scene
  const verified = await scene.warder('ana', 'audit', 'verify')
  narrator.check('no record was changed, removed or added', verified.code === 0)
  if (reviewId === undefined) throw new Error('nothing was held')
  const asked = await scene.warder(
    ...(['ana', 'audit', 'query', '--review', reviewId, '--kind', 'review.decided'] as const),
  )
  narrator.check('who agreed, to what and why, stands there', asked.text.includes('by=demo/ana'))
}

async function replay(scene: Scene, { sessionId }: Story): Promise<void> {
  const { narrator } = scene
  if (sessionId === undefined) throw new Error('no session is known')
  narrator.command(`warder replay ${sessionId} | head -${REPLAYED_COUNT}`, 'ana')
  const { text, lines, code } = await scene.ask('ana', 'replay', sessionId)
  narrator.output(lines.slice(0, REPLAYED_COUNT).join('\n'))
  narrator.check(
    'every statement is there from opening to end, and every chunk is what the log says it was',
    code === 0 &&
      ['session.opened', 'DROP TABLE', 'CREATE TABLE', 'session.ended'].every((part) =>
        text.includes(part),
      ),
  )
  narrator.check(
    'the rows are there as the job saw them: masked, in the recording too',
    text.includes('****9999') && SECRETS.every((secret) => !text.includes(secret)),
  )
}

function idIn(prefix: 'cmd' | 'req' | 'ses', text: string): string {
  const id = new RegExp(`\\b${prefix}_[a-z0-9]+`).exec(text)?.[0]
  if (id === undefined) throw new Error(`no ${prefix}_… in what was printed`)
  return id
}

async function hasTable({ stage }: Scene, name: string): Promise<boolean> {
  const found = await stage.askTarget(
    `SELECT 1 FROM pg_class WHERE relname = '${name}' AND relkind = 'r'`,
  )
  return found.length > 0
}
