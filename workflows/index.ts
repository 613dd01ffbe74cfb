// The entry of the workflow bundle: what is exported here is what a worker can run.

export { accessRequest } from './access-request.js'
export { commandReview } from './command-review.js'
