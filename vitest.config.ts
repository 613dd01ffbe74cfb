// Which tests there are and what each kind gets. No retries: a test that fails sometimes is broken.

import { defineConfig } from 'vitest/config'

/** `set-up`: the programs of `test/setup` are found or fetched before the first test. */
const kinds = [
  {
    name: 'unit',
    include: ['test/unit/**/*.test.ts'],
    testTimeoutMs: 20_000,
    needsPrograms: false,
  },
  {
    name: 'conformance',
    include: ['test/conformance/**/*.test.ts'],
    testTimeoutMs: 30_000,
    needsPrograms: true,
  },
  {
    name: 'workflows',
    include: ['test/workflows/**/*.test.ts'],
    testTimeoutMs: 60_000,
    needsPrograms: true,
  },
  {
    name: 'simulation',
    include: ['test/simulation/**/*.test.ts'],
    testTimeoutMs: 60_000,
    needsPrograms: false,
  },
  { name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeoutMs: 120_000, needsPrograms: true },
  { name: 'tidy', include: ['test/tidy.test.ts'], testTimeoutMs: 60_000, needsPrograms: false },
]

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: kinds.map(({ name, include, testTimeoutMs, needsPrograms }) => ({
      test: {
        name,
        include,
        pool: 'forks',
        retry: 0,
        testTimeout: testTimeoutMs,
        hookTimeout: 2 * testTimeoutMs,
        ...(needsPrograms && { globalSetup: ['test/setup/programs.ts'] }),
      },
    })),
  },
})
