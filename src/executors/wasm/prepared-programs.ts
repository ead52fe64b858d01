import type { BoundedJob, WasmTask } from '../executor.ts'
import { MAX_COMPILED, type JobProgram, type Report, type RewrittenFacts } from './channel.ts'
import type { FedFile } from './feed.ts'
import { COMPONENT_VERSION } from './component/format.ts'
import { isMetered } from './job-header.ts'
import { REWRITE_VERSION } from './module/rewrite.ts'
import { ChannelBroken, contentOf, type Frame } from './reports.ts'

/** The most that a rewritten program may grow to: meters and the like multiply its bytes by less than this, and add little else. */
const MAX_GROWTH = 16
const MAX_ADDED_BYTES = 64 * 1024

/** A program as it is compiled: a module with what is known of it, or a component in a bundle. */
export interface PreparedProgram {
  readonly form: { readonly kind: 'bundle' } | { readonly kind: 'rewritten'; readonly facts: RewrittenFacts }
  readonly bytes: Uint8Array
}

/** What is known of a sandbox process with regard to programs. */
export interface ProgramHolder {
  /** It has compiled no stranger's program yet, so what it reports about one comes from souk's own parser and can be trusted. */
  untouched: boolean
  /** Keys of the modules that it has compiled and keeps. */
  readonly compiled: Set<string>
}

/**
 * A cache of programs in prepared form, by digest, by the version of the rewriter and by how they were rewritten. The least recently used
 * one is dropped first. Native code is never kept: it could only come from a process that has compiled a stranger's bytes.
 */
export interface PreparedPrograms {
  /** Of all of them together: a longer one is not kept. */
  readonly maxBytes: number
  get(job: BoundedJob<WasmTask>): PreparedProgram | undefined
  put(job: BoundedJob<WasmTask>, program: PreparedProgram): void
}

export function createPreparedPrograms({ maxBytes }: { readonly maxBytes: number }): PreparedPrograms {
  const kept = new Map<string, PreparedProgram>()
  let heldBytes = 0
  const forget = (key: string): void => {
    heldBytes -= kept.get(key)?.bytes.length ?? 0
    kept.delete(key)
  }
  return {
    maxBytes,
    get(job) {
      const key = keyOf(job)
      const found = kept.get(key)
      if (found === undefined) return undefined
      kept.delete(key)
      kept.set(key, found)
      return found
    },
    put(job, program) {
      const key = keyOf(job)
      if (program.bytes.length > maxBytes) return
      forget(key)
      kept.set(key, program)
      heldBytes += program.bytes.length
      for (const oldest of kept.keys()) {
        if (heldBytes <= maxBytes) return
        forget(oldest)
      }
    },
  }
}

/** The cache key of a job's program: its content, and everything on which its rewriting depends. */
export function keyOf(job: BoundedJob<WasmTask>): string {
  const kind = job.task.deterministic === undefined ? (isMetered(job) ? 'metered' : 'plain') : 'deterministic'
  return `${job.task.module.sha256} ${REWRITE_VERSION}.${COMPONENT_VERSION} ${kind}`
}

/** What a process is sent of a job's program: nothing if it has it compiled, its prepared form if that is known, else its file. */
export function programOf({
  job,
  sandbox,
  known,
}: {
  readonly job: BoundedJob<WasmTask>
  readonly sandbox: ProgramHolder
  readonly known: PreparedProgram | undefined
}): { readonly program: JobProgram; readonly bytes: Uint8Array | FedFile | undefined } {
  const key = keyOf(job)
  const compiled = sandbox.compiled.has(key)
  // Both are compiled without our parser running first, so from then on the process is not trusted.
  if (compiled || known !== undefined) sandbox.untouched = false
  if (compiled) return { program: { key, bytes: 0, form: { kind: 'source' } }, bytes: undefined }
  if (known !== undefined) return { program: { key, bytes: known.bytes.length, form: known.form }, bytes: known.bytes }
  const { module } = job.task
  return { program: { key, bytes: module.bytes, form: { kind: 'source' } }, bytes: module }
}

/**
 * Reads a rewritten program from a process and, if the process is still untouched, keeps it for the next task with the same program.
 *
 * @throws ChannelBroken if it is larger than rewriting could have made it
 */
export async function takeRewritten(
  {
    job,
    sandbox,
    prepared,
  }: {
    readonly job: BoundedJob<WasmTask>
    readonly sandbox: ProgramHolder & { readonly frames: AsyncGenerator<Frame, void, void> }
    readonly prepared: PreparedPrograms
  },
  { facts, bytes }: Extract<Report, { event: 'rewritten' }>,
): Promise<void> {
  if (bytes > MAX_GROWTH * job.task.module.bytes + MAX_ADDED_BYTES)
    throw new ChannelBroken(`${bytes} bytes of a program`)
  // Collected only if it will be kept: it may have hundreds of megabytes.
  const kept = sandbox.untouched && bytes <= prepared.maxBytes
  sandbox.untouched = false
  const chunks: Uint8Array[] = []
  for await (const chunk of contentOf(sandbox.frames, bytes)) if (kept) chunks.push(chunk)
  if (kept) prepared.put(job, { form: { kind: 'rewritten', facts }, bytes: Buffer.concat(chunks) })
}

/**
 * Notes that the process has compiled the job's module and keeps it. It keeps MAX_COMPILED modules, first in, first out, and no
 * components.
 */
export function noteCompiled({
  job,
  sandbox,
  known,
}: {
  readonly job: BoundedJob<WasmTask>
  readonly sandbox: ProgramHolder
  readonly known: PreparedProgram | undefined
}): void {
  sandbox.untouched = false
  if (known?.form.kind === 'bundle') return
  sandbox.compiled.add(keyOf(job))
  const [oldest] = sandbox.compiled
  if (sandbox.compiled.size > MAX_COMPILED && oldest !== undefined) sandbox.compiled.delete(oldest)
}
