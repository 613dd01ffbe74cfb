// What an end-to-end test plays on: a target behind a password, an identity provider, a policy file,
// and a real `warder up` that can be killed and started again on the same data. All on loopback.

import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { verifyingKeys } from '../../audit/checkpoint.js'
import { verifyExport } from '../../audit/export.js'
import { systemClock } from '../../app/clock.js'
import type { PostgresCluster } from '../../app/embedded/postgres-cluster.js'
import type { ProcessIdentity } from '../../app/embedded/process-identity.js'
import { FakeIssuer } from '../fakes/issuer.js'
import { CAST, POLICY, type Player } from './cast.js'
import {
  DATABASE,
  fillTarget,
  outsideEngines,
  startCluster,
  TARGET_USER,
  withClient,
} from './servers.js'
import { until } from './until.js'
import { killLeftovers, WarderProcess } from './warder-process.js'

export type { Player }

/** How often the API may be asked again: it limits how often anybody may. */
export const API_POLL_MS = 200

/** An answer of the API, or the problem that it answered with. */
export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** An error as the driver reports it: SQLSTATE and text. */
export interface WireFailure extends Error {
  readonly code?: string
  readonly detail?: string
}

/** How something ended: `it ran`, the SQLSTATE that it was refused with, or that there was none. */
export const codeOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'it ran',
    (failure: unknown) =>
      (failure instanceof pg.DatabaseError ? failure.code : undefined) ?? 'the connection broke',
  )

/** A session through the gateway, with everything that was said in it. */
export interface Conversation {
  readonly client: pg.Client
  readonly notices: string[]
  /** Errors that belong to no query: the last words before the connection ends. */
  readonly lastWords: WireFailure[]
  /** Resolves when the connection is closed. */
  readonly ended: Promise<void>
}

/** An item of the inbox, as far as tests look at it. */
export interface Item {
  readonly id: string
  readonly kind: string
  readonly state: string
  readonly text?: string
}

/** An event of the log. */
export interface LogEntry {
  readonly kind: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** How a stage differs from the usual one. */
export interface StageOptions {
  /** Store and Temporal belong to the test, so that only the gateway's process is killed and started. */
  readonly outside?: boolean
  /** More of Warder's environment. */
  readonly variables?: Readonly<Record<string, string>>
  /** Changes the policy before the first start. */
  readonly policy?: (policy: string) => string
}

/** Everything that one test file needs. */
export class Stage {
  readonly issuer: FakeIssuer
  readonly policyFile: string
  readonly data: string
  readonly targetPassword: string
  /** Tokens that were handed out, for looking for them where none may be. */
  readonly #tokens: string[] = []
  readonly #directory: string
  readonly #variables: Readonly<Record<string, string>>
  readonly #closes: (() => Promise<void>)[]
  readonly #runs: WarderProcess[] = []
  readonly #replicas: WarderProcess[] = []
  readonly #engines: ProcessIdentity[] = []

  private constructor(
    parts: Pick<Stage, 'issuer' | 'targetPassword'> & {
      directory: string
      variables: Readonly<Record<string, string>>
      closes: (() => Promise<void>)[]
      target: PostgresCluster
    },
  ) {
    this.issuer = parts.issuer
    this.targetPassword = parts.targetPassword
    this.#directory = parts.directory
    this.data = join(parts.directory, 'warder')
    this.policyFile = join(parts.directory, 'policy.yaml')
    this.#variables = parts.variables
    this.#closes = parts.closes
    this.target = parts.target
  }

  /** The target's server; stop it to have it unreachable. */
  target: PostgresCluster

  /** Sets everything up but does not start Warder yet. */
  static async open(options: StageOptions = {}): Promise<Stage> {
    const directory = mkdtempSync(join(tmpdir(), 'warder-e2e-'))
    // As root the servers run as another user, who has to get in.
    chmodSync(directory, 0o711)
    const closes: (() => Promise<void>)[] = []
    try {
      const issuer = await FakeIssuer.start(() => systemClock.now())
      closes.push(() => issuer.stop())
      const target = await startCluster(directory, 'target')
      closes.push(() => target.stop())
      const targetPassword = randomBytes(24).toString('base64url')
      await fillTarget(target, targetPassword)
      const engines =
        options.outside === true ? await outsideEngines(join(directory, 'engines'), closes) : {}
      const variables = { ...engines, ...options.variables }
      const parts = { issuer, targetPassword, directory, variables, closes, target }
      const stage = new Stage(parts)
      writeFileSync(join(directory, 'target-password'), `${targetPassword}\n`, { mode: 0o600 })
      stage.writePolicy((options.policy ?? ((policy) => policy))(stage.policy()))
      return stage
    } catch (failure) {
      for (const close of closes.reverse()) await close()
      throw failure
    }
  }

  /** The policy that holds unless a test writes another one. */
  policy(): string {
    return POLICY.replace('ISSUER_URL', this.issuer.url)
      .replace('TARGET_ADDRESS', `${this.target.host}:${this.target.port}`)
      .replace('TARGET_PASSWORD_FILE', join(this.#directory, 'target-password'))
  }

  writePolicy(policy: string): void {
    writeFileSync(this.policyFile, policy)
  }

  /** Starts `warder up` and waits until callers can come. */
  async start(): Promise<WarderProcess> {
    const run = this.launch()
    await run.ready()
    if (this.#variables['DATABASE_URL'] === undefined) {
      this.#engines.push(...Object.values(run.engines()))
    }
    return run
  }

  /** Starts it without waiting. */
  launch(): WarderProcess {
    const run = WarderProcess.spawn(this.data, {
      WARDER_POLICY: this.policyFile,
      ...this.#variables,
    })
    this.#runs.push(run)
    return run
  }

  /** One more process beside the one that is up, on the same engines, with files of its own. */
  async replica(name: string): Promise<WarderProcess> {
    const run = WarderProcess.spawn(join(this.#directory, name), this.#variables)
    this.#replicas.push(run)
    await run.ready()
    return run
  }

  /** The run that is up, or a new one. */
  async running(): Promise<WarderProcess> {
    const last = this.#runs.at(-1)
    return last?.isRunning === true ? last : this.start()
  }

  get warder(): WarderProcess {
    const last = this.#runs.at(-1)
    if (last === undefined) throw new Error('Warder was not started')
    return last
  }

  /** A fresh token. */
  token(player: Player): string {
    const token = this.issuer.mint({ sub: player, ...CAST[player] })
    this.#tokens.push(token)
    return token
  }

  /** Connects through the gateway with an unmodified driver. */
  async connect(
    player: Player = 'migrate-job',
    options: { readonly role?: string; readonly at?: WarderProcess } = {},
  ): Promise<Conversation> {
    const conversation = this.dial(player, options)
    await conversation.client.connect()
    return conversation
  }

  /** The same, but connecting is left to the test. */
  dial(
    player: Player,
    { role = 'migrator', at }: { readonly role?: string; readonly at?: WarderProcess } = {},
  ): Conversation {
    const { postgresPort, authority } = at ?? this.warder
    const client = new pg.Client({
      ...{ host: 'localhost', port: postgresPort, database: 'orders-db', user: role },
      password: this.token(player),
      ssl: { ca: authority },
    })
    const notices: string[] = []
    const lastWords: WireFailure[] = []
    client.on('notice', (notice) => notices.push(notice.message ?? ''))
    client.on('error', (failure: WireFailure) => lastWords.push(failure))
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve()))
    return { client, notices, lastWords, ended }
  }

  /** Calls the API as somebody. */
  call(
    player: Player,
    method: 'GET' | 'POST',
    path: string,
    body?: object,
    at: WarderProcess = this.warder,
  ): Promise<Answer> {
    const { api, authority } = at
    const payload = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      authorization: `Bearer ${this.token(player)}`,
      ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
    }
    return new Promise((resolve, reject) => {
      const outgoing = request(
        new URL(path, api),
        { method, headers, ca: authority, agent: false },
        (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
          response.once('error', reject)
          response.once('end', () => {
            resolve({ status: response.statusCode ?? 0, body: bodyOf(text) })
          })
        },
      )
      outgoing.once('error', reject)
      outgoing.end(payload)
    })
  }

  /** What waits for people, or is otherwise in this state. */
  async inbox(state: 'pending' | 'active' = 'pending'): Promise<readonly Item[]> {
    const { body } = await this.call('ana', 'GET', `/v1/inbox?state=${state}`)
    return body['items'] as readonly Item[]
  }

  async item(id: string): Promise<Item> {
    return (await this.call('ana', 'GET', `/v1/inbox/${id}`)).body as unknown as Item
  }

  /** The review of a command whose text has this in it, once it waits. */
  pendingReview(text: string): Promise<Item> {
    return until(
      `a review of ${text} is pending`,
      15_000,
      async () => (await this.inbox()).find((item) => item.text?.includes(text) === true),
      API_POLL_MS,
    )
  }

  decide(id: string, answer: 'approve' | 'deny'): Promise<Answer> {
    return this.call('ana', 'POST', '/v1/decisions', { id, answer })
  }

  revoke(principal: string): Promise<Answer> {
    return this.call('ana', 'POST', '/v1/revocations', { principal, reason: 'a test' })
  }

  /** Events of one kind since the log began, oldest first. */
  async log(kind: string): Promise<readonly LogEntry[]> {
    const entries: LogEntry[] = []
    for (let before = ''; ;) {
      const path = `/v1/audit?kind=${kind}&limit=500${before}`
      const { status, body } = await this.call('ana', 'GET', path)
      if (status !== 200) throw new Error(`the log answered ${status}: ${JSON.stringify(body)}`)
      entries.push(...(body['entries'] as readonly LogEntry[]))
      if (typeof body['next'] !== 'string') return entries.reverse()
      before = `&before=${body['next']}`
    }
  }

  /** What is wrong with the log: verified by Warder itself, and offline from its export. */
  async logProblems(): Promise<readonly string[]> {
    const { status, body } = await this.call('ana', 'GET', '/v1/audit/verify')
    const online =
      status === 200 && body['intact'] === true ? [] : [`${status} ${JSON.stringify(body)}`]
    const lines = await this.exported()
    const { keys } = (await this.call('ana', 'GET', '/v1/audit/keys')).body
    const report = await verifyExport(lines, { keys: verifyingKeys(keys as string[]) })
    if (report.recordCount < 2) online.push('the export holds no records')
    return [...online, ...report.findings.map((finding) => finding.text)]
  }

  /** The log as lines, as an auditor takes it away. */
  exported(): Promise<readonly string[]> {
    const { api, authority } = this.warder
    const headers = { authorization: `Bearer ${this.token('ana')}` }
    return new Promise((resolve, reject) => {
      const url = new URL('/v1/audit/export', api)
      const outgoing = request(url, { headers, ca: authority, agent: false }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.once('error', reject)
        response.once('end', () => resolve(text.split('\n').filter((line) => line !== '')))
      })
      outgoing.once('error', reject)
      outgoing.end()
    })
  }

  /** Asks the target itself, past Warder. First column of each row. */
  askTarget(sql: string): Promise<unknown[]> {
    return withClient(this.target.url(DATABASE), async (client) => {
      const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' })
      return rows.map((row) => row[0])
    })
  }

  /** Starts a stopped target again, on the same port and data. */
  async restartTarget(): Promise<void> {
    this.target = await startCluster(this.#directory, 'target', this.target.port)
    this.#closes.push(() => this.target.stop())
  }

  /** Changes the target's password, so that the stored credential is wrong (or right again). */
  async setTargetPassword(password: string): Promise<void> {
    await withClient(this.target.url(), (client) =>
      client.query(`ALTER ROLE ${TARGET_USER} PASSWORD ${client.escapeLiteral(password)}`),
    )
  }

  /** Where the target's password or a token stands: outputs, logs, and every file of Warder's. */
  secretsFound(): readonly string[] {
    const secrets = [this.targetPassword, ...this.#tokens].map((secret) => Buffer.from(secret))
    const found = this.#runs.flatMap((run, at) => {
      const output = Buffer.from(run.output)
      return secrets.some((secret) => output.includes(secret)) ? [`output of run ${at + 1}`] : []
    })
    for (const entry of readdirSync(this.data, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const file = join(entry.parentPath, entry.name)
      const bytes = contentOf(file)
      if (secrets.some((secret) => bytes?.includes(secret) === true)) found.push(file)
    }
    return found
  }

  /** Ends everything, and removes what it left. */
  async close(): Promise<void> {
    try {
      for (const run of [...this.#replicas, ...this.#runs])
        if (run.isRunning) await run.stop().catch(() => run.kill())
    } finally {
      killLeftovers(this.#engines)
      for (const close of this.#closes.reverse()) await close()
      rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5 })
    }
  }
}

function bodyOf(text: string): Answer['body'] {
  const parsed: unknown = text === '' ? {} : JSON.parse(text)
  return parsed as Answer['body']
}

/** Undefined for a file that the store has removed since it was listed. */
function contentOf(file: string): Buffer | undefined {
  try {
    return readFileSync(file)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
