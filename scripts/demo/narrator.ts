// Prints the demo as a transcript: what is about to be shown, the command as somebody would type it,
// what came of it, and whether that is what it should be. Decides nothing; counts what was not.

import type { Writable } from 'node:stream'

const STYLES = { title: '1', command: '36', output: '2', good: '32', bad: '31' } as const

/** A stream that may say that it is a terminal. */
export type Output = Writable & { readonly isTTY?: boolean }

/** The teller of one demo. Plain text when the output is no terminal. */
export class Narrator {
  readonly #output: Output
  readonly #failures: string[] = []
  #stepCount = 0

  constructor(output: Output) {
    this.#output = output
  }

  /** Opens a step: one sentence that says what it shows. */
  step(title: string): void {
    this.#stepCount += 1
    this.#line(`\n${this.#styled('title', `${this.#stepCount}. ${title}`)}`)
  }

  /** The command as typed, without secrets. */
  command(text: string): void {
    this.#line(`   ${this.#styled('command', `$ ${text}`)}`)
  }

  /** What it printed. Control characters are shown, not obeyed. */
  output(text: string): void {
    for (const line of text.replace(/\n+$/, '').split('\n')) {
      this.#line(`     ${this.#styled('output', visible(line))}`)
    }
  }

  /** A line of explanation or progress. */
  note(text: string): void {
    this.#line(`   ${text}`)
  }

  /** States what must be so, and keeps it as a failure when it is not. */
  check(claim: string, isSo: boolean): void {
    this.#line(isSo ? `   ${this.#styled('good', `✓ ${claim}`)}` : this.#failed(claim))
  }

  /** Every claim that was not so, in order. */
  get failures(): readonly string[] {
    return this.#failures
  }

  #failed(claim: string): string {
    this.#failures.push(claim)
    return `   ${this.#styled('bad', `✗ ${claim}`)}`
  }

  #line(text: string): void {
    this.#output.write(`${text}\n`)
  }

  #styled(style: keyof typeof STYLES, text: string): string {
    return this.#output.isTTY === true ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text
  }
}

const visible = (line: string): string =>
  line.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(2, '0')
    return `\\x${code}`
  })
