// What is protected: the thing that policy names, and the address dialled for it.

/** Protocols that Warder judges. */
export type Protocol = 'postgres' | 'ssh' | 'kubernetes' | 'http'

/** Where a secret is found; the secret itself never stands in a policy. */
export type SecretReference =
  | { readonly env: string }
  | { readonly file: string }
  | { readonly stored: string }
  /** HashiCorp Vault or OpenBao: an API path (`secret/data/orders`) and a field of what is there. */
  | { readonly vault: { readonly path: string; readonly field: string } }

/** How the gateway proves who the target is. `off` only for a target on the same host. */
export type TargetTls = 'verify-full' | 'verify-ca' | 'require' | 'off'

/** A protected thing, as the policy states it. */
export interface Resource {
  readonly name: string
  readonly protocol: Protocol
  readonly host: string
  readonly port: number
  /** PostgreSQL: the database that a connection naming only the resource gets. */
  readonly database?: string | undefined
  /** Free labels for rules to match (`env: prod`). */
  readonly labels: Readonly<Record<string, string>>
  readonly owner?: string | undefined
  readonly credential: { readonly user: string; readonly password: SecretReference }
  readonly tls: TargetTls
  /** PEM file of the authority that signed the target's certificate; the system's when absent. */
  readonly tlsAuthority?: string | undefined
}

/** The secret that the gateway presents to a target. Lives in memory for one handshake. */
export interface Credential {
  /** Tells it from the others of its reference, and nothing about it. */
  readonly id: string
  readonly user: string
  /** UTF-8; whoever was handed it overwrites it when done. */
  readonly password: Uint8Array
}
