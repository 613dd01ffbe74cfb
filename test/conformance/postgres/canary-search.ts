// Looks for tokens in bytes: whole or any piece of them, as text, reversed, in hex, in base64, with
// anything that is no letter or digit between their characters, and in PostgreSQL's binary forms.

/** Longest piece that must not be seen is one shorter than this, in the characters of the token. */
const PIECE = 8
/** Digits make other numbers, too: ten in a row are no accident. */
const DIGIT_PIECE = 10

/** A value that must not be seen. */
export interface Token {
  /** As PostgreSQL writes it as text. */
  readonly text: string
  /** As PostgreSQL sends it in binary, when that is not its text. */
  readonly binary?: Buffer
}

const FILTER_BITS = 22
const FILTER_MASK = (1 << FILTER_BITS) - 1

const lower = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte)
const isAlphanumeric = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x7a)

/** All pieces of one length, found by a rolling hash before they are compared. */
class Pieces {
  readonly #length: number
  readonly #filter = new Uint8Array(1 << FILTER_BITS)
  readonly #known = new Map<string, string>()
  readonly #top: number

  constructor(length: number) {
    this.#length = length
    let top = 1
    for (let at = 1; at < length; at += 1) top = Math.imul(top, 31)
    this.#top = top
  }

  /** @param form Folded bytes, every piece of which tells the token. */
  add(form: Buffer, token: string, step = 1): void {
    for (let at = 0; at + this.#length <= form.length; at += step) {
      const piece = form.subarray(at, at + this.#length)
      let hash = 0
      for (const byte of piece) hash = (Math.imul(hash, 31) + byte) | 0
      this.#filter[slot(hash)] = 1
      this.#known.set(piece.toString('latin1'), token)
    }
  }

  find(bytes: Buffer): string | undefined {
    const length = this.#length
    let hash = 0
    for (let at = 0; at < bytes.length; at += 1) {
      if (at >= length) hash = (hash - Math.imul(this.#top, bytes[at - length] ?? 0)) | 0
      hash = (Math.imul(hash, 31) + (bytes[at] ?? 0)) | 0
      if (this.#filter[slot(hash)] === 0 || at + 1 < length) continue
      const found = this.#known.get(bytes.toString('latin1', at + 1 - length, at + 1))
      if (found !== undefined) return found
    }
    return undefined
  }
}

const slot = (hash: number): number => (hash ^ (hash >>> FILTER_BITS)) & FILTER_MASK

function folded(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length)
  for (let at = 0; at < bytes.length; at += 1) out[at] = lower(bytes[at] ?? 0)
  return out
}

/** Only letters and digits, in order. */
function stripped(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length)
  let length = 0
  for (const byte of bytes) if (isAlphanumeric(byte)) out[length++] = byte
  return out.subarray(0, length)
}

/** What is in base64 of any text that holds these bytes, for each place they may stand at. */
function base64Forms(bytes: Buffer): Buffer[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    // The first and last characters also hold bits of what stands beside.
    return Buffer.from(text.slice(before === 0 ? 0 : before + 1, -1))
  })
}

/** Finds tokens in whatever a caller, a log or a recording gets. */
export class TokenSearch {
  readonly #words = new Pieces(PIECE)
  readonly #digits = new Pieces(DIGIT_PIECE)
  readonly #base64 = new Pieces(DIGIT_PIECE)
  readonly #hex = new Pieces(2 * PIECE)

  constructor(tokens: readonly Token[]) {
    for (const { text, binary } of tokens) {
      const plain = Buffer.from(text.toLowerCase().replaceAll(/[^a-z0-9]/g, ''))
      for (const form of [plain, Buffer.from(plain).reverse()]) {
        const own = /^\d+$/.test(plain.toString()) ? this.#digits : this.#words
        own.add(form, text)
        this.#hex.add(Buffer.from(form.toString('hex')), text, 2)
      }
      for (const spelled of [text, text.toUpperCase(), text.toLowerCase()]) {
        const bytes = Buffer.from(spelled)
        for (const form of [bytes, Buffer.from(bytes).reverse()]) {
          this.#hex.add(Buffer.from(form.toString('hex')), text, 2)
          for (const coded of base64Forms(form)) this.#base64.add(folded(coded), text)
        }
      }
      if (binary !== undefined) this.#words.add(folded(binary), text)
    }
  }

  /** A token of which the bytes hold a piece, or undefined. */
  find(bytes: Buffer): string | undefined {
    const plain = folded(bytes)
    const words = stripped(plain)
    return (
      this.#words.find(plain) ??
      this.#words.find(words) ??
      this.#digits.find(words) ??
      this.#hex.find(words) ??
      this.#base64.find(plain)
    )
  }
}
