import type { BoundedJob, WasmTask } from '../executor.ts'
import { MAX_COMPILED, type JobProgram, type Report, type RewrittenFacts } from './channel.ts'
import type { FedFile } from './feed.ts'
import { COMPONENT_VERSION } from './component/format.ts'
import { isMetered } from './job-header.ts'
import { REWRITE_VERSION } from './module/rewrite.ts'
import { ChannelBroken, contentOf, type Frame } from './reports.ts'

/** What a rewritten program may have grown to: meters and the like add up to this many times its own bytes, and little else. */
const MAX_GROWTH = 16
const MAX_ADDED_BYTES = 64 * 1024

/** A program as it is compiled: a module with what is known of it, or a component in a bundle. */
export interface PreparedProgram {
  readonly form: { readonly kind: 'bundle' } | { readonly kind: 'rewritten'; readonly facts: RewrittenFacts }
  readonly bytes: Uint8Array
}

/** A process, as far as programs are concerned. */
export interface ProgramHolder {
  /** It has compiled no stranger's program yet, so that what it says came of one is our own parser's word. */
  untouched: boolean
  /** What it has compiled and keeps, by key. */
  readonly compiled: Set<string>
}

/**
 * What came of programs, by digest, version of what made it and how they were rewritten; the one used longest ago goes first.
 * No native code is kept: that could only come from a process that had compiled a stranger's bytes.
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

/** What tells a job's program from every other: its content, and everything on which its rewriting depends. */
export function keyOf(job: BoundedJob<WasmTask>): string {
  const kind = job.task.deterministic === undefined ? (isMetered(job) ? 'metered' : 'plain') : 'deterministic'
  return `${job.task.module.sha256} ${REWRITE_VERSION}.${COMPONENT_VERSION} ${kind}`
}

/** What a process is given of a job's program: nothing where it has it compiled, what came of it where that is known, or its file. */
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
  // It compiles at once what needs no rewriting.
  if (compiled || known !== undefined) sandbox.untouched = false
  if (compiled) return { program: { key, bytes: 0, form: { kind: 'source' } }, bytes: undefined }
  if (known !== undefined) return { program: { key, bytes: known.bytes.length, form: known.form }, bytes: known.bytes }
  const { module } = job.task
  return { program: { key, bytes: module.bytes, form: { kind: 'source' } }, bytes: module }
}

/**
 * Takes what came of a program from a process that has compiled nothing yet, for the next task with it too.
 *
 * @throws ChannelBroken where it is out of all proportion
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
  // What will not be kept is not gathered either: it may have hundreds of megabytes.
  const kept = sandbox.untouched && bytes <= prepared.maxBytes
  sandbox.untouched = false
  const chunks: Uint8Array[] = []
  for await (const chunk of contentOf(sandbox.frames, bytes)) if (kept) chunks.push(chunk)
  if (kept) prepared.put(job, { form: { kind: 'rewritten', facts }, bytes: Buffer.concat(chunks) })
}

/** The process has compiled the job's module, and keeps it, as many as it keeps itself, the first ones first to go; no component. */
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
