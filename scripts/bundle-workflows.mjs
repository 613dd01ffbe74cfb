// Part of `npm run build`, after tsc: writes dist/workflow-bundle.js from the compiled workflows.
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { bundleWorkflows } from '../dist/app/workflow-bundle.js'

const dist = (path) => fileURLToPath(new URL(`../dist/${path}`, import.meta.url))

const code = await bundleWorkflows({
  workflowsPath: dist('workflows/index.js'),
  failureConverterPath: dist('workflows/failure-converter.js'),
})
await writeFile(dist('workflow-bundle.js'), code)
