// How Vault is reached, from the variables that Vault's own programs read, and a few for logging in.

import { WarderError } from '../../core/errors.js'
import { vaultUrlObjection } from './vault-connection.js'
import type { VaultSettings } from './vault.js'
import type { VaultMethod } from './vault-login.js'

const SERVICE_TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token'

/** The variables, as the reference page shows them. */
export const VAULT_VARIABLES = [
  {
    name: 'VAULT_ADDR',
    meaning: 'HashiCorp Vault or OpenBao that holds credentials, and may wrap Warder’s keys.',
    form: 'an https URL without a path',
    otherwise: 'no Vault',
  },
  {
    name: 'VAULT_TOKEN',
    meaning: 'Token for Vault; renewed while it can be. Others can see it: better one of the next.',
    form: 'a token',
    otherwise: 'one of the following',
  },
  {
    name: 'VAULT_TOKEN_FILE',
    meaning: 'File that holds a token for Vault, such as an agent’s sink; read again when refused.',
    form: 'a file',
    otherwise: 'one of the following',
  },
  {
    name: 'VAULT_ROLE_ID',
    meaning: 'Role id for a login by AppRole. Needs VAULT_SECRET_ID_FILE.',
    form: 'an id',
    otherwise: 'one of the following',
  },
  {
    name: 'VAULT_SECRET_ID_FILE',
    meaning: 'File that holds the secret id of VAULT_ROLE_ID.',
    form: 'a file',
    otherwise: 'no login by AppRole',
  },
  {
    name: 'VAULT_KUBERNETES_ROLE',
    meaning: 'Role for a login with the pod’s service token (VAULT_KUBERNETES_TOKEN_FILE).',
    form: 'a name',
    otherwise: 'no login by Kubernetes',
  },
  {
    name: 'VAULT_KUBERNETES_TOKEN_FILE',
    meaning: 'File of the service token for VAULT_KUBERNETES_ROLE.',
    form: 'a file',
    otherwise: SERVICE_TOKEN_FILE,
  },
  {
    name: 'VAULT_CACERT',
    meaning: 'Authority that signed Vault’s certificate.',
    form: 'a PEM file',
    otherwise: 'the public authorities',
  },
  {
    name: 'VAULT_NAMESPACE',
    meaning: 'Namespace of Vault Enterprise or OpenBao.',
    form: 'a path',
    otherwise: 'the root namespace',
  },
] as const

type Variables = Readonly<Record<string, string | undefined>>

/**
 * Undefined when no Vault is named.
 *
 * @throws WarderError `INVALID_ARGUMENT` when it can't be reached so, or there is not one way to log in.
 */
export function vaultSettingsOf(variables: Variables): VaultSettings | undefined {
  const url = variables['VAULT_ADDR']
  if (!url) return undefined
  const objection = vaultUrlObjection(url)
  if (objection !== undefined) throw invalid(`VAULT_ADDR: ${objection}`)
  const methods = methodsOf(variables)
  const [method] = methods
  if (method === undefined || methods.length > 1) {
    throw invalid(
      'VAULT_ADDR needs exactly one of VAULT_TOKEN, VAULT_TOKEN_FILE, VAULT_ROLE_ID and VAULT_KUBERNETES_ROLE',
    )
  }
  const place = {
    url,
    namespace: variables['VAULT_NAMESPACE'] || undefined,
    authorityFile: variables['VAULT_CACERT'] || undefined,
  }
  return { place, method }
}

function methodsOf(variables: Variables): VaultMethod[] {
  const methods: VaultMethod[] = []
  const token = variables['VAULT_TOKEN']
  const tokenFile = variables['VAULT_TOKEN_FILE']
  const roleId = variables['VAULT_ROLE_ID']
  const kubernetesRole = variables['VAULT_KUBERNETES_ROLE']
  if (token) methods.push({ token })
  if (tokenFile) methods.push({ tokenFile })
  if (roleId) {
    const secretIdFile = variables['VAULT_SECRET_ID_FILE']
    if (!secretIdFile) throw invalid('VAULT_ROLE_ID needs VAULT_SECRET_ID_FILE')
    methods.push({ roleId, secretIdFile })
  }
  if (kubernetesRole) {
    const file = variables['VAULT_KUBERNETES_TOKEN_FILE'] || SERVICE_TOKEN_FILE
    methods.push({ kubernetesRole, tokenFile: file })
  }
  return methods
}

const invalid = (why: string): WarderError =>
  new WarderError('INVALID_ARGUMENT', { what: 'The environment', why })
