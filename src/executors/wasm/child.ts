/**
 * The sandbox process: runs one task and is then killed by the node. It is started with an empty environment and
 * Node's permission model, loads and warms everything up, gives up its privileges, and only then reads a job.
 * Its own output goes nowhere near the task's, which is on descriptors of its own.
 */
import { closeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { readJobHeader, readModule, receiveInputs, sendReport, sendResult } from './child-channel.ts'
import { DESCRIPTOR, type JobHeader } from './channel.ts'
import { FileSystem } from './host/file-system.ts'
import { Quota } from './host/quota.ts'
import { runPreview1, type Preview1Run } from './host/run-preview1.ts'
import { SIGNATURES } from './host/signatures.ts'
import type { Wasmer } from './host/wasmer.ts'
import { prepareModule } from './module/prepare.ts'
import { ModuleRefused } from './module/reader.ts'
import { warmUpModule } from './warm-up-module.ts'

const NOBODY = 65_534
/** Up to here a module is compiled once, optimised. */
const OPTIMISE_BYTES = 1024 * 1024
const MEMORY_STEP_BYTES = 1024 * 1024
/** How long the node may take to end this process after it has said everything. */
const LINGER_MS = 30_000
const MAX_REASON_CHARACTERS = 500

/** A thread that ends this process when the node is gone, or when the task outlives its backstop. */
async function startLifeline(): Promise<Worker> {
  const lifeline = new Worker(
    new URL(`./lifeline${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
    { env: {} },
  )
  await new Promise<void>((resolve, reject) => {
    lifeline.once('message', () => resolve())
    lifeline.once('error', reject)
  })
  return lifeline
}

function dropPrivileges(): void {
  process.umask(0o077)
  if (process.getuid?.() !== 0) return
  process.setgroups?.([])
  process.setgid?.(NOBODY)
  process.setuid?.(NOBODY)
}

/** Runs a module of ours that calls everything once, so that the task finds all of it loaded and compiled. */
function warmUp(wasmer: Wasmer | undefined): void {
  const limits = { memoryBytes: 1024 * 1024, diskBytes: 0, inodes: 0, openFiles: 16 }
  const prepared = prepareModule(warmUpModule(), { memoryBytes: limits.memoryBytes, host: SIGNATURES, optimise: false })
  const run = runPreview1({
    prepared,
    memoryBytes: limits.memoryBytes,
    wasmer,
    args: ['warm-up'],
    env: { WARM: 'up' },
    workdir: '/tmp',
    openFileSystem: (budget, clock) => {
      const quota = new Quota(limits, budget)
      const fileSystem = new FileSystem(quota, clock)
      fileSystem.provideDirectory('/tmp', { readOnly: false })
      return { fileSystem, quota }
    },
    streams: { descriptors: DESCRIPTOR, outputBytes: 0 },
    onStarting: () => {},
    onMemory: () => {},
  })
  if (run.end.kind !== 'exited' || run.end.code !== 0)
    throw new Error(`the warm-up module ended with ${JSON.stringify(run.end)}`)
}

function runJob(
  job: JobHeader,
  { wasmer, lifeline }: { readonly wasmer: Wasmer | undefined; readonly lifeline: Worker },
): { readonly run: Preview1Run; readonly cpuTimeMs: number } {
  const module = readModule(job.moduleBytes)
  sendReport({ event: 'received' })
  const prepared = prepareModule(module, {
    memoryBytes: job.limits.memoryBytes,
    host: SIGNATURES,
    optimise: module.length <= OPTIMISE_BYTES,
  })
  sendReport({ event: 'compiled' })
  const inputBytes = job.inputs.reduce((sum, input) => sum + input.bytes, 0)
  if (prepared.initialBytes + inputBytes > job.limits.memoryBytes) {
    throw new ModuleRefused(
      `the module starts with ${prepared.initialBytes} bytes and its inputs have ${inputBytes}; the task may use ${job.limits.memoryBytes}`,
      'memory',
    )
  }
  let published = 0
  let cpuAtStart = process.threadCpuUsage()
  const run = runPreview1({
    prepared,
    memoryBytes: job.limits.memoryBytes,
    wasmer,
    args: job.args,
    env: job.env,
    workdir: job.workdir,
    openFileSystem: (budget, clock) => {
      budget.leftBytes -= inputBytes
      const quota = new Quota(job.limits, budget)
      const fileSystem = new FileSystem(quota, clock)
      for (const path of [...job.outputs, '/tmp', job.workdir]) fileSystem.provideDirectory(path, { readOnly: false })
      receiveInputs(job.inputs.map(({ target, bytes }) => ({ bytes, data: fileSystem.provideFile(target) })))
      return { fileSystem, quota }
    },
    streams: { descriptors: DESCRIPTOR, outputBytes: job.limits.outputBytes },
    onStarting: () => {
      lifeline.postMessage(job.backstopMs)
      sendReport({ event: 'started' })
      cpuAtStart = process.threadCpuUsage()
    },
    onMemory: (peakBytes) => {
      if (peakBytes < published + MEMORY_STEP_BYTES) return
      published = peakBytes
      sendReport({ event: 'memory', peakBytes })
    },
  })
  const cpu = process.threadCpuUsage(cpuAtStart)
  return { run, cpuTimeMs: Math.round((cpu.user + cpu.system) / 1000) }
}

function deliver(job: JobHeader, { run, cpuTimeMs }: ReturnType<typeof runJob>): void {
  const { end, fileSystem, quota } = run
  // The node waits for the end of both streams, and need not wait for the end of this process.
  for (const stream of [DESCRIPTOR.stdout, DESCRIPTOR.stderr]) closeSync(stream)
  sendReport({ event: 'ended', end, cpuTimeMs, memoryPeakBytes: quota.memoryPeakBytes, limitsHit: [...quota.hit] })
  for (const output of job.outputs) {
    const folder = fileSystem.provideDirectory(output, { readOnly: false })
    for (const { path, node } of fileSystem.files(folder, output)) sendResult(path, node)
  }
  sendReport({ event: 'complete' })
}

function failed(error: unknown): void {
  const reason = (error instanceof Error ? error.message : String(error)).slice(0, MAX_REASON_CHARACTERS)
  if (error instanceof ModuleRefused)
    sendReport({ event: 'refused', reason, subject: error.subject?.slice(0, MAX_REASON_CHARACTERS) })
  else if (
    error instanceof WebAssembly.RuntimeError ||
    error instanceof WebAssembly.LinkError ||
    error instanceof RangeError
  ) {
    sendReport({ event: 'refused', reason: `the module cannot be instantiated: ${reason}` })
  } else sendReport({ event: 'fault', reason })
}

try {
  const lifeline = await startLifeline()
  const wasmer = process.argv[2] === 'wasmer' ? await (await import('./host/wasmer.ts')).loadWasmer() : undefined
  warmUp(wasmer)
  dropPrivileges()
  sendReport({ event: 'ready' })
  const job = readJobHeader()
  deliver(job, runJob(job, { wasmer, lifeline }))
} catch (error) {
  failed(error)
}
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LINGER_MS)
process.kill(process.pid, 'SIGKILL')
