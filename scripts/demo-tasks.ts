import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadTask, type LoadedTask } from '../src/client/load-task.ts'
import type { RuntimeName } from '../src/protocol/execution.ts'

/** One thing to show: what it is about, and the task. */
export interface DemoTask {
  readonly title: string
  readonly task: LoadedTask
}

/** What the demo has made for the runtimes that need more than a committed file; absent where one cannot be had here. */
export interface DemoRuntimes {
  readonly native?: {
    /** Static executables. */
    readonly wordCount: string
    readonly primes: string
    /** A root file system with a busybox, where this machine has one. */
    readonly rootTar?: string
  }
  readonly docker?: {
    /** The engine's id of the image made of that root file system, the word counter in it. */
    readonly image: string
  }
}

const LARGE_TEXT_LINES = 100_000
const examples = join(import.meta.dirname, '..', 'examples')
const poem = { source: join(examples, 'data', 'poem.txt'), target: '/in/poem.txt' }

/** `(module (memory (export "memory") 1) (func (export "_start") unreachable))` */
const TRAPPING_MODULE =
  '0061736d01000000010401600000030201000503010001071302066d656d6f72790200065f737461727400000a05010300000b'

/** What a program finds out about the machine that it is on. */
const LOOK_AROUND = [
  'echo "I am user $(id -u), and these are all the processes that I can see:"',
  'ps -o pid,user,comm',
  'echo "All the files: $(echo /*)"',
  `echo "All the networks: $(tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ' | tr '\\n' ' ')"`,
  'touch /bin/mine',
].join('; ')

/** Starts processes without end; when that fails it counts those that there are, the sandbox's own first one apart. */
const FORK_BOMB = [
  '[ $$ -lt 10 ] || exit 1',
  `trap 'set -- /proc/[0-9]*; echo "$(($# - 1)) processes, and no more"' EXIT`,
  'while :; do sleep 60 & done',
].join('\n')

/** One program on every runtime; then what a task may not do, and how each of them is told so. */
export async function demoTasks({
  dir,
  runtimes,
}: {
  readonly dir: string
  readonly runtimes: DemoRuntimes
}): Promise<readonly DemoTask[]> {
  const folder = await mkdtemp(join(dir, 'tasks-'))
  const { native, docker } = runtimes
  const tasks: DemoTask[] = []
  const show = async (runtime: RuntimeName, about: string, task: Readonly<Record<string, unknown>>): Promise<void> => {
    const text = JSON.stringify({ version: 1, ...task })
    tasks.push({
      title: `${TITLES[runtime]}: ${about}`,
      task: await loadTask({ text, format: 'json', baseDir: examples }),
    })
  }
  const module = (name: string) => ({ type: 'wasm', module: join('programs', `${name}.wasm`) })

  tasks.push({
    title: `${TITLES.wasm}: count the words of a poem, as examples/word-count.yaml says`,
    task: await loadTask({ file: join(examples, 'word-count.yaml') }),
  })
  if (native !== undefined) {
    await show('native', 'the same program, compiled for this machine', {
      name: 'native-word-count',
      runtime: { type: 'native', program: native.wordCount },
      command: ['/in/poem.txt'],
      inputs: [poem],
    })
  }
  if (docker !== undefined) {
    await show('docker', 'the same program, from an image', {
      name: 'docker-word-count',
      runtime: { type: 'docker', image: docker.image },
      command: ['/bin/word-count', '/in/poem.txt'],
      inputs: [poem],
    })
  }

  const largeText = join(folder, 'large.txt')
  await writeFile(largeText, 'the quick brown fox jumps over the lazy dog\n'.repeat(LARGE_TEXT_LINES))
  await show('wasm', `count a text of ${LARGE_TEXT_LINES} lines, and leave the counts in a file`, {
    name: 'large-word-count',
    runtime: module('word-count'),
    command: ['/in/large.txt'],
    inputs: [{ source: largeText, target: '/in/large.txt' }],
    outputs: [{ path: '/out' }],
  })
  if (native?.rootTar !== undefined) {
    await show('native', 'a shell looks around in the file system that was sent along', {
      name: 'look-around',
      runtime: { type: 'native', tar: native.rootTar },
      command: ['/bin/sh', '-c', LOOK_AROUND],
    })
  }
  await show('wasm', 'sieve more primes than fit in 16 MiB of memory', {
    name: 'too-little-memory',
    runtime: module('primes'),
    command: ['500000000'],
    resources: { memory: '16m' },
  })
  if (native !== undefined) {
    await show('native', 'sieve for longer than 300 ms', {
      name: 'too-little-time',
      runtime: { type: 'native', program: native.primes },
      command: ['200000000'],
      resources: { memory: '256m' },
      timeouts: { execution: '300ms' },
    })
  }
  if (docker !== undefined) {
    await show('docker', 'processes without end, with 16 to its name', {
      name: 'fork-bomb',
      runtime: { type: 'docker', image: docker.image },
      command: ['/bin/sh', '-c', FORK_BOMB],
      resources: { pids: 16 },
    })
  }
  const trapping = join(folder, 'crash.wasm')
  await writeFile(trapping, Buffer.from(TRAPPING_MODULE, 'hex'))
  await show('wasm', 'crash', { name: 'crash', runtime: { type: 'wasm', module: trapping } })
  return tasks
}

const TITLES: Readonly<Record<RuntimeName, string>> = { wasm: 'WebAssembly', native: 'Native Linux', docker: 'Docker' }
