// The Clock of workflow code: inside the sandbox Temporal replaces Date with the time of the
// current workflow task, which replays exactly. Never used outside a workflow.

/** Epoch ms of the current workflow task. */
export const now = (): number => Date.now()
