// Pages of a list that grows: `limit` and `before` come in, `next` goes out, the same for every list.
// A place is opaque to callers; it holds what the order of the list is made of, and no secret.

import { z } from 'zod'
import { refused, type Outcome } from '../../core/errors.js'
import { pageCount, pageCountMax, placeLengthMax } from './limits.js'

/** The fields of a query that asks for a page. Spread them into the query of the list. */
export const pageFields = {
  limit: z.coerce.number().int().min(1).max(pageCountMax).default(pageCount),
  before: z.string().max(placeLengthMax).optional(),
}

/** The place after which the next page begins, as `next` carries it. */
export const placeText = (place: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(place)).toString('base64url')

/** The place that `before` stands for; one that no page gave out is `INVALID_ARGUMENT`. */
export function placeOf<T>(schema: z.ZodType<T>, text: string): Outcome<T> {
  try {
    const place = schema.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
    if (place.success) return { ok: true, value: place.data }
  } catch {
    // Not even JSON: the same answer.
  }
  return refused('INVALID_ARGUMENT', { what: 'before', why: 'take it from `next` of a page' })
}
