import { constants } from 'node:os'
import type { MadeContainer } from './engine-answers.ts'
import { NANO_CPUS_PER_CORE, type ContainerRecipe } from './engine.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * Settings that podman's answer does not have, or not as they were asked for. That it keeps to them the probe has seen, in
 * containers of the same recipe: no capability, what is masked, and nothing mounted that can be written to and is not counted.
 */
const NOT_TOLD = new Set(['Runtime', 'MaskedPaths', 'ReadonlyPaths', 'CapDrop'])

/**
 * What podman was asked for and says that it has made, in the words in which Docker would have said the same, so that both
 * are held against each other in one way. What is not known here stays as it is, and is found. Pure.
 */
export function inDockersWords(
  recipe: ContainerRecipe,
  made: MadeContainer,
): { readonly recipe: ContainerRecipe; readonly made: MadeContainer } {
  const { SecurityOpt, ...asked } = (recipe.HostConfig ?? {}) as Fields
  const { CpuPeriod, CpuQuota, Ulimits, IpcMode, Binds: _mountsInOtherWords, ...said } = made.HostConfig
  const cores = Number(asked['NanoCpus']) / NANO_CPUS_PER_CORE
  const host = {
    ...told(said),
    // What is really mounted is said beside the settings.
    Mounts: asked['Mounts'],
    // One that others could be given, of which there are none, is a namespace of its own all the same.
    IpcMode: IpcMode === 'shareable' ? asked['IpcMode'] : IpcMode,
    Ulimits: listOf(Ulimits).map(limitInDockersWords),
    // The same once more, in the kernel's words.
    ...(Number(CpuQuota) / Number(CpuPeriod) !== cores && { CpuPeriod, CpuQuota }),
  }
  const options = listOf(SecurityOpt).filter((option) => !String(option).startsWith('mask='))
  return {
    recipe: { ...recipe, HostConfig: { ...told(asked), SecurityOpt: options } },
    made: {
      ...made,
      Config: { ...made.Config, StopSignal: signalName(made.Config['StopSignal']) },
      HostConfig: host,
    },
  }
}

const told = (settings: Fields): Fields =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !NOT_TOLD.has(name)))

/** `RLIMIT_NOFILE` for `nofile`. */
function limitInDockersWords(limit: unknown): unknown {
  if (typeof limit !== 'object' || limit === null || !('Name' in limit)) return limit
  return {
    ...limit,
    Name: String(limit.Name)
      .replace(/^RLIMIT_/, '')
      .toLowerCase(),
  }
}

/** `9` for `SIGKILL`. */
function signalName(signal: unknown): unknown {
  return Object.entries(constants.signals).find(([, number]) => String(number) === signal)?.[0] ?? signal
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
