// Prints reports as one line: N passed, N failed, N skipped. The first is vitest's, as JSON; a test file
// that could not be loaded has no tests in it and counts as one failed. The others hold those three counts
// themselves; one that was never written counts as one failed.

import { readFileSync } from 'node:fs'

const [, , vitestFile, ...countFiles] = process.argv

const report = JSON.parse(readFileSync(vitestFile, 'utf8'))
const unloaded = report.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
).length
const all = {
  passed: report.numPassedTests,
  // A set-up that failed leaves a report without a failed test.
  failed: report.numFailedTests + unloaded || (report.success ? 0 : 1),
  skipped: report.numPendingTests + report.numTodoTests,
}

for (const file of countFiles) {
  const text = readFileSync(file, 'utf8')
  const { passed, failed, skipped } =
    text === '' ? { passed: 0, failed: 1, skipped: 0 } : JSON.parse(text)
  all.passed += passed
  all.failed += failed
  all.skipped += skipped
}

console.log(`${all.passed} passed, ${all.failed} failed, ${all.skipped} skipped`)
