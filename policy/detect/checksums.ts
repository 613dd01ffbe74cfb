// The checksums that tell a real number or token from one that only looks like it. Pure, no allocation.

import { DIGIT, kindOf } from './characters.js'

const ZERO = 0x30

/** Luhn's check (ISO/IEC 7812-1 annex B) over the digits in a range; what is no digit is skipped. */
export function passesLuhn(bytes: Uint8Array, start: number, end: number): boolean {
  let sum = 0
  let isDoubled = false
  for (let at = end - 1; at >= start; at--) {
    if ((kindOf(bytes, at) & DIGIT) === 0) continue
    let value = (bytes[at] ?? 0) - ZERO
    if (isDoubled) value = value > 4 ? 2 * value - 9 : 2 * value
    sum += value
    isDoubled = !isDoubled
  }
  return sum % 10 === 0
}

/** ISO 7064 MOD 97-10 of an IBAN (ISO 13616-1 §6), letters as 10 to 35; spaces are skipped. */
export function passesMod97(bytes: Uint8Array, start: number, end: number): boolean {
  const rest = remainder97(bytes, start + 4, end, 0)
  return remainder97(bytes, start, start + 4, rest) === 1
}

function remainder97(bytes: Uint8Array, start: number, end: number, before: number): number {
  let rest = before
  for (let at = start; at < end; at++) {
    const code = bytes[at] ?? 0
    if (code === 0x20) continue
    rest = code <= 0x39 ? (rest * 10 + code - ZERO) % 97 : (rest * 100 + (code | 0x20) - 87) % 97
  }
  return rest
}

const CRC32 = new Uint32Array(256)
for (let code = 0; code < 256; code++) {
  let value = code
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  CRC32[code] = value >>> 0
}

const CHECKSUM_CHARACTERS = 6

/**
 * The checksum of GitHub's and npm's tokens (GitHub, "Behind GitHub's new authentication token
 * formats", 2021): the last six characters are the CRC-32 of those before them, without the prefix,
 * in base 62 (`0-9A-Za-z`) with leading zeros.
 */
export function passesCrc32(bytes: Uint8Array, start: number, end: number): boolean {
  const checked = end - CHECKSUM_CHARACTERS
  let crc = 0xffffffff
  for (let at = start; at < checked; at++)
    crc = (CRC32[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8)
  let stated = 0
  for (let at = checked; at < end; at++) stated = stated * 62 + base62(bytes[at] ?? 0)
  return stated === ~crc >>> 0
}

const base62 = (code: number): number =>
  code <= 0x39 ? code - ZERO : code <= 0x5a ? code - 0x41 + 10 : code - 0x61 + 36
