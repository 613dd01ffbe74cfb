// Bundles the workflows once, at build time, so that starting a worker needs no compiler. The
// failure converter goes in with them, or failures made in the sandbox would not be encrypted.

import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker'

/** Where the bundle is made from. */
export interface BundleSources {
  /** The module that exports the workflows. */
  readonly workflowsPath: string
  readonly failureConverterPath: string
}

/** Returns the code of the bundle; says nothing unless something is wrong. */
export async function bundleWorkflows(sources: BundleSources): Promise<string> {
  const { code } = await bundleWorkflowCode({ ...sources, logger: new DefaultLogger('WARN') })
  return code
}
