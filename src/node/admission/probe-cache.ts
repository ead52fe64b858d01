import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { release } from 'node:os'
import { dirname } from 'node:path'
import type { Capability, Executor } from '../../executors/executor.ts'

/** The longest a probe of one runtime may take before the runtime counts as unavailable. */
const PROBE_TIMEOUT_MS = 60_000

/** A runtime that is probed, and on what the outcome depends besides this host, Node and the kernel. */
export interface ProbeSubject {
  readonly executor: Executor
  /**
   * Says on what the outcome depends (souk's version, the executor's settings, an engine's version, a program's digest), as one text.
   * The runtime is probed anew if the text differs, and also if this rejects.
   */
  readonly dependsOn: () => Promise<string>
}

/**
 * What each runtime can do here. Probing really hits every limit and takes seconds, so its outcome is kept until the host reboots, or
 * until the kernel, Node, or what the runtime depends on changes. Only full success is kept: a runtime that was unavailable, or some of
 * whose classes were refused, is probed again.
 */
export async function probeAll(options: {
  readonly subjects: readonly ProbeSubject[]
  readonly cacheFile: string
  /** Ignores what was kept, and probes anew. */
  readonly refresh?: boolean
}): Promise<readonly Capability[]> {
  const { subjects, cacheFile, refresh = false } = options
  const kept = await readCache(cacheFile)
  const found = new Map<string, Kept>()
  const capabilities = await Promise.all(
    subjects.map(async ({ executor, dependsOn }) => {
      const { runtime } = executor
      const key = await cacheKeyOf(dependsOn)
      const before = kept.get(runtime)
      if (!refresh && key !== undefined && before?.key === key) return before.capability
      const capability = await executor.probe(AbortSignal.timeout(PROBE_TIMEOUT_MS))
      if (capability.available && capability.refusedClasses === undefined && key !== undefined)
        found.set(runtime, { key, capability })
      return capability
    }),
  )
  // Entries of runtimes that were not asked for now stay.
  if (found.size > 0) await writeCache({ file: cacheFile, entries: new Map([...kept, ...found]) })
  return capabilities
}

async function cacheKeyOf(dependsOn: () => Promise<string>): Promise<string | undefined> {
  const extra = await dependsOn().catch(() => undefined)
  if (extra === undefined) return undefined
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

/** Differs after every boot. Where the kernel gives none, it differs for every process, so that nothing is kept across processes. */
export async function bootId(): Promise<string> {
  try {
    return await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
  } catch {
    return `process ${process.pid} ${performance.timeOrigin}`
  }
}

interface Kept {
  readonly key: string
  readonly capability: Capability
}

async function readCache(file: string): Promise<ReadonlyMap<string, Kept>> {
  try {
    const { runtimes } = JSON.parse(await readFile(file, 'utf8')) as { readonly runtimes: Record<string, Kept> }
    return new Map(Object.entries(runtimes))
  } catch {
    // Missing or half written: probing again is always right.
    return new Map()
  }
}

async function writeCache({
  file,
  entries,
}: {
  readonly file: string
  readonly entries: ReadonlyMap<string, Kept>
}): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${process.pid}`
  await writeFile(temporary, JSON.stringify({ runtimes: Object.fromEntries(entries) }), { mode: 0o600 })
  await rename(temporary, file)
}
