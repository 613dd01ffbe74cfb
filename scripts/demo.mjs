// `npm run demo` on a machine with only Node and npm: installs what package-lock.json names if it is
// not there, builds, and plays. Plain JavaScript, because before that there is no compiler.

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const installed = 'node_modules/.package-lock.json'
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync('package-lock.json').mtimeMs) {
  console.log('   Installing what package-lock.json names …')
  run('npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error')
}
console.log('   Building …')
run(process.execPath, 'scripts/build.mjs')

const demo = spawn(process.execPath, ['dist/scripts/demo/main.js', ...process.argv.slice(2)], {
  stdio: 'inherit',
})
// At a terminal Ctrl-C reaches the demo by itself; a signal sent to this process is passed on.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => demo.kill('SIGTERM'))
demo.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 130)
})

function run(command, ...args) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
