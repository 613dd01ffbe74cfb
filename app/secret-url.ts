// A URL that may hold a password, as an environment variable: written out, or `file:PATH` of a file that
// holds it, which is how orchestrators hand out secrets. Never prints what it read.

import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'

/** A path that points at something else is noticed before it is read. */
const FILE_BYTES_MAX = 4_096

/**
 * Schema of such a variable; parsed, it is the URL.
 *
 * @param protocols as `URL` writes them (`postgres:`)
 * @param form how the URL must look, for whoever has to correct it
 */
export const secretUrl = (protocols: readonly string[], form: string) =>
  z.string().transform((text, context): string => {
    const path = /^file:(.+)$/.exec(text)?.[1]
    const read = path === undefined ? { text } : readLine(resolve(path))
    if ('trouble' in read) {
      context.addIssue({ code: 'custom', message: read.trouble })
      return z.NEVER
    }
    const { text: url } = read
    if (URL.canParse(url) && protocols.includes(new URL(url).protocol)) return url
    const must = `must be ${form}`
    const message = path === undefined ? must : `names ${resolve(path)}, whose content ${must}`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

function readLine(file: string): { readonly text: string } | { readonly trouble: string } {
  try {
    const { mode, size } = statSync(file)
    if ((mode & 0o007) !== 0) {
      return { trouble: `names ${file}, which others can reach; run \`chmod o-rwx ${file}\`` }
    }
    if (size > FILE_BYTES_MAX) return { trouble: `names ${file}, which is too long for a URL` }
    return { text: readFileSync(file, 'utf8').trim() }
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    return { trouble: `names ${file}, which can't be read (${why})` }
  }
}
