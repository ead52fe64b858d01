import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadTask, taskFromCommandLine, type CommandLineTask, type LoadedTask } from '../src/client/load-task.ts'

/** One thing to show: what it is about, and the task. */
export interface DemoTask {
  readonly title: string
  readonly task: LoadedTask
}

const MIB = 1024 * 1024
const LARGE_TEXT_LINES = 100_000
const examples = join(import.meta.dirname, '..', 'examples')

/** `(module (memory (export "memory") 1) (func (export "_start") unreachable))` */
const TRAPPING_MODULE =
  '0061736d01000000010401600000030201000503010001071302066d656d6f72790200065f737461727400000a05010300000b'

/** A text to count, a larger one that leaves a file, a limit that a task cannot pass, one that ends it, and a crash. */
export async function demoTasks({ dir }: { readonly dir: string }): Promise<readonly DemoTask[]> {
  const folder = await mkdtemp(join(dir, 'tasks-'))
  const trapping = join(folder, 'crash.wasm')
  await writeFile(trapping, Buffer.from(TRAPPING_MODULE, 'hex'))
  const largeText = join(folder, 'large.txt')
  await writeFile(largeText, 'the quick brown fox jumps over the lazy dog\n'.repeat(LARGE_TEXT_LINES))
  const program = (name: string, options: Omit<CommandLineTask, 'wasm' | 'baseDir'>): Promise<LoadedTask> =>
    taskFromCommandLine({ wasm: join('programs', `${name}.wasm`), baseDir: examples, ...options })
  return [
    {
      title: 'Count the words of a poem: examples/word-count.yaml',
      task: await loadTask({ file: join(examples, 'word-count.yaml') }),
    },
    {
      title: `Count a text of ${LARGE_TEXT_LINES} lines, and leave the counts in a file`,
      task: await program('word-count', {
        name: 'large-word-count',
        args: ['/in/large.txt'],
        inputs: [{ source: largeText, target: '/in/large.txt' }],
        outputs: [{ path: '/out' }],
      }),
    },
    {
      title: 'Sieve more primes than fit in 16 MiB of memory',
      task: await program('primes', {
        name: 'too-little-memory',
        args: ['500000000'],
        limits: { memoryBytes: 16 * MIB },
      }),
    },
    {
      title: 'Sieve for longer than 300 ms',
      task: await program('primes', {
        name: 'too-little-time',
        args: ['200000000'],
        limits: { memoryBytes: 256 * MIB, wallTimeMs: 300 },
      }),
    },
    { title: 'Crash', task: await taskFromCommandLine({ wasm: trapping, baseDir: folder, name: 'crash' }) },
  ]
}
