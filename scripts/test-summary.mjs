// Prints vitest's JSON report as one line: N passed, N failed, N skipped. A test file that could not
// be loaded has no tests in the report and counts as one failed.

import { readFileSync } from 'node:fs'

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const unloaded = report.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
).length
const { numPassedTests: passed, numFailedTests: failed } = report
const skipped = report.numPendingTests + report.numTodoTests
// A set-up that failed leaves a report without a failed test.
const failures = failed + unloaded || (report.success ? 0 : 1)
console.log(`${passed} passed, ${failures} failed, ${skipped} skipped`)
