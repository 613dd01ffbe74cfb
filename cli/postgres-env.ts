// The environment that makes any PostgreSQL client go through the gateway (libpq, "Environment
// Variables"). The token is in the environment only, never in an argument.

/** Where and as whom a job connects. */
export interface PostgresWindow {
  readonly host: string
  readonly port: number
  readonly resource: string
  readonly role: string
  readonly requestId: string
  readonly token: string
  /** Path of a PEM file with the gateway's authority; the system's when absent. */
  readonly authorityFile?: string | undefined
}

/** Settings of the job's own that would lead it past the gateway or make its login fail. */
const OVERRIDDEN = [
  ...['PGHOSTADDR', 'PGSERVICE', 'PGSERVICEFILE', 'PGPASSFILE', 'PGTARGETSESSIONATTRS'],
  ...['PGLOADBALANCEHOSTS', 'PGREQUIREAUTH', 'PGCHANNELBINDING', 'PGREQUIRESSL', 'PGREQUIREPEER'],
  ...['PGSSLCERT', 'PGSSLKEY', 'PGSSLNEGOTIATION', 'PGGSSDELEGATION'],
]

/** The job's environment. A PGSSLROOTCERT of its own is kept when the gateway names no authority. */
export function postgresEnv(
  env: Readonly<Record<string, string | undefined>>,
  window: PostgresWindow,
): Record<string, string | undefined> {
  const kept = Object.entries(env).filter(([name]) => !OVERRIDDEN.includes(name))
  return {
    ...Object.fromEntries(kept),
    PGHOST: window.host,
    PGPORT: String(window.port),
    PGUSER: `${window.role}/${window.requestId}`,
    PGDATABASE: window.resource,
    PGPASSWORD: window.token,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: window.authorityFile ?? env['PGSSLROOTCERT'] ?? 'system',
    PGGSSENCMODE: 'disable',
  }
}
