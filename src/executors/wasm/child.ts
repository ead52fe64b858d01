/**
 * The sandbox process: runs a task, or several of one requester in turn, and is then killed by the node. It is started with
 * an empty environment and Node's permission model, loads and warms everything up, gives up its privileges, and only then
 * reads a job. It holds no descriptors but the channel's.
 */
import {
  ChannelStreams,
  readBytes,
  readJobHeader,
  receiveInputs,
  sendData,
  sendReport,
  sendResult,
} from './child-channel.ts'
import { dropPrivileges, startLifeline } from './child-life.ts'
import { MAX_COMPILED, type JobHeader, type RewrittenFacts } from './channel.ts'
import type { PreparedComponent } from './component/run-component.ts'
import { FileSystem } from './host/file-system.ts'
import { Quota } from './host/quota.ts'
import { runPreview1, type Preview1Options, type Preview1Run } from './host/run-preview1.ts'
import { SIGNATURES } from './host/signatures.ts'
import type { Wasmer } from './host/wasmer.ts'
import { compileModule } from './module/compile.ts'
import { ModuleRefused } from './module/reader.ts'
import { WARM_UP_FACTS, warmUpModule } from './warm-up-module.ts'

/** Up to here functions are compiled once, optimised, as they are first called. */
const OPTIMISE_BYTES = 1024 * 1024
const MEMORY_STEP_BYTES = 1024 * 1024
/** How long the node may take to end this process after it has said everything. */
const LINGER_MS = 30_000
const MAX_REASON_CHARACTERS = 500

interface CompiledModule {
  readonly module: WebAssembly.Module
  readonly facts: RewrittenFacts
}

/** No components: the JavaScript of each is made anew for each task. */
const compiled = new Map<string, CompiledModule>()

/** Runs a module of ours that calls everything once, so that the task finds all of it loaded and compiled. */
function warmUp(wasmer: Wasmer | undefined): void {
  const limits = { memoryBytes: 1024 * 1024, diskBytes: 0, inodes: 0, openFiles: 16 }
  const { end } = runPreview1({
    module: compileModule(warmUpModule(), { optimise: true }),
    facts: WARM_UP_FACTS,
    wasmer,
    args: ['warm-up'],
    env: { WARM: 'up' },
    workdir: '/tmp',
    memoryBytes: limits.memoryBytes,
    openFileSystem: (budget, clock) => {
      const quota = new Quota(limits, budget)
      const fileSystem = new FileSystem(quota, clock)
      fileSystem.provideDirectory('/tmp', { readOnly: false })
      return { fileSystem, quota }
    },
    streams: { port: { read: () => 0, write: () => {} }, outputBytes: 0 },
    onStarting: () => {},
    onMemory: () => {},
  })
  if (end.kind !== 'exited' || end.code !== 0) throw new Error(`the warm-up module ended with ${JSON.stringify(end)}`)
}

/** The program of a job, compiled: kept from an earlier one, made of what came of it before, or of the requester's own bytes. */
async function programOf({ program, metered, deterministic }: JobHeader): Promise<CompiledModule | PreparedComponent> {
  const { key, form } = program
  const known = compiled.get(key)
  if (program.bytes === 0 && known !== undefined) {
    sendReport({ event: 'received' })
    return known
  }
  const received = readBytes(program.bytes)
  sendReport({ event: 'received' })
  if (form.kind === 'bundle') {
    const { decodeBundle } = await import('./component/bundle.ts')
    const { prepareComponent } = await components()
    return prepareComponent(decodeBundle(received), { optimise: received.length <= OPTIMISE_BYTES })
  }
  const { bytes, facts } =
    form.kind === 'rewritten'
      ? { bytes: received, facts: form.facts }
      : await rewrite(received, { metered, deterministic: deterministic !== undefined })
  const result = { facts, module: compileModule(bytes, { optimise: bytes.length <= OPTIMISE_BYTES }) }
  compiled.set(key, result)
  const [oldest] = compiled.keys()
  if (compiled.size > MAX_COMPILED && oldest !== undefined) compiled.delete(oldest)
  return result
}

/** Loaded for the first component: most tasks are modules. */
const components = (): Promise<typeof import('./component/run-component.ts')> => import('./component/run-component.ts')

/** Says what came of a module before anything of it is given to the engine. */
async function rewrite(
  module: Uint8Array,
  { metered, deterministic }: { readonly metered: boolean; readonly deterministic: boolean },
): Promise<{ readonly facts: RewrittenFacts; readonly bytes: Uint8Array }> {
  // Loaded for a module that nobody has sent before.
  const { rewriteCommand } = await import('./module/rewrite-command.ts')
  const { bytes, ...facts } = rewriteCommand(module, { host: SIGNATURES, fuel: metered, deterministic })
  sendReport({ event: 'rewritten', facts, bytes: bytes.length })
  sendData(bytes)
  return { facts, bytes }
}

async function runJob(
  job: JobHeader,
  {
    wasmer,
    streams,
    onStarting,
  }: { readonly wasmer: Wasmer | undefined; readonly streams: ChannelStreams; readonly onStarting: () => void },
): Promise<{ readonly run: Preview1Run; readonly cpuTimeMs: number }> {
  const program = await programOf(job)
  sendReport({ event: 'compiled' })
  const inputBytes = job.inputs.reduce((sum, input) => sum + input.bytes, 0)
  const { initialBytes } = 'facts' in program ? program.facts : program
  if (initialBytes + inputBytes > job.limits.memoryBytes) {
    throw new ModuleRefused(
      `the module starts with ${initialBytes} bytes and its inputs have ${inputBytes}; the task may use ${job.limits.memoryBytes}`,
      'memory',
    )
  }
  let published = 0
  let cpuAtStart = process.threadCpuUsage()
  const options: Omit<Preview1Options, keyof CompiledModule | 'wasmer'> & { readonly workdir: string } = {
    args: job.args,
    env: job.env,
    workdir: job.workdir,
    memoryBytes: job.limits.memoryBytes,
    ...(job.limits.fuel !== undefined && { fuel: job.limits.fuel }),
    ...(job.deterministic !== undefined && { deterministic: job.deterministic }),
    openFileSystem: (budget, clock) => {
      budget.leftBytes -= inputBytes
      const quota = new Quota(job.limits, budget)
      const fileSystem = new FileSystem(quota, clock)
      for (const path of [...job.outputs, '/tmp', job.workdir]) fileSystem.provideDirectory(path, { readOnly: false })
      receiveInputs(job.inputs.map(({ target, bytes }) => ({ bytes, data: fileSystem.provideFile(target) })))
      return { fileSystem, quota }
    },
    streams: { port: streams, outputBytes: job.limits.outputBytes },
    onStarting: () => {
      onStarting()
      sendReport({ event: 'started' })
      cpuAtStart = process.threadCpuUsage()
    },
    onMemory: (peakBytes) => {
      if (peakBytes < published + MEMORY_STEP_BYTES) return
      published = peakBytes
      sendReport({ event: 'memory', peakBytes })
    },
  }
  const run =
    'facts' in program
      ? runPreview1({ ...options, ...program, wasmer })
      : (await components()).runComponent({ ...options, prepared: program })
  const cpu = process.threadCpuUsage(cpuAtStart)
  return { run, cpuTimeMs: Math.round((cpu.user + cpu.system) / 1000) }
}

function deliver(job: JobHeader, { run, cpuTimeMs }: Awaited<ReturnType<typeof runJob>>): void {
  const { end, fileSystem, quota, fuelUsed } = run
  sendReport({
    event: 'ended',
    end,
    cpuTimeMs,
    memoryPeakBytes: quota.memoryPeakBytes,
    limitsHit: [...quota.hit],
    fuelUsed,
  })
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

async function main(): Promise<void> {
  const [, script = '', host] = process.argv
  const lifeline = await startLifeline(script.replace(/child(\.\w+)$/, 'lifeline$1'))
  const wasmer = host === 'wasmer' ? await (await import('./host/wasmer.ts')).loadWasmer() : undefined
  warmUp(wasmer)
  dropPrivileges()
  sendReport({ event: 'ready' })
  for (;;) {
    const job = readJobHeader()
    const streams = new ChannelStreams()
    deliver(job, await runJob(job, { wasmer, streams, onStarting: () => lifeline?.postMessage(job.backstopMs) }))
    if (!job.reusable) return
    // It was of this job's time; the next one may have begun to wait or to compile when it is over.
    lifeline?.postMessage(null)
    streams.skipInput()
  }
}

main()
  .catch(failed)
  .finally(() => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LINGER_MS)
    process.kill(process.pid, 'SIGKILL')
  })
