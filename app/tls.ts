// What callers are shown when they connect: the certificate given, or one that Warder makes itself,
// signed by an authority of its own, for one machine and for trying things out.

import 'reflect-metadata'
import { X509Certificate as ParsedCertificate, createPrivateKey, webcrypto } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { WarderError } from '../core/errors.js'
import type { Clock } from '../core/ports.js'
import { openPart } from './data-directory.js'
import { withFileLock } from './embedded/file-lock.js'
import { errorCode, replaceFile } from './private-file.js'

const DAY_MS = 86_400_000
const AUTHORITY_DAYS = 3_650
/** Clients refuse server certificates that are valid for longer (CA/Browser Forum, Apple). */
const SERVER_DAYS = 397
const RENEW_DAYS = 30
/** Against clocks that differ a little. */
const BACKDATED_MS = 3_600_000
/** Making two key pairs takes a moment; a machine under load takes seconds. */
const LOCK_MS_MAX = 20_000
const SERIAL_BYTES = 16
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const LOOPBACK = ['localhost', '127.0.0.1', '::1'] as const

/** What a TLS listener needs. */
export interface ServerTls {
  /** PEM, leaf first. */
  readonly certificate: string
  /** PEM. */
  readonly key: string
  /** PEM file that callers verify against (`sslrootcert`); undefined for a certificate that was given. */
  readonly authorityFile: string | undefined
}

/**
 * Reads the certificate and key that were given.
 *
 * @throws WarderError `INVALID_ARGUMENT` when they can't be read, don't belong together or are over.
 */
export function givenTls(
  files: { readonly certificateFile: string; readonly keyFile: string },
  clock: Clock,
): ServerTls {
  const certificate = readPem(files.certificateFile, 'WARDER_TLS_CERT')
  const key = readPem(files.keyFile, 'WARDER_TLS_KEY')
  let parsed: ParsedCertificate
  let fits: boolean
  try {
    parsed = new ParsedCertificate(certificate)
    fits = parsed.checkPrivateKey(createPrivateKey(key))
  } catch {
    throw invalid('WARDER_TLS_CERT and WARDER_TLS_KEY must be a certificate and its key, as PEM')
  }
  if (!fits) throw invalid('WARDER_TLS_KEY is not the key of WARDER_TLS_CERT')
  if (Date.parse(parsed.validTo) <= clock.now()) throw invalid('WARDER_TLS_CERT has expired')
  return { certificate, key, authorityFile: undefined }
}

/**
 * The certificate that Warder makes for loopback and for `names`, renewed here when it nears its
 * end or the names have changed. Without an authority that all processes share, the data directory
 * has one of its own, which stays for as long as it can sign.
 */
export function ownTls(
  dataDirectory: string,
  names: readonly string[],
  clock: Clock,
  shared?: Authority,
): Promise<ServerTls> {
  const directory = openPart(dataDirectory, 'tls')
  // Gateways of one machine start at the same moment, and must end up with one authority.
  return withFileLock(
    join(directory, 'lock'),
    LOCK_MS_MAX,
    () => undefined,
    () => ownTlsIn(directory, names, clock, shared ?? earlierAuthority(dataDirectory, clock)),
  )
}

async function ownTlsIn(
  directory: string,
  names: readonly string[],
  clock: Clock,
  given: Authority | undefined,
): Promise<ServerTls> {
  const path = (name: string) => join(directory, name)
  const authorityFile = path('authority.pem')
  const wanted = [...new Set([...LOOPBACK, ...names.map((name) => name.toLowerCase())])]
  let authority = given
  if (authority === undefined) {
    authority = await makeAuthority(clock)
    replaceFile(path('authority.key'), authority.key)
  }
  replaceFile(authorityFile, authority.certificate)
  const present = readPair(path('server.pem'), path('server.key'))
  if (present !== undefined && serves(present.certificate, authority.certificate, wanted, clock)) {
    return { ...present, authorityFile }
  }
  const made = await makeServer(authority, wanted, clock)
  replaceFile(path('server.key'), made.key)
  replaceFile(path('server.pem'), made.certificate)
  return { ...made, authorityFile }
}

interface Pair {
  readonly certificate: string
  readonly key: string
}

/** A certificate authority of Warder's own, as PEM; the key is PKCS #8. */
export type Authority = Pair

/** The authority in a data directory, if it has one that can still sign for a server's whole term. */
export function earlierAuthority(dataDirectory: string, clock: Clock): Authority | undefined {
  const directory = openPart(dataDirectory, 'tls')
  const pair = readPair(join(directory, 'authority.pem'), join(directory, 'authority.key'))
  return pair !== undefined && lasts(pair.certificate, SERVER_DAYS, clock) ? pair : undefined
}

/** Undefined when they are not there, or are not (any longer) a pair. */
function readPair(certificateFile: string, keyFile: string): Pair | undefined {
  try {
    const certificate = readFileSync(certificateFile, 'utf8')
    const key = readFileSync(keyFile, 'utf8')
    const fits = new ParsedCertificate(certificate).checkPrivateKey(createPrivateKey(key))
    return fits ? { certificate, key } : undefined
  } catch {
    return undefined
  }
}

const lasts = (pem: string, days: number, clock: Clock): boolean =>
  Date.parse(new ParsedCertificate(pem).validTo) > clock.now() + days * DAY_MS

function serves(
  pem: string,
  authorityPem: string,
  names: readonly string[],
  clock: Clock,
): boolean {
  const certificate = new ParsedCertificate(pem)
  const named = names.every((name) =>
    isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name),
  )
  const authority = new ParsedCertificate(authorityPem)
  return named && lasts(pem, RENEW_DAYS, clock) && certificate.verify(authority.publicKey)
}

/** Makes an authority; it can sign for ten years. */
export async function makeAuthority(clock: Clock): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(clock, AUTHORITY_DAYS),
    name: 'CN=Warder local authority',
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await privatePem(keys.privateKey) }
}

async function makeServer(authority: Pair, names: readonly string[], clock: Clock): Promise<Pair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const issuer = new x509.X509Certificate(authority.certificate)
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    createPrivateKey(authority.key).export({ type: 'pkcs8', format: 'der' }),
    ALGORITHM,
    false,
    ['sign'],
  )
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(clock, SERVER_DAYS),
    subject: 'CN=Warder',
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await privatePem(keys.privateKey) }
}

function validity(clock: Clock, days: number) {
  const now = clock.now()
  return {
    serialNumber: serialNumber(),
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(now + days * DAY_MS),
    signingAlgorithm: ALGORITHM,
  }
}

/** Random and positive (RFC 5280 §4.1.2.2). */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(SERIAL_BYTES))
  return `01${Buffer.from(bytes).toString('hex').slice(2)}`
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key))
  const pem = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  return pem.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function readPem(file: string, variable: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw invalid(`${variable} can't be read (${errorCode(error) ?? 'unreadable'})`)
  }
}

const invalid = (why: string): WarderError =>
  new WarderError('INVALID_ARGUMENT', { what: 'The TLS configuration', why })
