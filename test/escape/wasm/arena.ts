import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildProgram, PROGRAMS_DIR, type BuiltProgram } from '../../../scripts/build-programs.ts'
import type { Executor, WasmTask } from '../../../src/executors/executor.ts'
import type { Confinement } from '../../../src/executors/ports.ts'
import { createWasmExecutor, type WasmExecutorOptions } from '../../../src/executors/wasm/executor.ts'
import { createConfinement } from '../../../src/native/confinement.ts'
import { isSoukError } from '../../../src/protocol/errors.ts'
import { assertBehaviour, runBehaviour, type Ran } from '../../conformance/executor-conformance.ts'
import { settled } from '../../conformance/leftovers.ts'
import { startNativeLauncher, type TestLauncher } from '../../fixtures/native-launcher.ts'
import { layBait, type Bait } from '../bait.ts'
import { additions, hostState, type HostState, type Territory } from '../host-state.ts'
import { launchersOf } from '../launchers.ts'
import type { WasmAttack } from './attack.ts'

const PROGRAMS = fileURLToPath(new URL('./programs', import.meta.url))
/** As many as the machine has cores to try them on. */
const PREWARM = 2

/** Where attacks are tried on the runtime, confined as on a provider; and what sees what is left of them. */
export interface Arena {
  /** Tries one, holds it against what has to come of it, and lets a clean task run where anything of it ran. */
  attempt(attack: WasmAttack): Promise<void>
  /** Closes the runtime, and looks at the whole host for what is left of it. */
  close(): Promise<void>
}

/** The launcher and what is laid out for attackers; the runtime itself is opened for each group of attacks. */
export interface Grounds {
  open(options?: Partial<WasmExecutorOptions>): Promise<Arena>
  remove(): Promise<void>
}

export async function layGrounds(): Promise<Grounds> {
  const dir = await mkdtemp(join(tmpdir(), 'souk-arena-'))
  const launcher = await startNativeLauncher()
  const bait = await layBait()
  const confinement = createConfinement({
    launcher: launcher.launcher,
    hello: await launcher.launcher.hello(),
    uid: 65_534,
    gid: 65_534,
  })
  const clean = await buildProgram({ file: join(PROGRAMS_DIR, 'exit-code.c'), runtime: 'wasm' })
  const shared = { dir, launcher, bait, confinement, clean }
  // What the launcher makes once, for the first task, is no leftover of the second.
  await (await openArena(shared)).close()
  return {
    open: (options) => openArena(shared, options),
    async remove() {
      await launcher.remove()
      await bait.remove()
      await rm(dir, { recursive: true })
    },
  }
}

interface Shared {
  readonly dir: string
  readonly launcher: TestLauncher
  readonly bait: Bait
  readonly confinement: Confinement
  readonly clean: BuiltProgram
}

async function openArena(
  { dir, launcher, bait, confinement, clean }: Shared,
  options: Partial<WasmExecutorOptions> = {},
): Promise<Arena> {
  const territory: Territory = {
    mark: `SOUK_ARENA=${launcher.instance}`,
    folder: dir,
    kept: [process.pid, ...(await launchersOf(launcher.instance))],
    names: [launcher.instance],
  }
  const before: HostState = await hostState(territory)
  const instanceDir = await mkdtemp(join(dir, 'instance-'))
  const executor = createWasmExecutor({ instanceDir, prewarm: PREWARM, confinement, ...options })
  const run = (module: BuiltProgram, attack: Partial<WasmAttack>): Promise<Ran> => runOn(executor, module, attack)
  const runClean = async (): Promise<void> => {
    const { execution } = await run(clean, { command: ['5'] })
    assert.deepEqual(execution.outcome, { kind: 'exited', code: 5 }, 'a clean task runs after it')
  }
  await runClean()
  return {
    async attempt(attack) {
      const module =
        typeof attack.tries === 'string'
          ? await buildProgram({ file: join(PROGRAMS, `${attack.tries}.c`), runtime: 'wasm' })
          : await written(instanceDir, attack.tries())
      try {
        await hold(attack, () => run(module, attack))
      } finally {
        if (typeof attack.tries !== 'string') await rm(module.source)
      }
      // What is refused ran nothing; that the runtime does not mind is seen by the next one, and at the end.
      if ('outcome' in attack.comesTo) await runClean()
      await bait.assertUntouched()
    },
    async close() {
      await runClean()
      await executor.close()
      await rm(instanceDir, { recursive: true })
      await settled('left on the host', async () => additions(before, await hostState(territory)), '')
      await bait.assertUntouched()
    },
  }
}

/** Runs one task of the executor. */
function runOn(executor: Executor<WasmTask>, module: BuiltProgram, attack: Partial<WasmAttack>): Promise<Ran> {
  return runBehaviour(
    {
      executor,
      task: (program, base) => ({
        ...base,
        runtime: 'wasm',
        name: program,
        module,
        ...(attack.deterministic && { deterministic: attack.deterministic }),
      }),
    },
    { ...attack, name: 'attack', program: 'attack', expected: { outcome: { kind: 'cancelled' } } },
  )
}

async function written(dir: string, bytes: Uint8Array): Promise<BuiltProgram> {
  const source = join(dir, `${randomBytes(8).toString('hex')}.wasm`)
  await writeFile(source, bytes)
  return { source, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

/** Holds what comes of an attack against what has to. */
async function hold({ comesTo, verify, name }: WasmAttack, run: () => Promise<Ran>): Promise<void> {
  if ('outcome' in comesTo) {
    const ran = await run()
    assertBehaviour(ran, { name, program: 'attack', expected: comesTo })
    verify?.(ran)
    return
  }
  await assert.rejects(run(), (error) => {
    assert.ok(isSoukError(error, 'MODULE_REFUSED'), String(error))
    assert.equal(error.details.name, comesTo.named, error.message)
    if (comesTo.says !== undefined) assert.match(error.message, comesTo.says)
    return true
  })
}
