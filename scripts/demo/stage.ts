// What the demo plays on, apart from Warder itself: a target with customers in it, and an identity
// provider. Both are real, both listen on loopback only, and both end with the demo.

import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { openPassablePart } from '../../app/data-directory.js'
import type { Progress } from '../../app/embedded/executable.js'
import { choosePort } from '../../app/embedded/loopback-port.js'
import { PostgresCluster } from '../../app/embedded/postgres-cluster.js'
import { createOnce, replaceFile } from '../../app/private-file.js'
import { demoDirectory, issuerFile } from './cast.js'
import type { CastName } from './cast.js'
import { DemoIssuer } from './issuer.js'

/** The `aud` of every token of the demo; the same as in its policy. */
export const AUDIENCE = 'https://warder.demo'
/** Database of the target, and the resource that the policy calls it by. */
export const TARGET = { database: 'shop', resource: 'orders-db', user: 'warder' } as const

const PASSWORD_BYTES = 24

/** Target, issuer and policy of one running demo. */
export class DemoStage {
  /** The demo's own data directory: Warder's store and keys go here too. */
  readonly directory: string
  readonly policyFile: string
  readonly #target: PostgresCluster
  readonly #issuer: DemoIssuer
  readonly #issuerFile: string

  private constructor(
    directory: string,
    target: PostgresCluster,
    issuer: DemoIssuer,
    accessFile: string,
  ) {
    this.directory = directory
    this.policyFile = join(directory, 'policy.yaml')
    this.#target = target
    this.#issuer = issuer
    this.#issuerFile = accessFile
  }

  /** Starts target and issuer, fills the target and writes the policy. */
  static async open(
    dataDirectory: string,
    progress: Progress,
    onGivenUp: (failure: Error) => void,
  ): Promise<DemoStage> {
    const directory = openPassablePart(demoDirectory(dataDirectory))
    const target = await PostgresCluster.start({
      dataDirectory: directory,
      name: 'target',
      progress,
      onGivenUp,
    })
    try {
      const passwordFile = join(directory, 'target-password')
      createOnce(passwordFile, `${randomBytes(PASSWORD_BYTES).toString('base64url')}\n`)
      await fill(target, readFileSync(passwordFile, 'utf8').trim())
      const port = await choosePort(join(directory, 'issuer-port'))
      const issuer = await DemoIssuer.start(AUDIENCE, port)
      const stage = new DemoStage(directory, target, issuer, issuerFile(dataDirectory))
      stage.#writeFiles(passwordFile)
      return stage
    } catch (error) {
      await target.stop()
      throw error
    }
  }

  /** Address of the issuer, as the policy has it. */
  get issuerUrl(): string {
    return this.#issuer.url
  }

  /** A fresh token of somebody in the cast. */
  tokenFor(name: CastName): Promise<string> {
    return this.#issuer.tokenFor(name)
  }

  /** Asks the target itself, past Warder, to see what is really there. First column of each row. */
  async askTarget(sql: string): Promise<unknown[]> {
    return withClient(this.#target.url(TARGET.database), async (client) => {
      const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' })
      return rows.map((row) => row[0])
    })
  }

  /** Ends issuer and target. Idempotent. */
  async close(): Promise<void> {
    rmSync(this.#issuerFile, { force: true })
    await Promise.all([this.#issuer.stop(), this.#target.stop()])
  }

  #writeFiles(passwordFile: string): void {
    const filled = asset('policy.yaml')
      .replace('ISSUER_URL', this.#issuer.url)
      .replace('TARGET_ADDRESS', `${this.#target.host}:${this.#target.port}`)
      .replace('TARGET_PASSWORD_FILE', passwordFile)
    replaceFile(this.policyFile, filled)
    replaceFile(this.#issuerFile, JSON.stringify(this.#issuer.access))
  }
}

/** The gateway's login owns the shop and is nothing else there: no superuser, no other database. */
async function fill(target: PostgresCluster, password: string): Promise<void> {
  await withClient(target.url(), async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [
      TARGET.user,
    ])
    const verb = rowCount === 0 ? 'CREATE' : 'ALTER'
    const role = client.escapeIdentifier(TARGET.user)
    await client.query(`${verb} ROLE ${role} LOGIN PASSWORD ${client.escapeLiteral(password)}`)
  })
  await target.ensureDatabase(TARGET.database)
  await withClient(target.url(TARGET.database), async (client) => {
    const [database, role] = [TARGET.database, TARGET.user].map((name) =>
      client.escapeIdentifier(name),
    )
    await client.query(`ALTER DATABASE ${database ?? ''} OWNER TO ${role ?? ''}`)
    await client.query(`REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC`)
    await client.query(`SET ROLE ${role ?? ''}`)
    await client.query(asset('target-data.sql'))
  })
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const asset = (name: string): string =>
  readFileSync(fileURLToPath(new URL(name, import.meta.url)), 'utf8')
