// Reads answers of a server that may be newer than the reader. It never invents what is missing.

import { z } from 'zod'

/**
 * The same schema for a reader: fields that it does not know stay in the answer, words that it does
 * not know pass where one of several is expected. A missing field or another type still fails. The
 * type says what this version knows; code that reads a word has to have an answer for any other.
 */
export const tolerant = <T>(schema: z.ZodType<T>): z.ZodType<T> =>
  // The form is kept, and only what is let through grows; the compiler can't follow a walk.
  opened(schema) as z.ZodType<T>

function opened(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodObject) return openedObject(schema)
  if (schema instanceof z.ZodArray) return z.array(opened(schema.element))
  if (schema instanceof z.ZodOptional) return z.optional(opened(schema.unwrap()))
  if (schema instanceof z.ZodNullable) return z.nullable(opened(schema.unwrap()))
  if (schema instanceof z.ZodReadonly) return opened(schema.unwrap())
  if (schema instanceof z.ZodRecord) return z.record(z.string(), opened(schema.valueType))
  if (schema instanceof z.ZodEnum) return z.string()
  if (schema instanceof z.ZodUnion) return z.union(schema.options.map(opened))
  return schema
}

const openedObject = ({ shape }: z.ZodObject): z.ZodObject =>
  z.looseObject(
    Object.fromEntries(
      Object.entries(shape as z.core.$ZodShape).map(([name, field]) => [name, opened(field)]),
    ),
  )
