// How these tests call the API: without a socket, as somebody.

import type { FastifyInstance } from 'fastify'

/** What came back. */
export interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
  readonly headers: Record<string, unknown>
  readonly text: string
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** Calls the API with the made-up token `as`. */
export async function call(
  api: FastifyInstance,
  as: string,
  method: Method,
  url: string,
  payload?: Record<string, unknown>,
): Promise<Answer> {
  const response = await api.inject({
    method,
    url,
    headers: as === '' ? {} : { authorization: `Bearer ${as}` },
    ...(payload === undefined ? {} : { payload }),
  })
  const isJson = String(response.headers['content-type']).includes('json;')
  const isProblem = String(response.headers['content-type']).includes('problem+json')
  return {
    status: response.statusCode,
    body: isJson || isProblem ? response.json<Record<string, unknown>>() : {},
    headers: response.headers,
    text: response.body,
  }
}
