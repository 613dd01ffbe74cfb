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
  readonly #told: string[] = []
  #stepCount = 0

  constructor(output: Output) {
    this.#output = output
  }

  /** Opens a step: one sentence that says what it shows. */
  step(title: string): void {
    this.#stepCount += 1
    this.#line(`\n${this.#styled('title', `${this.#stepCount}. ${title}`)}`)
  }

  /** The command as typed, without secrets, and by whom. */
  command(text: string, who?: string): void {
    const prompt = who === undefined ? '$' : `${who} $`
    this.#line(`   ${this.#styled('command', `${prompt} ${text}`)}`)
  }

  /** A statement as typed at psql's prompt. */
  sql(database: string, text: string): void {
    this.#line(`   ${this.#styled('command', `${database}=> ${text}`)}`)
  }

  /** What it printed. Control characters are shown, not obeyed. */
  output(text: string): void {
    for (const line of text.replace(/\n+$/, '').split('\n')) {
      this.#line(`     ${this.#styled('output', visible(line.trimEnd()))}`.trimEnd())
    }
  }

  /** A line of explanation or progress. */
  note(text: string): void {
    this.#line(`   ${text}`)
  }

  /** A line as it is. */
  plain(text: string): void {
    this.#line(text)
  }

  /** States what must be so, and keeps it as a failure when it is not. */
  check(claim: string, isSo: boolean): void {
    this.#line(isSo ? `   ${this.#styled('good', `✓ ${claim}`)}` : this.#failed(claim))
  }

  /** Everything told so far, without styles. */
  get transcript(): string {
    return this.#told.join('')
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
    this.#told.push(`${text.replace(/\u001b\[\d+m/g, '')}\n`)
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
