/** Runs one program on the WASI preview 1 host of the sandbox with no folder preopened; exits as the program does. */
import { readFileSync, readSync, writeSync } from 'node:fs'
import { FileSystem } from '../src/executors/wasm/host/file-system.ts'
import { Quota } from '../src/executors/wasm/host/quota.ts'
import { runPreview1 } from '../src/executors/wasm/host/run-preview1.ts'
import { inspectModule } from '../src/executors/wasm/module/inspect.ts'
import { compileModule } from '../src/executors/wasm/module/compile.ts'
import { rewriteModule } from '../src/executors/wasm/module/rewrite.ts'

const [file = '', json = ''] = process.argv.slice(2)
const { args, env, memoryBytes } = JSON.parse(json) as {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly memoryBytes: number
}
const { bytes, ...facts } = rewriteModule(inspectModule(readFileSync(file)), {
  fuel: false,
  deterministic: false,
  meters: 'own',
})
const { end } = runPreview1({
  module: compileModule(bytes, { optimise: false }),
  facts,
  memoryBytes,
  args: [file, ...args],
  env,
  openFileSystem: (budget, clock) => {
    const quota = new Quota({ memoryBytes, diskBytes: 0, inodes: 0, openFiles: 16 }, budget)
    return { fileSystem: new FileSystem(quota, clock), quota }
  },
  streams: {
    port: {
      read: (target) => readSync(0, target),
      write(kind, part) {
        for (let done = 0; done < part.length;)
          done += writeSync(kind === 'stdout' ? 1 : 2, part, done, part.length - done)
      },
    },
    outputBytes: 1024 * 1024,
  },
  onStarting: () => {},
  onMemory: () => {},
})
if (end.kind !== 'exited') process.stderr.write(`${JSON.stringify(end)}\n`)
process.exitCode = end.kind === 'exited' ? end.code : 1
