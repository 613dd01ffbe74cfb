// One text as a caller sent it. Bytes come first; what only some ways need is made on demand.

import { hash } from 'node:crypto'

/** A command's text, shared by its repetitions where the protocol names them. */
export class Statement {
  readonly bytes: Buffer
  #text: string | undefined
  #digest: string | undefined

  /** @param bytes Kept as they are: a slice that nobody overwrites. */
  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  /** The text, decoded as UTF-8. */
  get text(): string {
    this.#text ??= this.bytes.toString('utf8')
    return this.#text
  }

  /** SHA-256 (hex) of the bytes. */
  get digest(): string {
    this.#digest ??= hash('sha256', this.bytes, 'hex')
    return this.#digest
  }
}
