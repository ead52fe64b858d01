/**
 * Generates src/protocol/messages.js and messages.d.ts from messages.proto.
 *
 *     node scripts/generate-messages.ts            write them
 *     node scripts/generate-messages.ts --check    exit 1 where they are not what the .proto says
 *
 * protons writes TypeScript namespaces, which cannot be run by stripping types; so what it wrote is compiled
 * once, here, and the result is committed.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { generate } from 'protons'

const root = join(import.meta.dirname, '..')
const protocol = join(root, 'src/protocol')

const HEADER = '// Generated from messages.proto by scripts/generate-messages.ts: do not edit.\n'

/** The generated files' names and contents, made in a folder that is removed again. */
async function generateMessages(): Promise<ReadonlyMap<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'souk-messages-'))
  try {
    await generate(join(protocol, 'messages.proto'), { output: folder, strict: true })
    const source = join(folder, 'messages.ts')
    await writeFile(source, withoutHelperPackage(await readFile(source, 'utf8')))
    await writeFile(join(folder, 'package.json'), '{"type":"module"}')
    await mkdir(join(folder, 'node_modules'))
    for (const name of ['protons-runtime', 'uint8arraylist'])
      await symlink(packageOfProtons(name), join(folder, 'node_modules', name))
    const options = [
      '--ignoreConfig',
      '--target',
      'es2024',
      '--module',
      'nodenext',
      '--declaration',
      '--skipLibCheck',
      '--types',
      '',
    ]
    await promisify(execFile)(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...options, source], {
      cwd: folder,
    })
    const read = async (name: string): Promise<[string, string]> => [
      name,
      HEADER + (await readFile(join(folder, name), 'utf8')),
    ]
    return new Map([await read('messages.js'), await read('messages.d.ts')])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Where the package is that protons itself resolves the name to: its output fits that version's types. */
function packageOfProtons(name: string): string {
  const folders = createRequire(import.meta.resolve('protons')).resolve.paths(name) ?? []
  const found = folders.map((folder) => join(folder, name)).find((folder) => existsSync(folder))
  if (found === undefined) throw new Error(`${name} is not installed`)
  return found
}

/** protons imports another package only to allocate empty arrays. */
function withoutHelperPackage(source: string): string {
  return source
    .replace(/^import \{ alloc as uint8ArrayAlloc \} from .*\n/m, '')
    .replaceAll('uint8ArrayAlloc(0)', 'new Uint8Array(0)')
}

const check = process.argv.includes('--check')
for (const [name, wanted] of await generateMessages()) {
  const path = join(protocol, name)
  if (!check) {
    await writeFile(path, wanted)
  } else if ((await readFile(path, 'utf8').catch(() => '')) !== wanted) {
    process.stderr.write(
      `src/protocol/${name} is not what messages.proto says; run: node scripts/generate-messages.ts\n`,
    )
    process.exitCode = 1
  }
}
