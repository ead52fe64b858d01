import { execFile } from 'node:child_process'
import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildWasmSandbox } from './build-wasm-sandbox.ts'

const root = join(import.meta.dirname, '..')
const source = join(root, 'src')
const target = join(root, 'dist')

/** What the compiler does not write and the code needs at run time, or its types: generated modules, data, the wire's schema. */
const COPIED = /\.(?:js|d\.ts|json|yaml|proto|html|css|wasm)$/
const COMPILED = /(?<!\.d)\.ts$/

/** Makes dist/ anew from src/: what the published package runs. */
async function build(): Promise<void> {
  await rm(target, { recursive: true, force: true })
  await promisify(execFile)(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
    {
      cwd: root,
    },
  )
  const entries = await readdir(source, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  for (const file of files) {
    if (COMPILED.test(file) || !COPIED.test(file)) continue
    await cp(file, join(target, file.slice(source.length)))
  }
  await buildWasmSandbox(join(target, 'executors/wasm/sandbox'))
}

try {
  await build()
} catch (error) {
  // The compiler tells what is wrong on its standard output.
  console.error(error instanceof Error && 'stdout' in error ? error.stdout : error)
  process.exitCode = 1
}
