// International bank account numbers (ISO 13616): the country's length and the check digits decide. Pure.

import { DIGIT, LETTER, WORD, kindOf } from './characters.js'
import { passesMod97 } from './checksums.js'
import type { Window } from './window.js'

/** Country and length, from the SWIFT IBAN registry (release 99) and the countries that use them without being in it. */
const LENGTHS =
  'AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18' +
  'FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25' +
  'MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24' +
  'SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30' +
  'AO25BF28BJ28CF27CG27CI28CM27CV25DZ26GA27GN28GQ27GW25IR26KM27MA28MG27ML28MZ25NE28SN28TD27TG28'

const SPACE = 0x20
const LETTERS = 26
/** Characters of tokens in a row by which the scan comes across any. */
const RUN_BYTES = 16
const DIGITS_IN_A_ROW = 10
/** Characters of a group when it is written with spaces. */
const GROUP = 4

const lengthOfCountry = new Uint8Array(LETTERS * LETTERS)
for (let at = 0; at < LENGTHS.length; at += 4) {
  const index = (LENGTHS.charCodeAt(at) - 65) * LETTERS + LENGTHS.charCodeAt(at + 1) - 65
  lengthOfCountry[index] = Number(LENGTHS.slice(at + 2, at + 4))
}

/** True when two letters and two digits stand here. */
export const mayBeIban = (bytes: Uint8Array, at: number): boolean =>
  (kindOf(bytes, at + 2) & DIGIT) !== 0 &&
  (kindOf(bytes, at + 3) & DIGIT) !== 0 &&
  (kindOf(bytes, at) & LETTER) !== 0 &&
  (kindOf(bytes, at + 1) & LETTER) !== 0

/**
 * Where the IBAN that begins here, where `mayBeIban` holds, ends; 0 for none. Written in one piece or in groups of
 * four with single spaces, in capitals or small letters.
 */
export function ibanEnd(window: Window, start: number): number {
  const { bytes, high } = window
  const country = ((bytes[start] ?? 0) & 0x1f) - 1
  const length = lengthOfCountry[country * LETTERS + ((bytes[start + 1] ?? 0) & 0x1f) - 1] ?? 0
  if (length === 0) return 0
  const isSpaced = bytes[start + GROUP] === SPACE
  const end = start + length + (isSpaced ? Math.ceil(length / GROUP) - 1 : 0)
  if (end > high || !window.endsWord(end) || !window.beginsWord(start)) return 0
  let digitsInARow = 0
  let digitsMax = 0
  for (let at = start; at < end; at++) {
    const isGap = isSpaced && (at - start) % (GROUP + 1) === GROUP
    const kind = kindOf(bytes, at)
    if (isGap ? bytes[at] !== SPACE : (kind & (DIGIT | LETTER)) === 0) return 0
    digitsInARow = (kind & LETTER) === 0 ? digitsInARow + 1 : 0
    digitsMax = Math.max(digitsMax, digitsInARow)
  }
  // By so many digits and spaces in a row the scan comes across it. All that are given out have them.
  if ((isSpaced || length < RUN_BYTES) && digitsMax < DIGITS_IN_A_ROW) return 0
  return passesMod97(bytes, start, end) ? end : 0
}

/**
 * The beginning of the groups of four that lead to the word at `at`, where an IBAN could begin; -1 for none.
 * `at` is itself not meant.
 */
export function ibanBefore(window: Window, at: number): number {
  const { bytes, low } = window
  for (
    let start = at - GROUP - 1, count = 0;
    start >= low && count < 8;
    start -= GROUP + 1, count++
  ) {
    if (bytes[start + GROUP] !== SPACE) return -1
    for (let offset = 0; offset < GROUP; offset++)
      if ((kindOf(bytes, start + offset) & WORD) === 0) return -1
    if (mayBeIban(bytes, start) && window.beginsWord(start)) return start
  }
  return -1
}
