import { expect, test } from 'vitest'
import { ENVIRONMENT_VARIABLES, formatHostPort, readEnvironment } from '../../../app/environment.js'

const read = (variables: Record<string, string>) =>
  readEnvironment({ HOME: '/home/u', ...variables })
const refusal = (variables: Record<string, string>): string => {
  try {
    read(variables)
  } catch (error) {
    return String(error)
  }
  throw new Error('was not refused')
}

test.each([
  ['WARDER_LISTEN_POSTGRES', '5432'],
  ['WARDER_LISTEN_POSTGRES', 'localhost:65536'],
  ['WARDER_LISTEN_API', '::1:8443'],
  ['TEMPORAL_ADDRESS', 'http://temporal:7233'],
  ['WARDER_PUBLIC_POSTGRES', 'gateway'],
  ['WARDER_PUBLIC_API', 'ftp://gateway'],
  ['WARDER_PUBLIC_API', 'gateway'],
  ['DATABASE_URL', 'mysql://db/warder'],
  ['WARDER_LOG_LEVEL', 'loud'],
  ['WARDER_RECORDINGS', '/var/recordings'],
  ['WARDER_RECORDINGS', 's3://'],
  ['WARDER_RECORDINGS', 's3://Bucket'],
  ['WARDER_RECORDINGS', 's3://bucket/a//b'],
  ['WARDER_RECORDINGS', 's3://bucket/../other'],
  ['WARDER_RECORDINGS', 's3://key:secret@bucket'],
  ['WARDER_RECORDINGS_ENDPOINT', 'minio:9000'],
  ['WARDER_RECORDINGS_ADDRESSING', 'virtual'],
])('%s=%s is refused by name', (name, value) => {
  expect(refusal({ [name]: value })).toContain(name)
})

test('every wrong variable is named at once', () => {
  const message = refusal({ WARDER_LISTEN_API: 'x', WARDER_LOG_LEVEL: 'y' })
  expect(message).toContain('WARDER_LISTEN_API')
  expect(message).toContain('WARDER_LOG_LEVEL')
})

test('a refused value is not repeated, because it may be a secret', () => {
  expect(refusal({ DATABASE_URL: 'mysql://u:hunter2@db/x' })).not.toContain('hunter2')
})

test('a certificate without its key is refused', () => {
  expect(refusal({ WARDER_TLS_CERT: '/c.pem' })).toContain('WARDER_TLS_KEY')
})

test('a mistyped variable is a warning that names the nearest one', () => {
  expect(read({ WARDER_POLCY: '/p.yaml' }).warnings).toEqual([
    'WARDER_POLCY is not known to this version; is WARDER_POLICY meant?',
  ])
})

test('a variable like no other is a warning without a guess', () => {
  expect(read({ WARDER_SOMETHING_ELSE_ENTIRELY: '1' }).warnings).toEqual([
    'WARDER_SOMETHING_ELSE_ENTIRELY is not known to this version',
  ])
})

test('variables of the command line and of others are no warning', () => {
  expect(read({ WARDER_TOKEN: 't', PGHOST: 'h' }).warnings).toEqual([])
})

test('an empty environment gives a loopback-only configuration with everything embedded', () => {
  const { environment, warnings } = read({})
  expect(warnings).toEqual([])
  expect(environment).toMatchObject({
    databaseUrl: undefined,
    temporal: { address: undefined, namespace: 'default' },
    listen: { postgres: { host: '127.0.0.1', port: 5432 }, api: { host: '127.0.0.1', port: 8443 } },
    logLevel: 'info',
    cacheDirectory: '/home/u/.cache/warder',
  })
})

test('an empty variable counts as absent', () => {
  expect(read({ DATABASE_URL: '', TEMPORAL_ADDRESS: '' }).environment.databaseUrl).toBeUndefined()
})

test('the configuration can not be changed afterwards', () => {
  const { environment } = read({})
  expect(Object.isFrozen(environment)).toBe(true)
  expect(Object.isFrozen(environment.listen.api)).toBe(true)
})

test('an IPv6 address is read and written in brackets', () => {
  const { environment } = read({ WARDER_LISTEN_API: '[::1]:0', TEMPORAL_ADDRESS: '[::1]:7233' })
  expect(environment.listen.api).toEqual({ host: '::1', port: 0 })
  expect(environment.temporal.address).toBe('[::1]:7233')
  expect(formatHostPort(environment.listen.api)).toBe('[::1]:0')
})

test('a key is a file reference or base64', () => {
  expect(read({ WARDER_ENCRYPTION_KEY: 'file:/k' }).environment.encryptionKey).toEqual({
    file: '/k',
  })
  expect(read({ WARDER_ENCRYPTION_KEY: 'AAAA' }).environment.encryptionKey).toEqual({
    base64: 'AAAA',
  })
})

test('where a bucket is, without the bucket, is refused', () => {
  expect(refusal({ WARDER_RECORDINGS_REGION: 'eu-1' })).toContain('WARDER_RECORDINGS')
})

test('recordings are files unless a bucket is named', () => {
  expect(read({}).environment.recordings).toBeUndefined()
})

test.each([
  ['s3://rec', '', 'rec'],
  ['s3://rec/', '', 'rec'],
  ['s3://my.rec-1/warder/prod', 'warder/prod', 'my.rec-1'],
  ['s3://my.rec-1/warder/prod/', 'warder/prod', 'my.rec-1'],
])('%s is a bucket with the prefix %j', (text, prefix, bucket) => {
  expect(read({ WARDER_RECORDINGS: text }).environment.recordings).toMatchObject({
    ...{ bucket, prefix, pathStyle: false },
  })
})

test('a server of one’s own is addressed by path unless it is said otherwise', () => {
  const own = { WARDER_RECORDINGS: 's3://rec', WARDER_RECORDINGS_ENDPOINT: 'http://minio:9000' }
  expect(read(own).environment.recordings).toMatchObject({ pathStyle: true })
  expect(
    read({ ...own, WARDER_RECORDINGS_ADDRESSING: 'host' }).environment.recordings,
  ).toMatchObject({ pathStyle: false })
})

test('every variable has its row in the reference', () => {
  for (const row of ENVIRONMENT_VARIABLES) {
    expect(row.meaning.endsWith('.'), row.name).toBe(true)
    expect(row.form.length * row.otherwise.length, row.name).toBeGreaterThan(0)
  }
  expect(ENVIRONMENT_VARIABLES).toHaveLength(29)
})
