// Runs the recorder, which is no test and is therefore not among them.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: new URL('../../..', import.meta.url).pathname,
    include: ['test/workflows/histories/record.ts'],
    globalSetup: ['test/setup/programs.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
