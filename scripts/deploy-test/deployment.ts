// The shipped docker-compose.yml, running: in a directory of its own, with its own secrets and ports. What
// is done to it from outside (ending a process, looking at sockets) is done here.

import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ISSUER } from './cast.js'
import { run, runToEnd } from './command.js'
import type { ImageNames } from './images.js'
import { TestIssuer } from './issuer.js'
import type { Machine } from './machine.js'

/** Fixed, so that what a killed run left behind is taken down by the next. */
const PROJECT = 'warder-deploy-test'
const COMPOSE_FILES = ['docker-compose.yml', 'docker-compose.test.yml'] as const
const EXAMPLE_ISSUER = 'https://issuer.example.com'
const READY_MS_MAX = 120_000
const POLL_MS = 300
/** Where a socket's state and local port stand in /proc/PID/net/tcp (proc(5)). */
const ESTABLISHED = '01'
const POSTGRES_PORT_HEX = (5432).toString(16).toUpperCase()

/** A gateway's service. */
export type GatewayName = 'gateway-1' | 'gateway-2'
/** Both of them. */
export const GATEWAYS: readonly GatewayName[] = ['gateway-1', 'gateway-2']

/** What a deployment is made of. */
export interface DeploymentParts {
  readonly repository: string
  /** An empty directory. */
  readonly directory: string
  readonly machine: Machine
  readonly images: ImageNames
}

/** One deployment. */
export class Deployment {
  readonly issuer: TestIssuer
  readonly postgresPort: number
  readonly apiPort: number
  readonly directory: string
  readonly #compose: Machine['compose']

  private constructor(
    parts: DeploymentParts,
    issuer: TestIssuer,
    ports: { readonly postgres: number; readonly api: number },
  ) {
    this.issuer = issuer
    this.postgresPort = ports.postgres
    this.apiPort = ports.api
    this.directory = parts.directory
    this.#compose = parts.machine.compose
  }

  /** Lays everything out as an operator would, and changes what the shipped policy says to change. */
  static async prepare(parts: DeploymentParts): Promise<Deployment> {
    const { repository, directory, images } = parts
    const shipped = (...path: readonly string[]) => join(repository, ...path)
    cpSync(shipped('docker-compose.yml'), join(directory, 'docker-compose.yml'))
    for (const name of ['haproxy.cfg', 'prepare.sh', 'policy', 'temporal', 'sample-target']) {
      cpSync(shipped('deploy', name), join(directory, 'deploy', name), { recursive: true })
    }
    const extra = 'docker-compose.test.yml'
    cpSync(shipped('test/deploy', extra), join(directory, extra))
    await run('sh', ['deploy/prepare.sh', 'localhost'], { directory })
    const issuer = await prepareIssuer(repository, directory)
    const policyFile = join(directory, 'deploy/policy/policy.yaml')
    const policy = readFileSync(policyFile, 'utf8')
    // The test's issuer is a container, which has a private address.
    const issuerLines = `issuer: ${ISSUER}\n    network: private`
    writeFileSync(policyFile, policy.replace(`issuer: ${EXAMPLE_ISSUER}`, issuerLines))
    const ports = { postgres: await freePort(), api: await freePort() }
    const settings = {
      ...images,
      WARDER_BIND: '127.0.0.1',
      WARDER_POSTGRES_PORT: ports.postgres,
      WARDER_API_PORT: ports.api,
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
    appendFileSync(join(directory, '.env'), lines.join(''))
    return new Deployment(parts, issuer, ports)
  }

  /** PEM of the authority behind the balancer's certificate. */
  get authorityFile(): string {
    return join(this.directory, 'deploy/authority.pem')
  }

  /** Runs Compose on the shipped file. */
  compose(...args: readonly string[]): Promise<string> {
    const [file, ...first] = this.#compose
    const files = COMPOSE_FILES.flatMap((name) => ['--file', name])
    const all = [...first, '--project-name', PROJECT, ...files, ...args]
    return run(file, all, { directory: this.directory })
  }

  /** Starts everything and waits until both gateways are healthy. */
  async up(): Promise<void> {
    await this.compose('up', '--detach', '--no-build')
    await Promise.all(GATEWAYS.map((name) => this.healthy(name)))
  }

  /** Takes down containers, networks and volumes. */
  async down(): Promise<void> {
    await this.compose('down', '--volumes', '--remove-orphans', '--timeout', '20')
  }

  /** What is left of it: names of containers, networks and volumes. */
  async remains(): Promise<readonly string[]> {
    const label = `label=com.docker.compose.project=${PROJECT}`
    const names = await Promise.all([
      run('docker', ['ps', '--all', '--filter', label, '--format', '{{.Names}}']),
      run('docker', ['network', 'ls', '--filter', label, '--format', '{{.Name}}']),
      run('docker', ['volume', 'ls', '--filter', label, '--format', '{{.Name}}']),
    ])
    return names.flatMap((lines) => lines.split('\n').filter((line) => line !== ''))
  }

  /** Waits until the service's container says that it is healthy. */
  async healthy(service: string): Promise<void> {
    await this.#until(`${service} is healthy`, async () => {
      return (await this.#inspect(service, '{{.State.Health.Status}}')) === 'healthy'
    })
  }

  /** Ends the service's first process without warning; its id, for `restarted`. */
  async kill(service: string): Promise<number> {
    const pid = await this.pid(service)
    process.kill(pid, 'SIGKILL')
    return pid
  }

  /** Waits until Docker has started the service again. */
  async restarted(service: string, killedPid: number): Promise<void> {
    await this.#until(`${service} is started again`, async () => {
      const now = await this.pid(service)
      return now > 0 && now !== killedPid
    })
  }

  /** Process id of the container's first process, seen from here; 0 when there is none. */
  async pid(service: string): Promise<number> {
    return Number(await this.#inspect(service, '{{.State.Pid}}'))
  }

  /** How many callers' connections a gateway holds. */
  async sessionCount(service: GatewayName): Promise<number> {
    const pid = await this.pid(service)
    if (pid === 0) return 0
    const sockets = ['tcp', 'tcp6'].flatMap((table) => {
      const lines = readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1)
      return lines.map((line) => line.trim().split(/\s+/))
    })
    return sockets.filter(
      ([, local = '', , state]) => state === ESTABLISHED && local.endsWith(`:${POSTGRES_PORT_HEX}`),
    ).length
  }

  /** Runs the image's own command line inside a gateway, towards that very gateway. */
  async warderIn(service: GatewayName, token: string, ...args: readonly string[]) {
    const container = await this.#container(service)
    const variables = {
      WARDER_TOKEN: token,
      WARDER_SERVER: 'https://localhost:8443',
      WARDER_CA: '/run/secrets/authority',
    }
    // By name only: a value would stand in the arguments of a process.
    const passed = Object.keys(variables).flatMap((name) => ['--env', name])
    const program = ['node', '/opt/warder/dist/app/main.js', ...args]
    return runToEnd('docker', ['exec', ...passed, container, ...program], { variables })
  }

  /** The last lines of every container. */
  logs(): Promise<string> {
    return this.compose('logs', '--no-color', '--tail=60')
  }

  async #inspect(service: string, format: string): Promise<string> {
    return run('docker', ['inspect', '--format', format, await this.#container(service)])
  }

  async #container(service: string): Promise<string> {
    const id = await this.compose('ps', '--quiet', service)
    if (id === '') throw new Error(`there is no container of ${service}`)
    return id
  }

  async #until(what: string, probe: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + READY_MS_MAX
    for (;;) {
      if (await probe().catch(() => false)) return
      if (performance.now() > deadline) {
        throw new Error(`not within ${READY_MS_MAX / 1_000} s: ${what}`)
      }
      await pause(POLL_MS)
    }
  }
}

/** The issuer gets a certificate of an authority of its own, made by the same script in another place. */
async function prepareIssuer(repository: string, directory: string): Promise<TestIssuer> {
  const aside = join(directory, 'issuer-certificate')
  mkdirSync(join(aside, 'deploy'), { recursive: true })
  cpSync(join(repository, 'deploy/prepare.sh'), join(aside, 'deploy/prepare.sh'))
  await run('sh', ['deploy/prepare.sh', new URL(ISSUER).hostname], { directory: aside })
  const issuer = await TestIssuer.prepare(join(directory, 'issuer'), {
    serve: join(repository, 'test/deploy/issuer/serve.mjs'),
    certificate: join(aside, 'deploy/secrets/tls-certificate'),
    key: join(aside, 'deploy/secrets/tls-key'),
  })
  await run('chown', ['-R', '10001:10001', join(directory, 'issuer')])
  const authorities = join(directory, 'authorities.pem')
  writeFileSync(authorities, readFileSync(join(aside, 'deploy/authority.pem')))
  chmodSync(authorities, 0o644)
  rmSync(aside, { recursive: true })
  return issuer
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port)
        else reject(new Error('no port'))
      })
    })
  })
}
