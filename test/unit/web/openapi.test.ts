import { Validator } from '@seriousme/openapi-schema-validator'
import { beforeAll, expect, test } from 'vitest'
import { refusalsOf } from '../../../web/api/openapi.js'
import { buildApi, describedRoutes } from '../../../web/api/server.js'
import { FakeWarder } from '../../fakes/api-ports.js'
import { call } from './call.js'

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly parameters: readonly { readonly name: string; readonly in: string }[]
  readonly responses: Readonly<Record<string, { content: Record<string, { schema: object }> }>>
}

let described: { paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> }

beforeAll(async () => {
  const api = buildApi(new FakeWarder().dependencies())
  const answer = await call(api, '', 'GET', '/v1/openapi.json')
  expect(answer.status).toBe(200)
  described = JSON.parse(answer.text) as typeof described
})

const operations = () =>
  Object.entries(described.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )

test('an OpenAPI validator accepts the description', async () => {
  const validator = new Validator()
  const result = await validator.validate(described)
  expect(result.errors ?? []).toEqual([])
  expect(result.valid).toBe(true)
  expect(validator.version).toBe('3.1')
})

test('every mounted route is described, and nothing else', () => {
  const api = buildApi(new FakeWarder().dependencies())
  const mounted: string[] = []
  for (const { method, path } of describedRoutes()) {
    expect(api.hasRoute({ method, url: path }), `${method} ${path}`).toBe(true)
    mounted.push(`${method.toLowerCase()} ${path.replace(/:(\w+)/g, '{$1}')}`)
  }
  const printed = api.printRoutes({ commonPrefix: false, includeHooks: false })
  const count = [...printed.matchAll(/\b(?:GET|POST|PUT|DELETE|PATCH)\b/g)].length
  // Besides: /healthz, /readyz and the description itself.
  expect(count).toBe(mounted.length + 3)
  expect(operations().map(({ path, method }) => `${method} ${path}`)).toEqual(mounted)
})

test('every operation has a name of its own, and a line that says what it does', () => {
  const names = operations().map(({ operation }) => operation.operationId)
  expect(new Set(names).size).toBe(names.length)
  for (const { operation } of operations()) {
    expect(operation.operationId).toMatch(/^[a-z][A-Za-z]+$/)
    expect(operation.summary).toMatch(/^[A-Z].*[^.]$/)
  }
})

test('every refusal of a route stands under its status, as a problem with code, remedy and id', () => {
  for (const route of describedRoutes()) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    const operation = described.paths[path]?.[route.method.toLowerCase()]
    const text = JSON.stringify(operation?.responses)
    for (const code of refusalsOf(route)) expect(text, `${route.path} ${code}`).toContain(code)
    for (const [status, response] of Object.entries(operation?.responses ?? {}))
      if (Number(status) >= 400)
        expect(Object.keys(response.content)).toEqual(['application/problem+json'])
  }
  const { Problem } = (
    described as unknown as {
      components: { schemas: { Problem: { required: string[] } } }
    }
  ).components.schemas
  expect(Problem.required).toEqual(expect.arrayContaining(['code', 'remedy', 'id', 'status']))
})

test('every parameter in a path is described, and every POST takes a key', () => {
  for (const { path, method, operation } of operations()) {
    const inPath = operation.parameters.filter((one) => one.in === 'path').map(({ name }) => name)
    expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))
    const takesKey = operation.parameters.some(({ name }) => name === 'Idempotency-Key')
    expect(takesKey).toBe(method === 'post')
  }
})

test('a list that grows has the same two parameters everywhere', () => {
  for (const id of ['listInbox', 'queryAudit']) {
    const found = operations().find(({ operation }) => operation.operationId === id)
    expect(found?.operation.parameters.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['limit', 'before']),
    )
  }
})
