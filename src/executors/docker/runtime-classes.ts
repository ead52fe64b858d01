import { posix } from 'node:path'
import { z } from 'zod'
import { SoukError } from '../../protocol/errors.ts'
import type { BoundedLimits } from '../../protocol/limits.ts'
import type { Refusal } from '../../protocol/refusals.ts'
import type { EngineInfo } from './engine-info.ts'
import { dockerUnavailable } from './failures.ts'

/**
 * A low-level runtime of the engine, by which containers are started.
 *
 * - `name`: by which the engine knows it, and a task asks for it.
 * - `program`: what it is, `runc`, `crun` or `runsc`; `version`, where the engine tells it.
 * - `ownKernel`: gVisor. Its containers have a kernel of their own, a process of this host that serves their system calls.
 *   Our filter holds inside where the operator starts it with `--oci-seccomp`.
 */
export const runtimeClassSchema = z.strictObject({
  name: z.string(),
  program: z.string(),
  version: z.string().optional(),
  ownKernel: z.strictObject({ seccomp: z.boolean() }).optional(),
})
export type RuntimeClass = z.infer<typeof runtimeClassSchema>

/**
 * What a kernel of their own needs of the control group that its tasks are in. Each of a task's processes is several
 * threads of this host there, so their number says nothing of the task: past it the kernel dies, and the task with it.
 */
export const OWN_KERNEL = { pids: 2048, leastMemoryBytes: 32 * 1024 * 1024 } as const

/** The low-level runtimes that an operator names, by the engine's names; or the engine's own default for everybody. */
export interface RuntimeClasses {
  /** For tasks that name none. */
  readonly usual: RuntimeClass
  /** Those that a task may name, the usual one first; empty where the operator names none. */
  readonly named: readonly RuntimeClass[]
  /** Named by the operator, and unknown to the engine. */
  readonly unknown: readonly { readonly name: string; readonly why: string }[]
  /** Throws SoukError REFUSED where it is none of them. */
  of(asked: string | undefined): RuntimeClass
}

/** @throws SoukError RUNTIME_UNAVAILABLE when the engine does not have the first. */
export function runtimeClasses(
  info: Pick<EngineInfo, 'runtimes' | 'defaultRuntime'>,
  names: readonly string[],
): RuntimeClasses {
  const [first = info.defaultRuntime, ...more] = names
  const usual = runtimeClassOf(info, first)
  if (usual === undefined) throw dockerUnavailable(`${whyUnknown(info, first)}.`)
  const found = more.map((name) => ({ name, runtime: runtimeClassOf(info, name) }))
  const named = names.length === 0 ? [] : [usual, ...found.flatMap(({ runtime }) => runtime ?? [])]
  return {
    usual,
    named,
    unknown: found.flatMap(({ name, runtime }) =>
      runtime === undefined ? [{ name, why: whyUnknown(info, name) }] : [],
    ),
    of(asked) {
      const runtime = asked === undefined ? usual : named.find(({ name }) => name === asked)
      if (runtime === undefined) throw unknownClass(asked ?? '', named)
      return runtime
    },
  }
}

function whyUnknown({ runtimes }: Pick<EngineInfo, 'runtimes'>, name: string): string {
  return `the engine has no runtime ${name}, but ${runtimes.map((each) => each.name).join(', ')}`
}

function unknownClass(asked: string, offered: readonly RuntimeClass[]): SoukError<'REFUSED'> {
  const names = offered.map(({ name }) => name).join(', ')
  const message = `The task names the runtime class ${asked}; the provider offers ${names === '' ? 'none' : names}.`
  return new SoukError({
    code: 'REFUSED',
    message,
    details: { reasons: [{ reason: 'UNKNOWN_CLASS', message, subject: 'runtime.class', asked, offered: names }] },
    phase: 'prepare',
  })
}

/** What cannot be held in containers of a class, whatever a probe has found. Throws SoukError REFUSED. */
export function checkClass({ name, ownKernel }: RuntimeClass, limits: BoundedLimits): void {
  if (ownKernel === undefined) return
  const { pids, memoryBytes } = limits
  const { leastMemoryBytes } = OWN_KERNEL
  const reasons: Refusal[] = []
  if (pids !== undefined)
    reasons.push({
      reason: 'CAP_UNPROVEN',
      message: `In the runtime class ${name} ${UNCOUNTED_PIDS}.`,
      subject: 'pids',
      asked: String(pids),
    })
  if (memoryBytes < leastMemoryBytes)
    reasons.push({
      reason: 'CAP_UNPROVEN',
      message: `In the runtime class ${name} tasks are held to memoryBytes of at least ${leastMemoryBytes}.`,
      subject: 'memoryBytes',
      asked: String(memoryBytes),
      offered: String(leastMemoryBytes),
    })
  if (reasons.length > 0)
    throw new SoukError({
      code: 'REFUSED',
      message: reasons.map(({ message }) => message).join(' '),
      details: { reasons },
      phase: 'prepare',
    })
}

/** Why nothing holds a task to a number of processes there. */
export const UNCOUNTED_PIDS = "processes are not counted: they are its own kernel's, which counts none"

/** Its program, or that of its containerd shim. */
const GVISOR = /^(?:runsc|containerd-shim-runsc-v\d+|io\.containerd\.runsc\..+)$/
const SECCOMP_INSIDE = /^--?oci-seccomp(?:=true)?$/

/** Undefined where the engine has none of that name. */
function runtimeClassOf({ runtimes }: Pick<EngineInfo, 'runtimes'>, name: string): RuntimeClass | undefined {
  const found = runtimes.find((runtime) => runtime.name === name)
  if (found === undefined) return undefined
  const { path, version, args } = found
  const program = posix.basename(path)
  return {
    name,
    program,
    ...(version !== undefined && { version }),
    ...(GVISOR.test(program) && { ownKernel: { seccomp: args.some((arg) => SECCOMP_INSIDE.test(arg)) } }),
  }
}
