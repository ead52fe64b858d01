import { WASM_HOSTS, WASM_REUSES } from '../../executors/wasm/choices.ts'
import { NATIVE_MODES } from '../../native/mode.ts'
import { RUNTIME_NAMES } from '../../protocol/execution.ts'
import { MAX_GPUS } from '../../protocol/limits.ts'
import { gpu, image, mount, nativeImage, registry, rootfs, runtimeClass } from './items.ts'
import { GIB, key, KIB, MIB } from './key.ts'
import {
  decimal,
  duration,
  flag,
  integer,
  list,
  neverTrue,
  oneOf,
  optionalCpuset,
  optionalInteger,
  optionalPath,
  path,
  size,
  type Kind,
} from './kinds.ts'
import type { Machine } from './machine.ts'

/** What the first thread keeps of its stack for the host's own frames, below those of the WebAssembly code. */
const STACK_MARGIN_BYTES = MIB

const stackRoom = (machine: Machine): number =>
  Math.min(1 * GIB, Math.max(64 * KIB, machine.threadStackBytes - STACK_MARGIN_BYTES))

/** (uid_t) -1 means "leave as it is" to the kernel, so the largest id is one less. */
const MAX_ID = 0xffff_fffe
/** Of a user or a group: never root, not even inside. */
const taskId = (): Kind<number> => integer({ min: 1, max: MAX_ID, why: "0 is root, and what runs is a stranger's" })
/** Undefined is `auto`: what it comes to depends on the launcher. */
const autoTaskId = (): Kind<number | undefined> => {
  const { accepts, parse } = taskId()
  return {
    accepts: `\`auto\` or ${accepts}`,
    parse: (value, context) => (value === 'auto' ? undefined : parse(value, context)),
    show: (value) => value ?? 'auto',
  }
}
const cores = (): Kind<number> => decimal({ min: 0.01, max: 4096 })
/** Linux counts threads among a control group's pids; more of them than this no task of a marketplace needs. */
const processes = (): Kind<number> => integer({ min: 1, max: 32_768 })

/** Everything under `sandbox`. */
export const SANDBOX_KEYS = {
  'sandbox.default_runtime': key({
    kind: oneOf(RUNTIME_NAMES),
    default: 'wasm',
    doc: 'The runtime of a task that names none and brings something that several can run.',
  }),
  'sandbox.disk_limit': key({
    kind: size({}),
    default: '64m',
    doc: 'Everything that a task writes to files. All runtimes keep it in memory.',
  }),
  'sandbox.inode_limit': key({
    kind: integer({ min: 0, max: 10_000_000 }),
    default: '10000',
    doc: 'The most files and folders that it has.',
  }),
  'sandbox.output_limit': key({ kind: size({}), default: '16m', doc: 'Standard output and error together.' }),
  'sandbox.open_files_limit': key({
    kind: integer({ min: 8, max: 1_000_000 }),
    default: '256',
    doc: 'The most open files at once.',
  }),
  'sandbox.cpu_time_limit': key({ kind: duration(), default: '5m', doc: 'CPU time, over all its threads.' }),
  'sandbox.idle_timeout': key({
    kind: duration(),
    default: '1m',
    doc: 'How long it may go without using any CPU time.',
  }),
  'sandbox.cpu_shares_limit': key({
    kind: integer({ min: 2, max: 262_144 }),
    default: '1024',
    doc: 'Weight against other tasks where they compete for cores, native and Docker. A task that does not ask has 1024, or this where it is less.',
  }),
  'sandbox.wasm.enabled': key({ kind: flag(), default: 'true', doc: 'Whether WebAssembly is offered.' }),
  'sandbox.wasm.memory_limit': key({
    kind: size({ min: MIB, max: 4 * GIB, why: 'a 32-bit address space has no more' }),
    default: '512m',
    doc: 'Linear memory, tables and files.',
  }),
  'sandbox.wasm.stack_size': key({
    kind: size({
      min: 256 * KIB,
      max: stackRoom,
      why: 'the stack of the thread, `ulimit -s`, less what the host itself needs; raise that first',
    }),
    default: '984k',
    doc: 'Call stack. Bounded by what the thread has (`ulimit -s`), less 1m that the host itself needs. Another value than the default makes each sandbox process start later.',
  }),
  'sandbox.wasm.timeout': key({ kind: duration(), default: '5m', doc: 'Wall time of one run.' }),
  'sandbox.wasm.max_module': key({ kind: size({ min: 8, max: 1 * GIB }), default: '64m', doc: 'The largest module.' }),
  'sandbox.wasm.compile_timeout': key({
    kind: duration(),
    default: '30s',
    doc: 'The longest that compiling a module may take.',
  }),
  'sandbox.wasm.prewarm': key({
    kind: integer({ min: 0, max: 64 }),
    default: '1',
    doc: 'Sandbox processes that are started ahead of the next task; about 50 MB each.',
  }),
  'sandbox.wasm.host': key({
    kind: oneOf(WASM_HOSTS),
    default: 'souk',
    doc: 'What answers the system calls of WebAssembly programs. `souk`: its own host. `wasmer`: that of `@wasmer/wasi`, which has gaps ([CONFORMANCE.md](CONFORMANCE.md)), where it can be trusted; deterministic tasks are refused then. Components run on the host of souk either way.',
  }),
  'sandbox.wasm.reuse': key({
    kind: oneOf(WASM_REUSES),
    default: 'never',
    doc: 'Whether a sandbox process may run several tasks in turn. `never`: each has a process of its own. `same-requester`: tasks of one requester may share one, each with an instance and a file system of its own; one that trapped or met a limit ends it. That is faster, and a wall less between tasks of one requester; each receipt says which it was (`isolation.reuse`).',
  }),
  'sandbox.wasm.fuel_limit': key({
    kind: optionalInteger({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    default: '',
    doc: 'The most instructions that one task may execute. With it those of every task are metered, which costs some time; left empty, those of tasks that ask for a limit of their own, or to be deterministic.',
  }),
  'sandbox.native.enabled': key({
    kind: flag(),
    default: 'false',
    doc: "Whether native Linux programs are offered. Off until you say so: it is a stranger's machine code, and between it and this host is the kernel alone.",
  }),
  'sandbox.native.mode': key({
    kind: oneOf(NATIVE_MODES),
    default: 'strict',
    doc: 'What becomes of limits that this host cannot hold. `strict`: without bounds on memory, processes and cores, and without a user namespace, native tasks are not offered. `degraded`, for a machine of your own: they run without the limits that nothing holds, `isolation.missing` in each receipt names those, and a task that asks for one is refused.',
  }),
  'sandbox.native.memory_limit': key({
    kind: size({ min: MIB }),
    default: '512m',
    doc: 'Memory of all its processes, files that it writes included, without swap.',
  }),
  'sandbox.native.cpu_limit': key({
    kind: cores(),
    default: '1',
    doc: 'Cores that it may use at once; fractions count.',
  }),
  'sandbox.native.pids_limit': key({
    kind: processes(),
    default: '256',
    doc: 'The most processes and threads at once.',
  }),
  'sandbox.native.timeout': key({ kind: duration(), default: '5m', doc: 'Wall time of one run.' }),
  'sandbox.native.stack_size': key({
    kind: size({ min: 128 * KIB, max: 1 * GIB }),
    default: '8m',
    doc: 'Call stack of the first thread of each process (RLIMIT_STACK).',
  }),
  'sandbox.native.uid': key({
    kind: autoTaskId(),
    default: 'auto',
    auto: "65534; the launcher's own user where that is not root, which can make no other of itself",
    doc: 'The user that it runs as; never root.',
  }),
  'sandbox.native.gid': key({
    kind: autoTaskId(),
    default: 'auto',
    auto: "65534; the launcher's own group where that is not root",
    doc: 'The group that it runs as; it is in no other.',
  }),
  'sandbox.native.rootfs': key({
    kind: list({ item: rootfs, max: 64 }),
    default: '',
    doc: 'Root file systems that tasks may name, read-only. A task names one by its name and by the digest, which is yours to declare (that of the archive it was unpacked from, say): where you change what is in it, declare another.',
  }),
  'sandbox.native.mounts': key({
    kind: list({ item: mount, max: 64 }),
    default: '',
    doc: 'Folders of this host that tasks may name and read: datasets, models. Always read-only, without programs, and without what is mounted below them: what one task could leave there the next would find. A task reads what the user that it runs as may read. No FIFO or socket of a service should lie in one: neither needs a writable file system to be used.',
  }),
  'sandbox.native.max_root': key({
    kind: size({ min: MIB }),
    default: '1g',
    doc: 'The most that a root file system which a task brings, as a tar file or as an image, may come to, unpacked.',
  }),
  'sandbox.native.images': key({
    kind: list({ item: nativeImage, max: 64 }),
    default: '',
    doc: 'Images that native tasks may name, without any engine: each a folder with an OCI image layout, or an archive (OCI, or of `docker save`), and the digest of a manifest in it (`index.json` has it; of an archive of `docker save` without one, the image id). A task names one by both.',
  }),
  'sandbox.native.image_cache': key({
    kind: size({ min: MIB }),
    default: '4g',
    doc: 'What unpacked images may take of the disk below the data folder, all together. The one that was not used for longest goes first; one that a task brings never pushes out one of yours. What a task brings is unpacked as long as there is room beside what is in use.',
  }),
  'sandbox.native.launcher_socket': key({
    kind: optionalPath(),
    default: '',
    doc: 'Socket of a launcher that you run beside the node, as root, so that the node itself needs no privilege. Left empty, the node starts its own.',
  }),
  'sandbox.docker.enabled': key({
    kind: flag(),
    default: 'false',
    doc: 'Whether Docker is offered. Access to a rootful engine equals root.',
  }),
  'sandbox.docker.socket': key({
    kind: path(),
    default: '/var/run/docker.sock',
    doc: "The engine's socket. One of this host: what a task writes is kept in a folder that the engine mounts.",
  }),
  'sandbox.docker.images': key({
    kind: list({ item: image, max: 1000 }),
    default: '',
    doc: 'Images that tasks may name, and no others. What the engine has is used as it is; the rest is pulled, from `registries` alone.',
  }),
  'sandbox.docker.registries': key({
    kind: list({ item: registry, max: 64 }),
    default: '',
    doc: 'Registries that images of `images` are pulled from where the engine lacks them, by the node itself: the engine gets no login, and sees no image before it was checked. The file has the login, `{"username": …, "password": …}` or what `docker login` writes, and may be read by its owner alone; `http://` is plain HTTP. With none, nothing is pulled.',
  }),
  'sandbox.docker.archives': key({
    kind: flag(),
    default: 'false',
    doc: "Whether a task may bring an image as a file, an OCI archive or what `docker save` writes: any stranger's image, checked like one that is pulled.",
  }),
  'sandbox.docker.image_limit': key({
    kind: size({ min: MIB }),
    default: '2g',
    doc: 'The most that one image may come to: compressed, as the registry has it, and unpacked, files counted in blocks of 4 KiB with one more for each. A pull is given up as soon as it is clear that it is more.',
  }),
  'sandbox.docker.pull_timeout': key({
    kind: duration(),
    default: '10m',
    doc: 'The longest that an image may take to come, from the registry or the archive into the engine.',
  }),
  'sandbox.docker.image_cache': key({
    kind: size({ min: MIB }),
    default: '8g',
    doc: 'What images that were pulled or brought may take of the disk of the engine, unpacked, all together. The one that was not used for longest goes first; images that you have loaded yourself are never removed. What is on its way takes up to three times `image_limit` below the data folder besides, and as much of the engine.',
  }),
  'sandbox.docker.classes': key({
    kind: list({ item: runtimeClass, max: 16 }),
    default: '',
    doc: "Low-level runtimes of the engine (`docker info` lists them) that containers are started with, such as [runc, runsc]: the first for tasks that name none, each for tasks that name it. Walls and limits are proven for each by itself; one that does not pass is not offered, and without the first nothing is. Left empty, the engine's own default for every task. runsc (gVisor) needs `--host-uds=open` among its runtimeArgs.",
  }),
  'sandbox.docker.prewarm': key({
    kind: integer({ min: 0, max: 64 }),
    default: '2',
    doc: 'Containers kept ready for tasks like those of the last minutes (same image, folders and inputs), each used once. One takes about 12 MB; 0 for none.',
  }),
  'sandbox.docker.reattach': key({
    kind: duration({ min: 0, max: 24 * 3_600_000 }),
    default: '2m',
    doc: 'For how long a running task waits for the node to come back when it is stopped or dies; then it ends. `0` ends it at once.',
  }),
  'sandbox.docker.memory_limit': key({
    kind: size({ min: 6 * MIB }),
    default: '512m',
    doc: 'Memory of the container, without swap. The engine starts none with less than 6m.',
  }),
  'sandbox.docker.cpu_limit': key({
    kind: cores(),
    default: '1',
    doc: 'Cores that it may use at once; fractions count.',
  }),
  'sandbox.docker.cpuset': key({
    kind: optionalCpuset(),
    default: '',
    doc: 'Cores that containers may run on, and no others, so that the rest of this host keeps the others to itself. Left empty, all.',
  }),
  'sandbox.docker.pids_limit': key({
    kind: processes(),
    default: '256',
    doc: 'The most processes and threads at once.',
  }),
  'sandbox.docker.timeout': key({ kind: duration(), default: '5m', doc: 'Wall time of one run.' }),
  'sandbox.docker.uid': key({
    kind: taskId(),
    default: '65534',
    doc: 'The user that it runs as, whatever the image says; never root.',
  }),
  'sandbox.docker.gid': key({ kind: taskId(), default: '65534', doc: 'The group that it runs as; it is in no other.' }),
  'sandbox.docker.gpus': key({
    kind: list({ item: gpu, max: MAX_GPUS }),
    default: '',
    doc: "GPUs that tasks may ask for (`resources.gpu`), each the task's own while it runs: the indexes or UUIDs that `nvidia-smi -L` prints, each card once. The engine needs the NVIDIA Container Toolkit. The driver of a GPU, and what a task leaves in its memory, is no wall of souk: see [SECURITY.md](SECURITY.md).",
  }),
  'sandbox.docker.network_mode': key({
    kind: oneOf(['none'], {
      why: "a stranger's task must not reach your network, its metadata services or other tasks",
    }),
    default: 'none',
    doc: 'A task has no network; anything but `none` is refused.',
  }),
  'sandbox.docker.privileged': key({
    kind: neverTrue("a privileged container is root on this machine, and what runs in it is a stranger's"),
    default: 'false',
    doc: 'A privileged container is no sandbox; `true` is refused.',
  }),
} as const
