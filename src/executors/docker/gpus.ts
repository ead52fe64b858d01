import { isSoukError, SoukError } from '../../protocol/errors.ts'
import { containerFailed } from './failures.ts'

/** By this the hooks of NVIDIA's toolkit choose GPUs, in the environment that a container is made with. */
export const VISIBLE_GPUS = 'NVIDIA_VISIBLE_DEVICES'
/** Its value for no GPU, nor anything else of the toolkit. */
export const NO_GPUS = 'void'

/** GPUs that a container has until they are given back. */
export interface GpuLease {
  /** As the operator names them; undefined where he offers none to anybody. */
  readonly ids: readonly string[] | undefined
  release(): void
}

/** Which of an operator's GPUs are free: each serves one task at a time. */
export interface GpuPool {
  readonly total: number
  /**
   * So many of them, for one container.
   * @throws SoukError REFUSED where there are fewer; EXECUTOR_FAILED where others have them now, for whom the caller did not wait.
   */
  take(count: number): GpuLease
  /** Those that a container of an earlier process has already: the same lease however often it is asked for. */
  keep(container: string, ids: readonly string[]): GpuLease
}

export function createGpuPool(ids: readonly string[]): GpuPool {
  const free = new Set(ids)
  const kept = new Map<string, GpuLease>()
  const lend = (taken: string[], onReleased: () => void = () => {}): GpuLease => {
    for (const id of taken) free.delete(id)
    return {
      ids: ids.length === 0 ? undefined : [...taken],
      release() {
        for (const id of taken.splice(0)) free.add(id)
        onReleased()
      },
    }
  }
  return {
    total: ids.length,
    take(count) {
      if (count > ids.length) throw tooMany(count, ids.length)
      if (count > free.size) throw containerFailed(`${count} GPUs are asked for, and only ${free.size} are free`)
      return lend([...free].slice(0, count))
    },
    keep(container, has) {
      // The operator may offer others by now.
      const lease =
        kept.get(container) ??
        lend(
          has.filter((id) => free.has(id)),
          () => void kept.delete(container),
        )
      kept.set(container, lease)
      return lease
    },
  }
}

function tooMany(asked: number, offered: number): SoukError<'REFUSED'> {
  const message = `The task asks for gpus of ${asked}, the provider offers ${offered === 0 ? 'none' : `at most ${offered}`}.`
  return new SoukError({
    code: 'REFUSED',
    message,
    details: {
      reasons: [
        { reason: 'CAP_ABOVE_OFFER', message, subject: 'gpus', asked: String(asked), offered: String(offered) },
      ],
    },
    phase: 'prepare',
  })
}

/**
 * What engines and their hooks say where a container with GPUs cannot be started: no driver that knows the capability (no
 * toolkit), the toolkit's hook without a card or driver, an id that no card has, a device of CDI that nobody describes.
 */
const NO_GPU = /could not select device driver|nvidia-container|unresolvable CDI devices|unknown device|nvml/i

/** The failure of a container that asked for GPUs: in the engine's words where it has none to give, the same else. */
export function gpuFailure(error: unknown): unknown {
  if (!isSoukError(error, 'EXECUTOR_FAILED')) return error
  const { reason } = error.details
  if (!NO_GPU.test(reason)) return error
  const why = `the engine does not give it the GPUs that this provider offers (${reason})`
  return new SoukError({
    code: 'EXECUTOR_FAILED',
    message: `The container failed: ${why}.`,
    details: { runtime: 'docker', reason: why },
    hint: 'The operator installs the NVIDIA Container Toolkit for this engine, or names in sandbox.docker.gpus what `nvidia-smi -L` prints.',
    cause: error,
  })
}
