import { ModuleRefused } from './reader.ts'

/** What a sandbox process is started with: it can be changed later, but what does that takes a tenth of the start to load. */
export const OPTIMISING_FLAG = '--no-liftoff'
let optimising = process.execArgv.includes(OPTIMISING_FLAG)

export interface CompileOptions {
  /**
   * Compile each function once, optimised, when it is first called: V8 does not replace the baseline code of a loop that is
   * running, which can cost a factor of ten. A large program calls too many functions before it gets to work.
   */
  readonly optimise: boolean
}

/**
 * Compiles a rewritten module. It is valid exactly when the module was that it is made of.
 *
 * @throws ModuleRefused
 */
export function compileModule(bytes: Uint8Array, { optimise }: CompileOptions): WebAssembly.Module {
  if (optimise !== optimising)
    process.getBuiltinModule('node:v8').setFlagsFromString(optimise ? OPTIMISING_FLAG : '--liftoff')
  optimising = optimise
  try {
    return new WebAssembly.Module(bytes)
  } catch (error) {
    throw new ModuleRefused(`the module is not valid, or cannot be compiled: ${messageOf(error)}`)
  }
}

const messageOf = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.message : String(thrown)).replace(/^WebAssembly\.Module\(\): /, '')
