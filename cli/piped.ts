// What is piped into a command, up to a bound. What it is, the command says.

import type { Readable } from 'node:stream'
import { usageFailure } from './failure.js'

/** Everything up to the end of standard input. @throws CliFailure saying `tooLong` beyond the bound. */
export async function readPiped(
  stdin: Readable,
  bytesMax: number,
  tooLong: { readonly message: string; readonly remedy: string },
): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
    const bytes = Buffer.from(chunk)
    sizeBytes += bytes.length
    if (sizeBytes > bytesMax) throw usageFailure(tooLong.message, tooLong.remedy)
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}
