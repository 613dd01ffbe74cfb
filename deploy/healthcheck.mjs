// Asks the process in this container whether it lives, over its own API port. Run by HEALTHCHECK.
// The certificate is for the name that callers use, so it is not verified against the loopback address.

import { request } from 'node:https'

const [, port = '8443'] = /:(\d+)$/.exec(process.env.WARDER_LISTEN_API ?? '') ?? []
const asked = request(
  { host: '127.0.0.1', port, path: '/healthz', rejectUnauthorized: false, timeout: 3_000 },
  ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1),
)
asked.once('timeout', () => process.exit(1))
asked.once('error', ({ message }) => {
  console.error(message)
  process.exit(1)
})
asked.end()
