/**
 * The part of the WebAssembly JavaScript API that the sandbox uses (https://webassembly.github.io/spec/js-api/).
 * Neither the ES library nor @types/node declares it, and the DOM library would declare far too much.
 */
declare namespace WebAssembly {
  type ImportValue = ((...values: never[]) => unknown) | Memory | Global
  type Imports = Record<string, Record<string, ImportValue>>
  type ExportValue = ((...values: unknown[]) => unknown) | Memory | Global

  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports?: Imports)
    readonly exports: Readonly<Record<string, ExportValue>>
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number })
    readonly buffer: ArrayBuffer
  }
  class Global {
    constructor(descriptor: { value: 'i32' | 'i64'; mutable: boolean }, initial: number | bigint)
    value: number | bigint
  }
  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}

  function validate(bytes: Uint8Array): boolean
}
