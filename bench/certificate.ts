// The certificate that the target and PgBouncer show on loopback, as files which PostgreSQL's user
// can read. The gateway has its own.

import { chownSync, copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../app/clock.js'
import type { Progress } from '../app/embedded/executable.js'
import { postgresRuntime } from '../app/embedded/postgres-runtime.js'
import { ownTls } from '../app/tls.js'

/** Paths of PEM files. */
export interface BenchCertificate {
  readonly certificateFile: string
  readonly keyFile: string
  /** To verify the certificate with. */
  readonly authorityFile: string
}

/** Makes it below the directory. */
export async function makeCertificate(
  directory: string,
  progress: Progress,
): Promise<BenchCertificate> {
  const { certificate, key, authorityFile } = await ownTls(
    join(directory, 'certificate'),
    [],
    systemClock,
  )
  if (authorityFile === undefined) throw new Error('its certificate is of its own authority')
  const files = {
    certificateFile: join(directory, 'server.pem'),
    keyFile: join(directory, 'server.key'),
    authorityFile: join(directory, 'authority.pem'),
  }
  writeFileSync(files.certificateFile, certificate, { mode: 0o644 })
  writeFileSync(files.keyFile, key, { mode: 0o600 })
  copyFileSync(authorityFile, files.authorityFile)
  const { runAs } = await postgresRuntime(directory, progress)
  if (runAs !== undefined) {
    for (const file of Object.values(files)) chownSync(file, runAs.uid, runAs.gid)
  }
  return files
}
