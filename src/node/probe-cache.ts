import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { release } from 'node:os'
import { dirname } from 'node:path'
import type { Capability, Executor } from '../executors/executor.ts'

/** The longest a probe of one runtime may take before the runtime counts as unavailable. */
const PROBE_TIMEOUT_MS = 60_000

/**
 * What each runtime can do here. Probing really hits every limit and takes seconds, so what it found is kept
 * until the host boots anew, or the kernel, Node, souk or the runtime's settings change. Only success is
 * kept: what was unavailable is looked at again.
 */
export async function probeAll(options: {
  readonly executors: readonly Executor[]
  readonly cacheFile: string
  /** Whatever else the answers depend on: souk's version, the settings of the executors. */
  readonly key: string
  /** Probes anew, whatever is kept. */
  readonly refresh?: boolean
}): Promise<readonly Capability[]> {
  const key = await cacheKeyOf(options.key)
  const kept =
    options.refresh === true ? new Map<string, Capability>() : await readCache({ file: options.cacheFile, key })
  const capabilities = await Promise.all(
    options.executors.map(
      async (executor) => kept.get(executor.runtime) ?? executor.probe(AbortSignal.timeout(PROBE_TIMEOUT_MS)),
    ),
  )
  const proven = capabilities.filter((capability) => capability.available)
  if (proven.some((capability) => !kept.has(capability.runtime)))
    await writeCache({ file: options.cacheFile, key, capabilities: proven })
  return capabilities
}

async function cacheKeyOf(extra: string): Promise<string> {
  const facts = [
    await bootId(),
    release(),
    process.version,
    process.versions.v8,
    process.arch,
    String(process.getuid?.()),
    extra,
  ]
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex')
}

/** Changes with every boot; where there is none, nothing is kept from one process to the next. */
async function bootId(): Promise<string> {
  try {
    return await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
  } catch {
    return `process ${process.pid} ${performance.timeOrigin}`
  }
}

async function readCache({
  file,
  key,
}: {
  readonly file: string
  readonly key: string
}): Promise<Map<string, Capability>> {
  try {
    const cache = JSON.parse(await readFile(file, 'utf8')) as { key: string; capabilities: Capability[] }
    if (cache.key !== key) return new Map()
    return new Map(cache.capabilities.map((capability) => [capability.runtime, capability]))
  } catch {
    // Missing or half written: probing again is always right.
    return new Map()
  }
}

async function writeCache({
  file,
  ...cache
}: {
  readonly file: string
  readonly key: string
  readonly capabilities: readonly Capability[]
}): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${process.pid}`
  await writeFile(temporary, JSON.stringify(cache), { mode: 0o600 })
  await rename(temporary, file)
}
