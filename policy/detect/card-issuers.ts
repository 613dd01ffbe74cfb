// Which first digits card numbers have, and how long they are then (ISO/IEC 7812-1; the ranges that
// the networks publish). Data only.

/** First four digits from, to, and the lengths in digits. UATP (1…) is left out: timestamps look like it. */
const ISSUERS: readonly (readonly [from: number, to: number, ...lengths: number[]])[] = [
  [4000, 4999, 13, 16, 18, 19], // Visa
  [5100, 5599, 16], // Mastercard
  [2221, 2720, 16], // Mastercard
  [3400, 3499, 15], // American Express
  [3700, 3799, 15], // American Express
  [3000, 3059, 14, 16, 19], // Diners Club
  [3095, 3095, 14, 16, 19], // Diners Club
  [3600, 3699, 14, 16, 19], // Diners Club
  [3800, 3999, 14, 16, 19], // Diners Club
  [6011, 6011, 16, 17, 18, 19], // Discover
  [6440, 6599, 16, 17, 18, 19], // Discover, RuPay, Elo
  [6200, 6299, 16, 17, 18, 19], // UnionPay
  [8100, 8299, 16, 17, 18, 19], // UnionPay, RuPay
  [3528, 3589, 16, 17, 18, 19], // JCB
  [2200, 2204, 16, 17, 18, 19], // Mir
  [2205, 2205, 16], // BORICA
  [6000, 6099, 16], // RuPay, Hipercard
  [5080, 5099, 16, 18, 19], // RuPay, Verve, Elo
  [5018, 5020, 13, 14, 15, 16, 17, 18, 19], // Maestro, Dankort
  [5038, 5038, 13, 14, 15, 16, 17, 18, 19], // Maestro
  [5041, 5041, 16], // Elo
  [5060, 5067, 16, 18, 19], // Verve, Elo
  [5893, 5893, 13, 14, 15, 16, 17, 18, 19], // Maestro
  [6304, 6304, 13, 14, 15, 16, 17, 18, 19], // Maestro
  [6360, 6369, 16, 17, 18, 19], // InterPayment, Elo
  [6759, 6767, 13, 14, 15, 16, 17, 18, 19], // Maestro
  [9792, 9792, 16], // Troy
]

const SHORTEST = 13

/** For each first four digits the lengths that there are, as bits: 13 digits is the lowest. */
export const CARD_LENGTHS = new Uint8Array(10_000)
for (const [from, to, ...lengths] of ISSUERS) {
  const bits = lengths.reduce((sum, length) => sum | (1 << (length - SHORTEST)), 0)
  for (let issuer = from; issuer <= to; issuer++)
    CARD_LENGTHS[issuer] = (CARD_LENGTHS[issuer] ?? 0) | bits
}
