// Makes messages and stacks of failures part of the encrypted payload. Loaded by path, on the
// client, on the worker and inside the bundle.

import { DefaultFailureConverter } from '@temporalio/common'

/** The converter, under the name that Temporal looks for. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true })
