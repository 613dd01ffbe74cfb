// What is left when a worker or Temporal itself goes away: refusals in time, and nothing lost.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Outcome } from '../../core/errors.js'
import { connectToServer, serverBinary } from './servers.js'
import { accessQuestion, allows, asks, decision, reviewQuestion } from './questions.js'
import { eventually, patient, startWorld, type World } from './world.js'

const directory = mkdtempSync(join(tmpdir(), 'warder-outage-'))
let port: number
let server: ChildProcess
let world: World

beforeAll(async () => {
  port = await freePort()
  await startServer()
  world = await startWorld(await connectToServer(`127.0.0.1:${port}`))
}, 60_000)

// The client's channel goes with the process: a call that was given up while the server was away may
// still be tried again by the client library, which throws out of a timer once the channel is closed.
afterAll(async () => {
  await world.stop()
  await stopServer()
  rmSync(directory, { recursive: true })
}, 60_000)

const code = (outcome: Outcome<unknown>) => (outcome.ok ? 'ok' : outcome.refusal.code)

test('without a worker every question is refused in time, and withdrawn when one comes back', async () => {
  await world.stop()
  const services = world.services('impatient', { openMsMax: 700, contactMsMax: 500 })
  const review = reviewQuestion()
  const request = accessQuestion()
  const startedMs = performance.now()
  const outcomes = await Promise.all([
    services.reviews.ask(review, patient()),
    services.access.open(request, patient(), () => undefined),
  ])
  const answer = await services.access.decide(request.requestId, decision('approve', 'ann'))
  expect([...outcomes, answer].map(code)).toEqual(Array(3).fill('CONTROL_PLANE_UNAVAILABLE'))
  expect(performance.now() - startedMs).toBeLessThan(3_000)
  world.verdict = asks()
  await world.startWorker()
  const stateOf = (id: typeof review.reviewId | typeof request.requestId) =>
    world.inbox.items.get(id)?.state
  await eventually(() => stateOf(review.reviewId) === 'withdrawn', 'the review is withdrawn')
  await eventually(() => stateOf(request.requestId) === 'withdrawn', 'the request is withdrawn')
}, 30_000)

test('a held command outlives its worker', async () => {
  const question = reviewQuestion()
  let isOpen = false
  const outcome = world.reviews.ask(question, patient(), () => {
    isOpen = true
  })
  await eventually(() => isOpen, 'the review is open')
  await world.stop()
  await world.startWorker()
  await world.reviews.decide(question.reviewId, decision('approve', 'ann'))
  expect(await outcome).toMatchObject({ ok: true, value: { state: 'approved' } })
}, 30_000)

test('what is pending and what is open outlives a kill -9 of Temporal', async () => {
  const review = reviewQuestion()
  world.verdict = asks()
  const request = accessQuestion()
  let openCount = 0
  const opened = () => {
    openCount += 1
  }
  const services = world.services('patient', { pollMs: 1_000 })
  const reviewed = services.reviews.ask(review, patient(), opened)
  const accessed = services.access.open(request, patient(), opened)
  await eventually(() => openCount === 2, 'both wait for people')
  world.verdict = allows
  const running = accessQuestion()
  expect(code(await world.access.open(running, patient(), () => undefined))).toBe('ok')

  await stopServer()
  const late = world.services('impatient', { openMsMax: 500, contactMsMax: 500 })
  expect(code(await late.reviews.ask(reviewQuestion(), patient()))).toBe(
    'CONTROL_PLANE_UNAVAILABLE',
  )
  await startServer()

  const decided = async (decide: () => Promise<Outcome<unknown>>) => {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const outcome = code(await decide())
      if (outcome !== 'CONTROL_PLANE_UNAVAILABLE') return outcome
      await pause(200)
    }
    return 'never'
  }
  const approve = decision('approve', 'ann')
  expect(await decided(() => world.reviews.decide(review.reviewId, approve))).toBe('ok')
  expect(await decided(() => world.access.decide(request.requestId, approve))).toBe('ok')
  expect(await reviewed).toMatchObject({ ok: true, value: { state: 'approved' } })
  expect(code(await accessed)).toBe('ok')
  expect(await decided(() => world.access.complete(running.requestId))).toBe('ok')
}, 60_000)

test('a wait ends in a refusal when Temporal stays silent past its limit', async () => {
  const services = world.services('listener', {
    pollMs: 300,
    contactMsMax: 200,
    silenceMsMax: 600,
  })
  let isOpen = false
  const outcome = services.reviews.ask(reviewQuestion(), patient(), () => {
    isOpen = true
  })
  await eventually(() => isOpen, 'the review is open')
  await stopServer()
  expect(code(await outcome)).toBe('CONTROL_PLANE_UNAVAILABLE')
  await startServer()
}, 30_000)

async function startServer(): Promise<void> {
  const flags = ['--headless', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'never']
  const file = ['--db-filename', join(directory, 'temporal.db')]
  const pragmas = ['journal_mode=WAL', 'synchronous=NORMAL'].flatMap((pragma) => [
    '--sqlite-pragma',
    pragma,
  ])
  server = spawn(serverBinary(), ['server', 'start-dev', ...flags, ...file, ...pragmas], {
    stdio: 'ignore',
  })
  const endMs = performance.now() + 20_000
  while (!(await isListening())) {
    if (performance.now() > endMs) throw new Error('Temporal did not start')
    await pause(50)
  }
}

async function stopServer(): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const ended = once(server, 'exit')
  server.kill('SIGKILL')
  await ended
}

function isListening(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => {
      resolve(false)
    })
  })
}

async function freePort(): Promise<number> {
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  const { port: free } = holder.address() as AddressInfo
  holder.close()
  await once(holder, 'close')
  return free
}
