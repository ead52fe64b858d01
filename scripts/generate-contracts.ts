/**
 * Compiles the contracts into src/settlement/contracts/: the ABI and the code of each.
 *
 *     node scripts/generate-contracts.ts            write them
 *     node scripts/generate-contracts.ts --check    exit 1 where they are not what the .sol files say
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { keccak256 } from '../src/identity/keccak.ts'
import { compileContracts, type DeployedCode } from './compile-contracts.ts'

const folder = join(import.meta.dirname, '..', 'src/settlement/contracts')

/** The contract, the file that is generated, and how its constants are called. */
const CONTRACTS = [
  { name: 'SoukChannels', file: 'souk-channels.ts', constant: 'SOUK_CHANNELS' },
  { name: 'SoukStake', file: 'souk-stake.ts', constant: 'SOUK_STAKE' },
] as const

const check = process.argv.includes('--check')
const compiled = await compileContracts(CONTRACTS.map(({ name }) => `contracts/${name}.sol`))
await mkdir(folder, { recursive: true })
for (const { name, file, constant } of CONTRACTS) {
  const contract = compiled.get(name)
  if (contract === undefined) throw new Error(`contracts/${name}.sol defines no ${name}`)
  const wanted = [
    `// Generated from contracts/${name}.sol by scripts/generate-contracts.ts: do not edit.`,
    `export const ${constant}_ABI = ${JSON.stringify(contract.abi, undefined, 2)} as const`,
    `export const ${constant}_BYTECODE = '${contract.bytecode}'`,
    `export const ${constant}_DEPLOYED = ${deployedText(contract.deployed)} as const`,
    '',
  ].join('\n')
  const path = join(folder, file)
  if (!check) {
    await writeFile(path, wanted)
  } else if ((await readFile(path, 'utf8').catch(() => '')) !== wanted) {
    process.stderr.write(
      `src/settlement/contracts/${file} is not what contracts/${name}.sol says; run: node scripts/generate-contracts.ts\n`,
    )
    process.exitCode = 1
  }
}

/** Enough to tell whether code on a chain is this one. */
function deployedText({ code, immutables }: DeployedCode): string {
  const bytes = Buffer.from(code.slice(2), 'hex')
  return JSON.stringify({ bytes: bytes.length, codeHash: Buffer.from(keccak256(bytes)).toString('hex'), immutables })
}
