// One call to Vault's HTTP API: bounded in time and size, no redirects, TLS unless it is on this very
// host. Never puts a token, a body or an answer into an error.

import { readFileSync } from 'node:fs'
import { request as requestPlain, type IncomingMessage } from 'node:http'
import { request as requestTls } from 'node:https'
import { rootCertificates } from 'node:tls'
import { isIP } from 'node:net'

/** Longest wait for an answer: a session's start waits with it. */
const ANSWER_MS_MAX = 5_000
/** Vault's own limit for a secret is 1 MiB; what Warder reads is a password. */
const ANSWER_BYTES_MAX = 256 * 1024

/** Where Vault is. */
export interface VaultPlace {
  readonly url: string
  readonly namespace?: string | undefined
  /** PEM file; the system's authorities when absent. */
  readonly authorityFile?: string | undefined
}

/** A call: path without `/v1/`, JSON in and out. */
export interface VaultCall {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly token?: string | undefined
  readonly body?: Readonly<Record<string, unknown>> | undefined
}

/** An answer's top level. */
export type VaultAnswer = Readonly<Record<string, unknown>>

/** Vault did not do what it was asked; says why without saying anything that it was told. */
export class VaultError extends Error {
  override readonly name = 'VaultError'
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined

  constructor(message: string, status?: number) {
    super(message)
    this.status = status
  }
}

/** Why Vault may not be reached under a URL, or undefined. */
export function vaultUrlObjection(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) return 'it must be a URL'
  if (url.username !== '' || url.password !== '') return 'it must not carry a password'
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') return 'it must have no path'
  if (url.protocol === 'https:') return undefined
  const isLoopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  return url.protocol === 'http:' && isLoopback ? undefined : 'it must be https (http on loopback)'
}

/** Makes the call. @throws VaultError */
export async function callVault(place: VaultPlace, call: VaultCall): Promise<VaultAnswer> {
  const response = await answered(place, call)
  const { statusCode: status = 0 } = response
  if (status >= 300 && status < 400) {
    response.destroy()
    const why = 'it redirects, which is not followed: name the active node, or a balancer before it'
    throw new VaultError(why, status)
  }
  const text = await readAll(response)
  if (status === 204) return {}
  if (status !== 200) throw new VaultError(whyOf(status), status)
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null) return parsed as VaultAnswer
  } catch {
    // What the parser says would quote the answer.
  }
  throw new VaultError('its answer is no JSON object', status)
}

function answered(place: VaultPlace, call: VaultCall): Promise<IncomingMessage> {
  const url = new URL(`/v1/${call.path}`, place.url)
  const payload = call.body === undefined ? undefined : JSON.stringify(call.body)
  const headers = {
    accept: 'application/json',
    'accept-encoding': 'identity',
    // Vault refuses what a browser could be tricked into sending; this says that it was not.
    'x-vault-request': 'true',
    ...(call.token === undefined ? {} : { 'x-vault-token': call.token }),
    ...(place.namespace === undefined ? {} : { 'x-vault-namespace': place.namespace }),
    ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
  }
  const signal = AbortSignal.timeout(ANSWER_MS_MAX)
  const options = { method: call.method, headers, signal, agent: false as const }
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      const why = signal.aborted
        ? 'it did not answer in time'
        : `it can’t be reached${codeOf(error)}`
      reject(new VaultError(why))
    }
    const outgoing =
      url.protocol === 'https:'
        ? requestTls(url, { ...options, ...tlsOf(place, url.hostname) }, resolve)
        : requestPlain(url, options, resolve)
    outgoing.on('error', fail)
    outgoing.end(payload)
  })
}

const tlsOf = (place: VaultPlace, host: string) => ({
  ca: place.authorityFile === undefined ? [...rootCertificates] : readFileSync(place.authorityFile),
  minVersion: 'TLSv1.2' as const,
  ...(isIP(host.replace(/^\[|\]$/g, '')) === 0 ? { servername: host } : {}),
})

const codeOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? ` (${error.code})` : ''

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length
      if (sizeBytes > ANSWER_BYTES_MAX) throw new VaultError('its answer is longer than 256 KiB')
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  } catch (error) {
    if (error instanceof VaultError) throw error
    throw new VaultError('its answer broke off')
  } finally {
    for (const chunk of chunks) chunk.fill(0)
  }
}

function whyOf(status: number): string {
  if (status === 403) return 'it denies that to the token (403)'
  if (status === 404) return 'it has nothing there (404)'
  if (status === 429) return 'it takes no more calls now (429)'
  if (status === 503) return 'it is sealed or in maintenance (503)'
  return `it answered ${String(status)}`
}
