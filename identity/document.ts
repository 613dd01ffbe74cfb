// Fetches one JSON document of an issuer: no redirects, no proxy, bounded in time and size, and never
// from an address out of reach, whatever name leads there. It never follows what the document says.

import { lookup as resolve } from 'node:dns'
import { request as requestPlain } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as requestTls } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { addressObjection, isLoopbackHost, type Reach } from './address.js'
import { documentBytesMax, fetchTimeoutMs } from './limits.js'
import { parseStrictJson, type JsonObject } from './strict-json.js'

/** Why a document could not be had; the message is for operators, it may name addresses. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError'
}

/** Fetches a JSON object. @throws DocumentError, StrictJsonError */
export type DocumentFetch = (url: URL, reach: Reach) => Promise<JsonObject>

/** Why a URL may not be fetched at all, or undefined. Plain HTTP is for loopback issuers only. */
export function urlObjection(url: URL): string | undefined {
  if (url.username !== '' || url.password !== '') return 'it carries a password'
  if (url.protocol === 'https:') return undefined
  if (url.protocol === 'http:' && isLoopbackHost(url.hostname)) return undefined
  return 'only https is taken (plain http from loopback)'
}

/** The fetch over real sockets. */
export const fetchDocument: DocumentFetch = async (url, reach) => {
  const objection = urlObjection(url)
  if (objection !== undefined) throw new DocumentError(`${url.href}: ${objection}`)
  const reachHere = url.protocol === 'http:' ? 'loopback' : reach
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const literal = isIP(host) === 0 ? undefined : addressObjection(host, reachHere)
  if (literal !== undefined) throw new DocumentError(`${url.href}: ${literal}`)
  const body = await get(url, guardedLookup(reachHere))
  return parseStrictJson(body)
}

/** Checks what a name resolves to at the moment of connecting, so that it can't be resolved twice. */
function guardedLookup(reach: Reach): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, '', 0)
        return
      }
      const why = addresses.map(({ address }) => addressObjection(address, reach)).find(Boolean)
      const [first] = addresses
      if (why !== undefined) callback(new DocumentError(`${hostname}: ${why}`), '', 0)
      else if (first === undefined) callback(new DocumentError(`${hostname}: no address`), '', 0)
      else if (options.all === true) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}

function get(url: URL, lookup: LookupFunction): Promise<string> {
  return new Promise((settle, fail) => {
    const request = url.protocol === 'https:' ? requestTls : requestPlain
    const signal = AbortSignal.timeout(fetchTimeoutMs)
    const headers = { accept: 'application/json', 'accept-encoding': 'identity' }
    const outgoing = request(url, { lookup, signal, headers, agent: false }, (response) => {
      collect(response).then(settle, (error: unknown) => {
        outgoing.destroy()
        fail(asDocumentError(url, error))
      })
    })
    outgoing.on('error', (error) => {
      fail(asDocumentError(url, error))
    })
    outgoing.end()
  })
}

async function collect(response: IncomingMessage): Promise<string> {
  const { statusCode = 0 } = response
  if (statusCode >= 300 && statusCode < 400) throw new DocumentError('redirects are not followed')
  if (statusCode !== 200) throw new DocumentError(`answered ${String(statusCode)}`)
  const { 'content-encoding': encoding = 'identity' } = response.headers
  // Not asked for, and a few bytes could become any number of them.
  if (encoding !== 'identity') throw new DocumentError('it is compressed')
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > documentBytesMax) throw new DocumentError('longer than 256 KiB')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const asDocumentError = (url: URL, error: unknown): DocumentError =>
  new DocumentError(`${url.href}: ${error instanceof Error ? error.message : 'failed'}`, {
    cause: error,
  })
