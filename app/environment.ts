// What a process needs in order to start, read from environment variables once. Everything that can
// change while it runs is policy, not this. Never prints a value that may be a secret.

import { availableParallelism, homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { distance } from 'fastest-levenshtein'
import { z } from 'zod'
import { WarderError } from '../core/errors.js'
import type { EncryptionKeySource } from './key-encryption.js'
import { secretUrl } from './secret-url.js'
import type { VaultSettings } from './secrets/vault.js'
import { VAULT_VARIABLES, vaultSettingsOf } from './secrets/vault-environment.js'

/** Where to listen, or how callers reach what listens. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** A bucket for recordings; credentials are found as AWS's own clients find them. */
export interface RecordingsBucket {
  readonly bucket: string
  /** Empty for none. */
  readonly prefix: string
  /** Amazon's own when absent. */
  readonly endpoint: string | undefined
  readonly region: string | undefined
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. */
  readonly pathStyle: boolean
}

/** How much the process says about itself, as pino names it. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Everything the environment says, checked and with its defaults. Frozen. */
export interface Environment {
  /** Absolute. */
  readonly dataDirectory: string
  /** Absolute; holds only what can be fetched again. */
  readonly cacheDirectory: string
  /** As the PATH variable is written. */
  readonly searchPath: string
  /** The store; the embedded PostgreSQL when absent. */
  readonly databaseUrl: string | undefined
  /** Redis that carries hints between processes; the store does when absent. May hold a password. */
  readonly redisUrl: string | undefined
  readonly temporal: {
    /** `host:port`; the embedded dev server when absent. */
    readonly address: string | undefined
    readonly namespace: string
  }
  /** Absolute. */
  readonly policyFile: string | undefined
  /** Absolute PEM files; a certificate of Warder's own making when absent. */
  readonly tls: { readonly certificateFile: string; readonly keyFile: string } | undefined
  readonly listen: { readonly postgres: HostPort; readonly api: HostPort }
  readonly public: {
    readonly postgres: HostPort | undefined
    readonly api: string | undefined
  }
  readonly encryptionKey: EncryptionKeySource | undefined
  /** Where credentials may be read, and keys be wrapped; none when absent. */
  readonly vault: VaultSettings | undefined
  /** Where recordings are kept; in the data directory when absent. */
  readonly recordings: RecordingsBucket | undefined
  /** Gateway processes behind one port, at least 1. */
  readonly gatewayProcessCount: number
  readonly logLevel: LogLevel
}

/** One environment variable, as the reference page shows it. */
export interface EnvironmentVariable {
  readonly name: string
  readonly meaning: string
  readonly form: string
  /** What holds when it is not set, in words. */
  readonly otherwise: string
}

const about = z.registry<Omit<EnvironmentVariable, 'name'>>()

const HOST_PORT_FORM = 'HOST:PORT, an IPv6 host in brackets'

const hostPort = z.string().transform((text, context): HostPort => {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:\s]+)):(\d{1,5})$/i.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host !== undefined && port < 65_536) return { host, port }
  context.addIssue({ code: 'custom', message: `must be ${HOST_PORT_FORM}` })
  return z.NEVER
})

const url = (protocols: readonly string[], form: string) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    message: `must be ${form}`,
  })

const file = z
  .string()
  .min(1, 'must name a file')
  .transform((path) => resolve(path))

const encryptionKey = z.string().transform((text): EncryptionKeySource => {
  const [, source, value = ''] = /^(file|vault:transit\/):?(.+)$/.exec(text) ?? []
  if (source === undefined) return { base64: text }
  return source === 'file' ? { file: resolve(value) } : { vaultTransit: value }
})

/** Bucket names as S3 has them; a prefix has no empty parts, no `.` and no `..`. */
const BUCKET =
  /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/((?:(?!\.{1,2}\/)[A-Za-z0-9._-]+\/)*))?$/
const BUCKET_FORM = 's3://BUCKET/PREFIX'

const bucket = z.string().transform((text, context) => {
  const [, name, prefix = ''] = BUCKET.exec(text.replace(/\/?$/, '/')) ?? []
  if (name !== undefined) return { bucket: name, prefix: prefix.replace(/\/$/, '') }
  context.addIssue({ code: 'custom', message: `must be ${BUCKET_FORM}` })
  return z.NEVER
})

const DATABASE_FORM = 'postgres://USER:PASSWORD@HOST:PORT/DATABASE'
const REDIS_FORM = 'redis[s]://USER:PASSWORD@HOST:PORT'
const API_FORM = 'an http or https URL'
const ADDRESSING = ['host', 'path'] as const
const LEVELS = ['debug', 'info', 'warn', 'error'] as const

const text = (form: string) => z.string().min(1, `must be ${form}`)

const SCHEMA = z.object({
  WARDER_DATA: file.optional().register(about, {
    meaning:
      'Directory of keys, embedded databases and logs. Back it up; lose it and what it sealed is lost.',
    form: 'a directory',
    otherwise: '/var/lib/warder as root, else ~/.local/share/warder',
  }),
  WARDER_CACHE: file.optional().register(about, {
    meaning: 'Directory of fetched programs; may be deleted at any time.',
    form: 'a directory',
    otherwise: '~/.cache/warder',
  }),
  DATABASE_URL: secretUrl(['postgres:', 'postgresql:'], DATABASE_FORM)
    .optional()
    .register(about, {
      meaning: 'PostgreSQL that holds grants, inbox and audit log.',
      form: `${DATABASE_FORM}, or file:PATH of a file that holds it`,
      otherwise: 'a PostgreSQL that Warder starts itself',
    }),
  REDIS_URL: secretUrl(['redis:', 'rediss:'], REDIS_FORM)
    .optional()
    .register(about, {
      meaning: 'Redis that carries news between processes; nothing is kept in it.',
      form: `${REDIS_FORM}, or file:PATH of a file that holds it`,
      otherwise: 'the news goes through the store',
    }),
  TEMPORAL_ADDRESS: hostPort.optional().register(about, {
    meaning: 'Temporal that runs the workflows.',
    form: HOST_PORT_FORM,
    otherwise: 'a dev server that Warder starts itself, not for production',
  }),
  TEMPORAL_NAMESPACE: text('a namespace').default('default').register(about, {
    meaning: 'Temporal namespace.',
    form: 'a name',
    otherwise: 'default',
  }),
  WARDER_POLICY: file.optional().register(about, {
    meaning: 'Policy file that the all-in-one process applies at start and when it changes.',
    form: 'a YAML file',
    otherwise: 'the policy applied last; none denies all',
  }),
  WARDER_TLS_CERT: file.optional().register(about, {
    meaning: 'Certificate chain that callers are shown. Needs WARDER_TLS_KEY.',
    form: 'a PEM file',
    otherwise: 'a certificate of Warder’s own authority, for localhost and the public names',
  }),
  WARDER_TLS_KEY: file.optional().register(about, {
    meaning: 'Private key of WARDER_TLS_CERT.',
    form: 'a PEM file',
    otherwise: 'the key of the certificate that Warder made',
  }),
  WARDER_LISTEN_POSTGRES: hostPort.default({ host: '127.0.0.1', port: 5432 }).register(about, {
    meaning: 'Where callers connect with PostgreSQL clients; port 0 takes any.',
    form: HOST_PORT_FORM,
    otherwise: '127.0.0.1:5432',
  }),
  WARDER_LISTEN_API: hostPort.default({ host: '127.0.0.1', port: 8443 }).register(about, {
    meaning: 'Where the API and the command line connect; port 0 takes any.',
    form: HOST_PORT_FORM,
    otherwise: '127.0.0.1:8443',
  }),
  WARDER_PUBLIC_POSTGRES: hostPort.optional().register(about, {
    meaning: 'How callers reach WARDER_LISTEN_POSTGRES, through load balancers and names.',
    form: HOST_PORT_FORM,
    otherwise: 'the address that it listens on',
  }),
  WARDER_PUBLIC_API: url(['http:', 'https:'], API_FORM).optional().register(about, {
    meaning: 'How people and command lines reach WARDER_LISTEN_API.',
    form: API_FORM,
    otherwise: 'the address that it listens on',
  }),
  WARDER_ENCRYPTION_KEY: encryptionKey.optional().register(about, {
    meaning:
      'Key-encryption key: wraps the keys in the store, which seal payloads, credentials and the log. The same for all processes.',
    form: 'file:PATH, vault:transit/KEY, or 32 bytes in base64',
    otherwise: 'a key made at first start, in the data directory',
  }),
  WARDER_RECORDINGS: bucket.optional().register(about, {
    meaning:
      'S3-compatible bucket that keeps recordings; its credentials come from AWS_ACCESS_KEY_ID and the like, or AWS’s files.',
    form: BUCKET_FORM,
    otherwise: 'files in the data directory',
  }),
  WARDER_RECORDINGS_ENDPOINT: url(['http:', 'https:'], API_FORM).optional().register(about, {
    meaning: 'Server of WARDER_RECORDINGS, where it is not Amazon’s.',
    form: API_FORM,
    otherwise: 'Amazon S3',
  }),
  WARDER_RECORDINGS_REGION: text('a region').optional().register(about, {
    meaning: 'Region of WARDER_RECORDINGS.',
    form: 'a name',
    otherwise: 'AWS_REGION or AWS’s files; us-east-1 with an endpoint',
  }),
  WARDER_RECORDINGS_ADDRESSING: z
    .enum(ADDRESSING, { error: `must be ${ADDRESSING.join(' or ')}` })
    .optional()
    .register(about, {
      meaning: 'How the bucket is addressed: BUCKET.ENDPOINT (host) or ENDPOINT/BUCKET (path).',
      form: ADDRESSING.join(', '),
      otherwise: 'path with an endpoint, else host',
    }),
  WARDER_GATEWAY_PROCESSES: z
    .string()
    .regex(/^[1-9][0-9]{0,2}$/, 'must be a number from 1 to 999')
    .transform(Number)
    .optional()
    .register(about, {
      meaning: 'Gateway processes that share the ports, on this machine.',
      form: 'a number',
      otherwise: 'one per core',
    }),
  WARDER_LOG_LEVEL: z
    .enum(LEVELS, { error: `must be one of ${LEVELS.join(', ')}` })
    .default('info')
    .register(about, {
      meaning: 'How much the process says about itself.',
      form: LEVELS.join(', '),
      otherwise: 'info',
    }),
})

/** Read by the command line, not by the serving processes; listed so that they are not unknown. */
const COMMAND_LINE_VARIABLES: readonly string[] = [
  'WARDER_SERVER',
  'WARDER_CA',
  'WARDER_TOKEN',
  'WARDER_TOKEN_FILE',
]

/** Every variable, in the order of the reference page. */
export const ENVIRONMENT_VARIABLES: readonly EnvironmentVariable[] = [
  ...Object.entries(SCHEMA.shape).flatMap(([name, schema]) => {
    const entry = about.get(schema)
    return entry === undefined ? [] : [{ name, ...entry }]
  }),
  ...VAULT_VARIABLES,
]

/** How far a mistyped name may be from the one it is taken for. */
const TYPO_DISTANCE_MAX = 4

/**
 * Checks the variables. An unknown `WARDER_…` one is a warning that names the nearest known one: it
 * may be meant for a newer version.
 *
 * @throws WarderError `INVALID_ARGUMENT` naming every variable that is wrong, never its value.
 */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>>): {
  readonly environment: Environment
  readonly warnings: readonly string[]
} {
  // An empty variable is how many a deployment tool writes an absent one.
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value))
  const parsed = SCHEMA.safeParse(set)
  if (!parsed.success) {
    const why = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`)
    throw invalid(why.join('; '))
  }
  return { environment: environmentOf(parsed.data, set), warnings: warningsOf(Object.keys(set)) }
}

function environmentOf(
  parsed: z.infer<typeof SCHEMA>,
  variables: Readonly<Record<string, string | undefined>>,
): Environment {
  const { WARDER_TLS_CERT: certificateFile, WARDER_TLS_KEY: keyFile } = parsed
  if ((certificateFile === undefined) !== (keyFile === undefined)) {
    throw invalid('WARDER_TLS_CERT and WARDER_TLS_KEY need each other')
  }
  const home = variables['HOME'] ?? homedir()
  const isRoot = process.getuid?.() === 0
  return deepFreeze({
    // Not below /root, which the user that PostgreSQL runs as can't enter.
    dataDirectory:
      parsed.WARDER_DATA ?? (isRoot ? '/var/lib/warder' : join(home, '.local/share/warder')),
    cacheDirectory: parsed.WARDER_CACHE ?? join(home, '.cache/warder'),
    searchPath: variables['PATH'] ?? '',
    databaseUrl: parsed.DATABASE_URL,
    redisUrl: parsed.REDIS_URL,
    temporal: {
      address: parsed.TEMPORAL_ADDRESS && formatHostPort(parsed.TEMPORAL_ADDRESS),
      namespace: parsed.TEMPORAL_NAMESPACE,
    },
    policyFile: parsed.WARDER_POLICY,
    tls:
      certificateFile === undefined || keyFile === undefined
        ? undefined
        : { certificateFile, keyFile },
    listen: { postgres: parsed.WARDER_LISTEN_POSTGRES, api: parsed.WARDER_LISTEN_API },
    public: { postgres: parsed.WARDER_PUBLIC_POSTGRES, api: parsed.WARDER_PUBLIC_API },
    encryptionKey: parsed.WARDER_ENCRYPTION_KEY,
    vault: vaultSettingsOf(variables),
    recordings: recordingsOf(parsed),
    gatewayProcessCount: parsed.WARDER_GATEWAY_PROCESSES ?? availableParallelism(),
    logLevel: parsed.WARDER_LOG_LEVEL,
  })
}

function recordingsOf(parsed: z.infer<typeof SCHEMA>): RecordingsBucket | undefined {
  const { WARDER_RECORDINGS: place, WARDER_RECORDINGS_ENDPOINT: endpoint } = parsed
  const { WARDER_RECORDINGS_REGION: region, WARDER_RECORDINGS_ADDRESSING: addressing } = parsed
  if (place === undefined) {
    if ((endpoint ?? region ?? addressing) === undefined) return undefined
    throw invalid('WARDER_RECORDINGS_… need WARDER_RECORDINGS')
  }
  // Servers that people run themselves seldom have a name for every bucket.
  const pathStyle = addressing === undefined ? endpoint !== undefined : addressing === 'path'
  return { ...place, endpoint, region, pathStyle }
}

/** `host:port`, with an IPv6 host in brackets. */
export const formatHostPort = ({ host, port }: HostPort): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

function warningsOf(names: readonly string[]): string[] {
  const known = [...Object.keys(SCHEMA.shape), ...COMMAND_LINE_VARIABLES]
  const unknown = names.filter((name) => name.startsWith('WARDER_') && !known.includes(name))
  return unknown.map((name) => {
    const nearest = known.reduce((best, next) =>
      distance(name, next) < distance(name, best) ? next : best,
    )
    const near = distance(name, nearest) <= TYPO_DISTANCE_MAX
    return `${name} is not known to this version${near ? `; is ${nearest} meant?` : ''}`
  })
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner)
  }
  return Object.freeze(value)
}

const invalid = (why: string): WarderError =>
  new WarderError('INVALID_ARGUMENT', { what: 'The environment', why })
