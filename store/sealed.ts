// Values as sealed JSON, tied to the row and to the clear columns next to them. No SQL here.

import type { Sealer } from '../core/record.js'

/** The place of a value: its table and the clear columns that may not change under it. */
export type Place = readonly [table: string, ...columns: (string | number)[]]

/** Seals a value that JSON can carry for its place. */
export const sealJson = (sealer: Sealer, value: unknown, place: Place): Uint8Array =>
  sealer.seal(Buffer.from(JSON.stringify(value), 'utf8'), JSON.stringify(place))

/**
 * Opens what `sealJson` sealed for the same place.
 *
 * @throws WarderError `INTERNAL` when the value or a column named by the place was changed.
 */
export const openJson = (sealer: Sealer, sealed: Uint8Array, place: Place): unknown =>
  JSON.parse(Buffer.from(sealer.open(sealed, JSON.stringify(place))).toString('utf8'))
