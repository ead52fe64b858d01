import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { rolldown } from 'rolldown'
import { sourcesDigest } from '../src/executors/wasm/sandbox-entry.ts'

const root = join(import.meta.dirname, '..')
const sources = join(root, 'src/executors/wasm')
/** What the program of a sandbox process is made of besides: the library that a host may be. */
const LIBRARY = join(root, 'node_modules/@wasmer/wasi')

const DIGEST_FILE = 'sources.sha256'

/**
 * Makes the program of a WebAssembly sandbox process in `folder`, unless it is there, of the same sources: they and the
 * library in one file, but for what is loaded only where it is asked for. Their digest lies beside it.
 *
 * @throws Error where it would hold anything else.
 */
export async function buildWasmSandbox(folder: string): Promise<void> {
  const digest = sourcesDigest(sources)
  if ((await readFile(join(folder, DIGEST_FILE), 'utf8').catch(() => '')) === digest) return
  const fresh = `${folder}.${process.pid}`
  const build = await rolldown({
    input: { child: join(sources, 'child.ts'), lifeline: join(sources, 'lifeline.ts') },
    platform: 'node',
  })
  const { output } = await build.write({
    dir: fresh,
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name].cjs',
    // Parsing is a part of the start of every process; names stay as they are.
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
    comments: false,
  })
  await build.close()
  const modules = output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []))
  const foreign = modules.filter((id) => !id.startsWith('\0') && !id.startsWith(sources) && !id.startsWith(LIBRARY))
  if (foreign.length > 0)
    throw new Error(`the sandbox process imports ${foreign.map((id) => relative(root, id)).join(', ')}`)
  await writeFile(join(fresh, DIGEST_FILE), digest)
  await rm(folder, { recursive: true, force: true })
  await rename(fresh, folder)
}

/** Where souk finds it that runs from its sources. */
export const IN_CLONE = join(root, 'build/wasm')
