import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { InterfaceAbi } from 'ethers/abi'

const root = join(import.meta.dirname, '..')

export interface CompiledContract {
  readonly abi: InterfaceAbi & readonly unknown[]
  /** What is deployed, before the constructor's arguments: `0x` and hex. */
  readonly bytecode: string
  readonly deployed: DeployedCode
}

/** What is on the chain once it is deployed. */
export interface DeployedCode {
  /** `0x` and hex; all immutables are 0. */
  readonly code: string
  /** Where in the code the immutables of each name are: bytes, of 32 each. */
  readonly immutables: Readonly<Record<string, readonly number[]>>
}

interface AstNode {
  readonly id?: number
  readonly name?: string
  readonly nodes?: readonly AstNode[]
}

interface CompiledFile {
  readonly abi: CompiledContract['abi']
  readonly evm: {
    readonly bytecode: { readonly object: string }
    readonly deployedBytecode: {
      readonly object: string
      /** By the id of the variable in the syntax tree. */
      readonly immutableReferences: Readonly<Record<string, readonly { readonly start: number }[]>>
    }
  }
}

interface Solc {
  compile(
    input: string,
    callbacks: { readonly import: (path: string) => { contents: string } | { error: string } },
  ): string
}

interface SolcOutput {
  readonly errors?: readonly { readonly errorCode: string; readonly formattedMessage: string }[]
  readonly sources?: Readonly<Record<string, { readonly ast: AstNode }>>
  readonly contracts?: Readonly<Record<string, Readonly<Record<string, CompiledFile>>>>
}

/** How sources import what is installed. */
const OPENZEPPELIN = '@openzeppelin/contracts/'

export interface CompileOptions {
  /**
   * `ir` for the code that is deployed; `legacy` takes a third of the time, for contracts whose cost nobody measures.
   * Default `ir`.
   */
  readonly pipeline?: 'ir' | 'legacy'
}

const SETTINGS = {
  // The first with transient storage, which the guard against reentrance is in.
  evmVersion: 'cancun',
  optimizer: { enabled: true, runs: 1_000_000 },
  // No hash of the sources at the end of the code: a comment would change it.
  metadata: { appendCBOR: false, bytecodeHash: 'none' },
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode'], '': ['ast'] } },
}

/** The warning of transient storage, which says itself that guards against reentrance are safe. */
const TRANSIENT_STORAGE = '2394'

/**
 * Compiles Solidity files offline, with the packages that are installed: the same files give the same code.
 *
 * @param paths from the root of the repository; what they import is `@openzeppelin/…` or beside them.
 * @returns every contract that these files define, by its name.
 * @throws Error with all that the compiler says, warnings too.
 */
export async function compileContracts(
  paths: readonly string[],
  { pipeline = 'ir' }: CompileOptions = {},
): Promise<ReadonlyMap<string, CompiledContract>> {
  const require = createRequire(import.meta.url)
  // Eight megabytes of compiler: loaded where something is compiled.
  const solc = require('solc') as Solc
  const openzeppelin = dirname(require.resolve('@openzeppelin/contracts/package.json'))
  const sources = Object.fromEntries(
    await Promise.all(
      paths.map(async (path) => [path, { content: await readFile(join(root, path), 'utf8') }] as const),
    ),
  )
  const settings = { ...SETTINGS, viaIR: pipeline === 'ir' }
  const input = JSON.stringify({ language: 'Solidity', sources, settings })
  const output = JSON.parse(
    solc.compile(input, {
      import: (path) => {
        try {
          const file = path.startsWith(OPENZEPPELIN)
            ? join(openzeppelin, path.slice(OPENZEPPELIN.length))
            : join(root, path)
          return { contents: readFileSync(file, 'utf8') }
        } catch (error) {
          return { error: String(error) }
        }
      },
    }),
  ) as SolcOutput
  const errors = (output.errors ?? []).filter(({ errorCode }) => errorCode !== TRANSIENT_STORAGE)
  if (errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join('\n'))
  return new Map(
    paths.flatMap((path) =>
      Object.entries(output.contracts?.[path] ?? {}).map(([name, { abi, evm }]) => [
        name,
        { abi, bytecode: `0x${evm.bytecode.object}`, deployed: deployedOf({ evm, output }) },
      ]),
    ),
  )
}

function deployedOf({ evm, output }: { readonly evm: CompiledFile['evm']; readonly output: SolcOutput }): DeployedCode {
  const variables = Object.values(output.sources ?? {})
    .flatMap(({ ast }) => ast.nodes ?? [])
    .flatMap(({ nodes }) => nodes ?? [])
  const { object, immutableReferences } = evm.deployedBytecode
  const immutables = Object.entries(immutableReferences).map(([id, places]) => {
    const name = variables.find((node) => node.id === Number(id))?.name
    if (name === undefined) throw new Error(`no variable of the contract has the id ${id}`)
    return [name, places.map(({ start }) => start)] as const
  })
  return { code: `0x${object}`, immutables: Object.fromEntries(immutables) }
}
