import type { BoundedLimits, LimitKey } from '../../protocol/limits.ts'
import type { DockerTask } from '../executor.ts'
import { NANO_CPUS_PER_CORE, type EngineLimits, type ContainerRecipe, type ImageFacts } from './engine.ts'
import type { EngineInfo } from './engine-info.ts'
import type { ContainerMount } from './folders.ts'
import { NO_GPUS, VISIBLE_GPUS } from './gpus.ts'
import { SOCKET_NAME } from './init-channel.ts'
import { OWN_KERNEL, type RuntimeClass } from './runtime-classes.ts'

/** The label by which a container is known to be of an instance of souk, beside its name. */
export const INSTANCE_LABEL = 'souk.instance'
/** What of ours is inside of every container; /dev is its own, so nothing of the image can be in the way. */
export const INIT_PROGRAM = '/dev/souk-init'
export const INIT_FOLDER = '/dev/souk'

/** Everything that a container is made of. */
export interface ContainerPlan {
  readonly workdir: string | undefined
  readonly limits: BoundedLimits
  readonly image: Pick<ImageFacts, 'id'>
  /** The task's folders and inputs. */
  readonly mounts: readonly ContainerMount[]
  /** Paths on this host of the program that is pid 1, and of the folder with the socket that it speaks over. */
  readonly init: { readonly program: string; readonly folder: string }
  readonly user: { readonly uid: number; readonly gid: number }
  /** Cores that tasks may run on, as cpuset(7) lists them; all where absent. */
  readonly cpuset?: string | undefined
  readonly engine: Pick<EngineInfo, 'product' | 'cgroupVersion' | 'cgroupNamespaces' | 'cpus' | 'userProcesses'>
  /** What starts it. */
  readonly runtime: RuntimeClass
  /** A profile in Docker's format, as JSON. */
  readonly seccomp: string
  readonly instance: string
  /** Ids of the GPUs that are the task's alone while it runs; undefined where the operator offers none to anybody. */
  readonly gpus?: readonly string[] | undefined
}

/** The first process, which is ours and not the task's. */
export const OWN_PIDS = 1
/** What the kernel gives an ordinary user since ever (getrlimit(2)). */
const LOCKED_BYTES = 64 * 1024
/** With fewer descriptors runc starts no container. */
const STARTING_OPEN_FILES = 64

/**
 * A container for a plan: nothing else decides how hard the walls of one are. What the task is, its arguments and its
 * environment enter later, over the socket. Pure.
 */
export function containerRecipe(plan: ContainerPlan): ContainerRecipe {
  const { workdir, image, init, user, engine, seccomp, instance } = plan
  const masked = [...MASKED_PATHS, ...thermalPaths(engine.cpus)]
  const ours: readonly ContainerMount[] = [
    { source: init.program, target: INIT_PROGRAM, readOnly: true },
    { source: init.folder, target: INIT_FOLDER, readOnly: true },
  ]
  return {
    Image: image.id,
    Entrypoint: [INIT_PROGRAM, `${INIT_FOLDER}/${SOCKET_NAME}`],
    Cmd: [],
    ...gpuVariable(plan.gpus),
    ...(workdir !== undefined && { WorkingDir: workdir }),
    User: `${user.uid}:${user.gid}`,
    Hostname: 'souk',
    // All that the task says and hears goes over the socket: the engine has no part in it. Without a pipe of its own
    // standard input is this host's /dev/null, and gVisor makes that belong to the task's user.
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    OpenStdin: plan.runtime.ownKernel !== undefined,
    Tty: false,
    NetworkDisabled: true,
    Healthcheck: { Test: ['NONE'] },
    StopSignal: 'SIGKILL',
    // An image's labels never replace those given here.
    Labels: { [INSTANCE_LABEL]: instance },
    HostConfig: {
      Runtime: plan.runtime.name,
      NetworkMode: 'none',
      IpcMode: 'none',
      ...(engine.cgroupNamespaces && CGROUP_NAMESPACE),
      ReadonlyRootfs: true,
      Privileged: false,
      CapDrop: ['ALL'],
      SecurityOpt: [
        'no-new-privileges',
        `seccomp=${seccomp}`,
        // Podman keeps to its own list, and takes more by this.
        ...(engine.product === 'Podman' ? [`mask=${masked.join(':')}`] : []),
      ],
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'none', Config: {} },
      Init: false,
      MaskedPaths: masked,
      ReadonlyPaths: [...READ_ONLY_PATHS],
      ...resources(plan),
      ...(plan.cpuset !== undefined && { CpusetCpus: plan.cpuset }),
      ...gpuRequest(plan.gpus),
      Mounts: [...ours, ...plan.mounts].map(({ source, target, readOnly }) => ({
        Type: 'bind',
        Source: source,
        Target: target,
        ReadOnly: readOnly,
        BindOptions: { Propagation: 'rprivate' },
      })),
    },
  }
}

/**
 * To set them replaces the engine's own, and those of old engines lack what was found out since (20.10: interrupts and
 * powercap, by both of which one process learns of another's secrets). So all are here that any engine has up to 28, and
 * some besides:
 *
 * - /dev/pts: terminals that a container makes are taken from a number that all containers of the host have together
 *   (devpts, kernel.pty.max), and no task has a terminal;
 * - /proc/key-users: who has keys, on the whole host;
 * - /proc/pressure, which is read-only: whoever writes there has the host's kernel measure for him.
 */
const MASKED_PATHS = [
  '/dev/pts',
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/key-users',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
] as const
const READ_ONLY_PATHS = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/pressure',
  '/proc/sys',
  '/proc/sysrq-trigger',
  '/sys/fs/cgroup',
] as const
/** How often each core was throttled is told by those that exist. */
const thermalPaths = (cpus: number): readonly string[] =>
  Array.from({ length: cpus }, (_none, cpu) => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`)

/** The engine's own entrypoint rules: the image's, then the task's words, or the image's where the task has none. */
export function programOf(
  task: Pick<DockerTask, 'command'>,
  image: Pick<ImageFacts, 'entrypoint' | 'command'>,
): readonly string[] {
  return [...image.entrypoint, ...(task.command.length > 0 ? task.command : image.command)]
}

/** An engine takes the driver that has the capability where none is named. */
function gpuRequest(ids: readonly string[] = []): NonNullable<ContainerRecipe['HostConfig']> {
  if (ids.length === 0) return {}
  return { DeviceRequests: [{ Driver: '', DeviceIDs: [...ids], Capabilities: [['gpu']] }] }
}

/** An image's own word would count where the engine's default is NVIDIA's runtime. */
function gpuVariable(ids: ContainerPlan['gpus']): Pick<ContainerRecipe, 'Env'> {
  return ids === undefined ? {} : { Env: [`${VISIBLE_GPUS}=${ids.length === 0 ? NO_GPUS : ids.join(',')}`] }
}

/** A container's view of control groups begins at its own. The types of the API do not have it yet. */
const CGROUP_NAMESPACE = { CgroupnsMode: 'private' }

/** The limits that can be changed in a container that runs. */
export const ENGINE_LIMITS: ReadonlySet<LimitKey> = new Set(['memoryBytes', 'cpuCores', 'cpuShares', 'pids'])

/** Those limits in the engine's words. */
export function limitsOfEngine(
  { memoryBytes, cpuCores, cpuShares, pids }: BoundedLimits,
  engine: Pick<EngineInfo, 'cpus'>,
): EngineLimits {
  return {
    Memory: memoryBytes,
    // Memory and swap together: no swap.
    MemorySwap: memoryBytes,
    // The engine refuses more than the host has.
    NanoCpus: Math.round(Math.min(cpuCores, engine.cpus) * NANO_CPUS_PER_CORE),
    ...(cpuShares !== undefined && { CpuShares: cpuShares }),
    ...(pids !== undefined && { PidsLimit: pids + OWN_PIDS }),
  }
}

function resources({
  limits,
  engine,
  runtime,
}: Pick<ContainerPlan, 'limits' | 'engine' | 'runtime'>): NonNullable<ContainerRecipe['HostConfig']> {
  const { openFiles, diskBytes, stackBytes } = limits
  const ulimit = (name: string, value: number): { Name: string; Soft: number; Hard: number } => ({
    Name: name,
    Soft: value,
    Hard: value,
  })
  return {
    ...limitsOfEngine(limits, engine),
    ...(runtime.ownKernel !== undefined && { PidsLimit: OWN_KERNEL.pids }),
    // Control groups of version 2 have no such thing.
    ...(engine.cgroupVersion === 1 && { MemorySwappiness: 0 }),
    OomKillDisable: false,
    // There is none of the engine's (IpcMode none): shared memory lies on the task's disk. Were there one, it would be no larger.
    // Podman takes no size of what is not there.
    ...(engine.product === 'Docker' && { ShmSize: diskBytes }),
    // No nproc: it counts what a user runs in all containers, so that one could keep others from starting; PidsLimit holds.
    Ulimits: [
      // At 0 the kernel still starts the program that core_pattern may name (core(5)), with the whole core; at 1 it does not.
      ulimit('core', 1),
      // The first process lowers it to what the task has.
      ulimit('nofile', Math.max(openFiles, STARTING_OPEN_FILES)),
      ulimit('fsize', diskBytes),
      // Nothing is swapped anyway. What a program locks to keep a secret is less than a page or two.
      ulimit('memlock', LOCKED_BYTES),
      // No priority over others, whatever the engine itself may hand on.
      ulimit('nice', 0),
      ulimit('rtprio', 0),
      ...(engine.userProcesses === undefined ? [] : [ulimit('nproc', engine.userProcesses)]),
      ...(stackBytes === undefined ? [] : [ulimit('stack', stackBytes)]),
    ],
  }
}
