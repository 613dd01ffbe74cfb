// The API's page of the reference, from the same description that callers get as OpenAPI. Pure.

import type { Description, Operation } from '../web/api/openapi.js'

type Table = (head: readonly string[], rows: readonly (readonly string[])[]) => string

/** The blocks of the page: one section for each operation. */
export const apiBlocks = ({ paths }: Description, table: Table): readonly string[] => [
  'Everything that the command line does. [openapi.json](openapi.json) says it in full, and a running gateway serves it under `/v1/openapi.json`; [the guide](../guides/api.md) has tokens, pages, keys and limits. Every refusal is a problem (RFC 9457) with `code`, `detail`, `remedy` and `id`.',
  ...Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) =>
      section(`${method.toUpperCase()} ${path}`, operation, table),
    ),
  ),
]

function section(title: string, operation: Operation, table: Table): string {
  const fields = fieldRows(operation)
  return [
    `## ${title}`,
    `${operation.summary} (\`${operation.operationId}\`).`,
    ...(fields.length === 0 ? [] : [table(['Field', 'Where', 'Needed', 'Form'], fields)]),
    ...(operation.requestBody?.required === true && !fields.some(([, where]) => where === 'body')
      ? ['It takes a body; see openapi.json.']
      : []),
    `Refusals: ${refusals(operation)}.`,
  ].join('\n\n')
}

function fieldRows({ parameters, requestBody }: Operation): readonly (readonly string[])[] {
  const body = requestBody?.content['application/json']?.schema
  const needed: readonly string[] = body?.required ?? []
  return [
    ...parameters
      .filter((one) => one.in !== 'header')
      .map((one) => [`\`${one.name}\``, one.in, one.required ? 'yes' : '', formOf(one.schema)]),
    ...Object.entries(body?.properties ?? {}).map(([name, schema]) => [
      `\`${name}\``,
      'body',
      needed.includes(name) ? 'yes' : '',
      formOf(schema),
    ]),
  ]
}

function formOf(schema: unknown): string {
  if (typeof schema !== 'object' || schema === null) return 'anything'
  const one = schema as Readonly<Record<string, unknown>>
  if (Array.isArray(one['enum'])) return one['enum'].map((word) => `\`${String(word)}\``).join(', ')
  if (Array.isArray(one['anyOf'])) return one['anyOf'].map(formOf).join(', or ')
  const type = typeof one['type'] === 'string' ? one['type'] : 'anything'
  const bounds = [
    ...(typeof one['pattern'] === 'string' ? [`\`${one['pattern']}\``] : []),
    ...(typeof one['minimum'] === 'number' ? [`from ${one['minimum']}`] : []),
    ...(typeof one['maximum'] === 'number' ? [`to ${one['maximum']}`] : []),
    ...(typeof one['maxLength'] === 'number' ? [`at most ${one['maxLength']} characters`] : []),
    ...(one['default'] === undefined ? [] : [`\`${JSON.stringify(one['default'])}\` if absent`]),
  ]
  return [type, ...bounds].join(', ')
}

function refusals({ responses }: Operation): string {
  const codes = Object.entries(responses)
    .filter(([status]) => Number(status) >= 400)
    .map(([status, { description }]) => {
      const names = [...description.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => `\`${name ?? ''}\``)
      return `${status} ${names.join(', ')}`
    })
  return codes.join('; ')
}
