// Reads the parser's JSON: what is an object, a list, a text, a wrapped node. Pure; judges nothing.

/** A JSON object of the parse tree, whose fields are still unproven. */
export type Tree = Readonly<Record<string, unknown>>

/** The value as an object of the tree, or undefined. */
export const asTree = (value: unknown): Tree | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : undefined

/** The value as a list; an absent list is empty. */
export const asList = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? (value as readonly unknown[]) : []

/** The value as text, or undefined. */
export const asText = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined

/** The single tag and body of a wrapped node; undefined for a null node or anything else. */
export function unwrap(value: unknown): { tag: string; body: Tree } | undefined {
  const tree = asTree(value)
  if (tree === undefined) return undefined
  let found: string | undefined
  // Parse trees come from JSON: `in` sees exactly their own keys, and sees them fastest.
  for (const tag in tree) {
    if (found !== undefined) return undefined
    found = tag
  }
  const body = found === undefined ? undefined : asTree(tree[found])
  return found === undefined || body === undefined ? undefined : { tag: found, body }
}

/** The text of a `String` node; undefined for anything else. */
export function stringOf(value: unknown): string | undefined {
  const node = unwrap(value)
  return node?.tag === 'String' ? (asText(node.body['sval']) ?? '') : undefined
}

/** The last two parts of a name: the server itself checks the database part of three. */
export function schemaQualified(value: unknown): { schema?: string; name: string } | undefined {
  const found = qualifiedName(value)
  if (found === undefined) return undefined
  const { schema, name } = found
  return schema === undefined ? { name } : { schema, name }
}

/** A possibly qualified name given as a list of `String` nodes; undefined when it is not one. */
export function qualifiedName(
  value: unknown,
): { catalog?: string; schema?: string; name: string } | undefined {
  const parts = asList(value).map(stringOf)
  if (parts.length === 0 || parts.length > 3 || parts.includes(undefined)) return undefined
  const [name = '', schema, catalog] = parts.toReversed()
  return {
    name,
    ...(schema === undefined ? {} : { schema }),
    ...(catalog === undefined ? {} : { catalog }),
  }
}

/** `{}` stands for a null pointer in a list. */
export function isNullNode(value: unknown): boolean {
  const tree = asTree(value)
  return tree !== undefined && Object.keys(tree).length === 0
}
