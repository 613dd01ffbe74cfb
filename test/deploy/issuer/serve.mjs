// An issuer as gateways see one: its discovery document and its public keys, over TLS. The tokens are
// signed by the test, which alone has the private key.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

const read = (name) => readFileSync(new URL(name, import.meta.url))
const documents = new Map([
  ['/.well-known/openid-configuration', read('openid-configuration.json')],
  ['/jwks', read('jwks.json')],
])

const server = createServer({ cert: read('certificate.pem'), key: read('key.pem') })
server.on('request', ({ url }, response) => {
  const document = documents.get(url)
  response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' })
  response.end(document)
})
server.listen(8443)
