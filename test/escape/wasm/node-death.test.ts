import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createWasmExecutor } from '../../../src/executors/wasm/executor.ts'
import { settled } from '../../conformance/leftovers.ts'

const NODE = fileURLToPath(new URL('../../fixtures/wasm-node.ts', import.meta.url))

async function recorded(instanceDir: string): Promise<number[]> {
  return (await readdir(join(instanceDir, 'wasm-processes'))).map(Number)
}

/** Those that a node keeps, once it starts and ends none any more: one too many is ended soon. */
async function kept(instanceDir: string): Promise<number[]> {
  for (let before = ''; ; await sleep(500)) {
    const pids = await recorded(instanceDir)
    if (pids.length > 0 && pids.join() === before && (await alive(pids)) === before) return pids
    before = pids.join()
  }
}

/** Running or stopped, but not a zombie that nobody has waited for. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat !== '' && !/\) [ZX] /.test(stat)
}

const alive = async (pids: readonly number[]): Promise<string> => {
  const states = await Promise.all(pids.map(isAlive))
  return pids.filter((_, index) => states[index]).join()
}

describe('escape: WebAssembly tasks whose node is killed', function () {
  this.timeout(60_000)
  let instanceDir: string
  let node: ChildProcess

  beforeEach(async () => {
    instanceDir = await mkdtemp(join(tmpdir(), 'souk-node-death-'))
    node = spawn(process.execPath, [NODE, instanceDir], { stdio: ['ignore', 'pipe', 'inherit'] })
    assert.ok(node.stdout)
    await once(node.stdout, 'data')
  })
  afterEach(async () => {
    node.kill('SIGKILL')
    for (const pid of await recorded(instanceDir)) if (await isAlive(pid)) process.kill(pid, 'SIGKILL')
    await rm(instanceDir, { recursive: true })
  })

  it('end with it, the running ones and those kept ready', async () => {
    const pids = await kept(instanceDir)
    node.kill('SIGKILL')
    await once(node, 'exit')
    await settled('processes', () => alive(pids), '')
  })

  it('are reaped by its successor where they could not end by themselves, and nothing else is', async () => {
    const pids = await kept(instanceDir)
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    node.kill('SIGKILL')
    await once(node, 'exit')
    assert.equal(await alive(pids), pids.join())
    // Of the same number, but started at another time: not one of ours.
    await writeFile(
      join(instanceDir, 'wasm-processes', String(process.pid)),
      JSON.stringify({ pid: process.pid, startTicks: '1', bootId: 'x' }),
    )
    const successor = createWasmExecutor({ instanceDir, prewarm: 0 })
    try {
      assert.equal(await successor.reap({ signal: AbortSignal.timeout(10_000), keep: [] }), pids.length)
      await settled('processes', () => alive(pids), '')
      assert.deepEqual(await recorded(instanceDir), [])
      assert.equal(await successor.reap({ signal: AbortSignal.timeout(10_000), keep: [] }), 0)
    } finally {
      await successor.close()
    }
  })
})
