// What is done to the running deployment, and what must be so after each step. A step that throws has
// failed; the next is tried all the same.

import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { RESOURCE } from './cast.js'
import type { Callers, Outcome, Session } from './callers.js'
import { GATEWAYS, type GatewayName } from './deployment.js'

/** How long people and balancers may take to notice that something died. */
const SOON_MS = 60_000
const POLL_MS = 500
/** A revocation reaches every gateway within this, whatever the bus does. */
const CUT_MS_MAX = 3_000

const OPENED_SESSION = z.object({ sessionId: z.string(), grantId: z.string() })
const AUDIT_PAGE = z.object({ entries: z.array(z.object({ fields: OPENED_SESSION })) })
type OpenedSession = z.infer<typeof OPENED_SESSION>

/** A step's title, and the step. */
export interface Step {
  readonly title: string
  readonly play: (callers: Callers) => Promise<void>
}

/** The steps, in order. */
export const SCENARIO: readonly Step[] = [
  {
    title: 'the image runs as nobody in particular, on a root that can’t be written to',
    play: image,
  },
  {
    title: 'the policy beside the compose file is in force, and people see who they are',
    play: policy,
  },
  { title: 'an allowed query passes the balancer, masked', play: allowed },
  { title: 'a blocked statement is refused, and its session goes on', play: blocked },
  { title: 'a held command survives the death of the worker, and runs once approved', play: held },
  { title: 'sessions are spread over both gateways', play: spread },
  {
    title: 'when a gateway dies its session ends, and the next goes on under the same grant',
    play: crash,
  },
  { title: 'a revocation cuts the sessions on every gateway', play: revoke },
  { title: 'a session can be replayed from either gateway', play: replay },
  { title: 'the audit log is intact after all that', play: audit },
]

async function image({ deployment }: Callers): Promise<void> {
  const look = `
    const fs = require('node:fs')
    let root = 'read-only'
    try { fs.writeFileSync('/opt/warder/x', ''); root = 'writable' } catch {}
    const status = fs.readFileSync('/proc/self/status', 'utf8')
    const caps = /CapEff:\\s*0+$/m.test(status)
    console.log(JSON.stringify([process.getuid(), process.getgid(), root, caps]))`
  for (const name of GATEWAYS) {
    const seen = await deployment.compose('exec', '-T', name, 'node', '-e', look)
    equal(seen, '[10001,10001,"read-only",true]', `what ${name} may do`)
  }
}

async function policy(callers: Callers): Promise<void> {
  const file = `${callers.deployment.directory}/deploy/policy/policy.yaml`
  const again = await callers.warder('ana', 'apply', '--dry-run', file)
  if (again.code !== 0) throw new Error(`apply --dry-run ended with ${again.code}: ${again.text}`)
  const { code, text } = await callers.warder('ana', 'whoami')
  if (code !== 0 || !text.includes('ana')) throw new Error(`whoami ended with ${code}: ${text}`)
}

async function allowed(callers: Callers): Promise<void> {
  const session = await callers.session()
  const rows = await session.ask('SELECT name, email FROM customers ORDER BY id;')
  matches(rows, /^Ada\|/, 'the first row')
  if (rows.includes('@example.com')) throw new Error(`an address came through: ${rows}`)
  await endedWell(session)
}

async function blocked(callers: Callers): Promise<void> {
  const session = await callers.session()
  matches(await session.ask('DROP TABLE customers;'), /^ERROR: .*DROP TABLE/im, 'the refusal')
  equal(await session.ask('SELECT count(*) FROM customers;'), '2', 'the rows that are still there')
  await endedWell(session)
}

async function held(callers: Callers): Promise<void> {
  const session = await callers.session()
  session.type('CREATE TABLE refunds (id bigint);')
  const id = await session.heldId()
  await callers.deployment.kill('worker')
  const own = await callers.warder('maria', 'approve', id)
  if (own.code === 0) throw new Error('maria approved what her own job asked')
  await until('ana’s approval is taken', async () => {
    const { code, text } = await callers.warder('ana', 'approve', id, '--reason', 'as planned')
    // What was answered too late was taken all the same.
    return code === 0 || text.includes('already decided') ? undefined : text
  })
  const said = await session.answer()
  if (said.includes('ERROR')) throw new Error(`psql says of the command: ${said}`)
  equal(await session.ask("SELECT to_regclass('public.refunds');"), 'refunds', 'the table')
  await endedWell(session)
}

async function spread(callers: Callers): Promise<void> {
  const both = await sessionsOnBoth(callers)
  for (const session of both.values()) await endedWell(session)
}

async function crash(callers: Callers): Promise<void> {
  const { deployment } = callers
  const sessions = await sessionsOnBoth(callers)
  const victim = sessions.get('gateway-1')
  const other = sessions.get('gateway-2')
  const pid = await deployment.kill('gateway-1')
  victim?.type('SELECT 1;')
  const last = await victim?.end()
  if (last?.code === 0) throw new Error('psql noticed nothing')
  const next = await callers.session()
  if ((await deployment.sessionCount('gateway-2')) < 2) throw new Error('not on the other gateway')
  equal(await next.ask('SELECT count(*) FROM orders;'), '20', 'the rows after reconnecting')
  equal((await other?.ask('SELECT 1;')) ?? '', '1', 'the session on the other gateway')
  const grants = new Set((await opened(callers)).map(({ grantId }) => grantId))
  equal(String(grants.size), '1', 'the number of grants')
  await deployment.restarted('gateway-1', pid)
  await deployment.healthy('gateway-1')
  for (const session of [next, other]) if (session) await endedWell(session)
}

async function revoke(callers: Callers): Promise<void> {
  const sessions = await sessionsOnBoth(callers)
  const startedMs = performance.now()
  const receipt = await callers.warder(
    'ana',
    'revoke',
    '--resource',
    RESOURCE,
    '--reason',
    'a test',
  )
  if (receipt.code !== 0) throw new Error(`revoke ended with ${receipt.code}: ${receipt.text}`)
  const ends: Outcome[] = []
  await until('no gateway has a session', async () => {
    const counts = await Promise.all(GATEWAYS.map((name) => callers.deployment.sessionCount(name)))
    return counts.every((count) => count === 0) ? undefined : counts.join()
  })
  const tookMs = performance.now() - startedMs
  for (const session of sessions.values()) {
    session.type('SELECT 1;')
    ends.push(await session.end())
  }
  for (const { text } of ends) matches(text, /revoked/i, 'a cut session’s last words')
  // The command line’s own start is in it.
  if (tookMs > CUT_MS_MAX + 5_000) throw new Error(`it took ${tookMs.toFixed(0)} ms`)
}

async function replay(callers: Callers): Promise<void> {
  const { deployment } = callers
  const [first] = await opened(callers)
  if (first === undefined) throw new Error('no session is on the log')
  for (const name of GATEWAYS) {
    const token = await deployment.issuer.tokenFor('ana')
    const { code, out, err } = await deployment.warderIn(name, token, 'replay', first.sessionId)
    if (code !== 0) throw new Error(`replay on ${name} ended with ${code}: ${err}`)
    matches(out, /SELECT/, `the replay of ${first.sessionId} on ${name}`)
  }
}

async function audit(callers: Callers): Promise<void> {
  const { code, text } = await callers.warder('ana', 'audit', 'verify')
  if (code !== 0) throw new Error(`audit verify ended with ${code}: ${text}`)
}

/** A session on each gateway: new ones are opened until there are. The rest is closed. */
async function sessionsOnBoth(callers: Callers): Promise<ReadonlyMap<GatewayName, Session>> {
  const found = new Map<GatewayName, Session>()
  const spare: Session[] = []
  await until('both gateways have a session', async () => {
    const before = await counts(callers)
    const session = await callers.session()
    const after = await counts(callers)
    const name = GATEWAYS.find((gateway) => (after.get(gateway) ?? 0) > (before.get(gateway) ?? 0))
    if (name === undefined || found.has(name)) spare.push(session)
    else found.set(name, session)
    return found.size === GATEWAYS.length ? undefined : `only ${[...found.keys()].join()}`
  })
  for (const session of spare) await endedWell(session)
  return found
}

async function counts({ deployment }: Callers): Promise<ReadonlyMap<GatewayName, number>> {
  const pairs = GATEWAYS.map(async (name) => [name, await deployment.sessionCount(name)] as const)
  return new Map(await Promise.all(pairs))
}

/** Sessions as the log tells of them, latest first. */
async function opened(callers: Callers): Promise<readonly OpenedSession[]> {
  const { code, text } = await callers.warder(
    'ana',
    ...['audit', 'query', '--kind', 'session.opened', '--limit', '50', '--json'],
  )
  if (code !== 0) throw new Error(`audit query ended with ${code}: ${text}`)
  return AUDIT_PAGE.parse(JSON.parse(text)).entries.map(({ fields }) => fields)
}

async function endedWell(session: Session): Promise<void> {
  const { code, text } = await session.end()
  if (code !== 0) throw new Error(`psql ended with ${code}: ${text}`)
}

/** Asks until the probe has nothing more to say against it. */
async function until(what: string, probe: () => Promise<string | undefined>): Promise<void> {
  const deadline = performance.now() + SOON_MS
  for (;;) {
    const objection = await probe().catch((error: unknown) => String(error))
    if (objection === undefined) return
    if (performance.now() > deadline) {
      throw new Error(`not within ${SOON_MS / 1_000} s: ${what}; ${objection}`)
    }
    await pause(POLL_MS)
  }
}

function equal(actual: string, expected: string, what: string): void {
  if (actual !== expected) throw new Error(`${what}: “${actual}” instead of “${expected}”`)
}

function matches(actual: string, pattern: RegExp, what: string): void {
  if (!pattern.test(actual)) throw new Error(`${what} is “${actual}”`)
}
