import { once } from 'node:events'
import type { Outcome } from '../../src/protocol/execution.ts'
import { executorConformance } from './executor-conformance.ts'
import { createFakeExecutor, type FakeContext, type FakeProgram } from './fake-executor.ts'

const untilEnded = async ({ signal }: FakeContext): Promise<number> => {
  if (!signal.aborted) await once(signal, 'abort')
  return 0
}

/** The programs of the table as far as they ask nothing of a sandbox. */
const programs: Readonly<Record<string, FakeProgram>> = {
  'exit-code': async ({ args }) => Number(args[0] ?? 0),
  streams: async ({ stdout, stderr }) => {
    await stdout('to stdout\n')
    await stderr('to stderr\n')
    return 0
  },
  cat: async ({ stdin, stdout }) => {
    for await (const chunk of stdin as AsyncIterable<Buffer>) await stdout(chunk)
    return 0
  },
  env: async ({ args, env, stdout }) => {
    for (const name of args) await stdout(`${name}=${env[name] ?? '(unset)'}\n`)
    return 0
  },
  args: async ({ args, stdout }) => {
    for (const argument of args) await stdout(`[${argument}]\n`)
    return 0
  },
  'read-file': async ({ args, input, stdout }) => {
    for (const path of args) {
      const content = await input(path)
      if (content === undefined) {
        await stdout(`cannot open ${path}\n`)
        return 1
      }
      await stdout(content)
    }
    return 0
  },
  'write-outputs': async ({ args, job, output }) => {
    const [folder] = args
    if (folder === '/out/missing') return 3
    const files = { '/plain.txt': 'plain\n', '/nested/deep.txt': 'deep\n', '/nothing': '', '/report': 'renamed\n' }
    const declared = job.task.outputs.some(({ path }) => path === folder)
    if (declared) for (const [name, content] of Object.entries(files)) await output(`${folder}${name}`, content)
    return 0
  },
  sleep: async (context) => {
    await context.stdout('started\n')
    return untilEnded(context)
  },
  flood: async ({ signal, stdout, stderr }) => {
    while (!signal.aborted) {
      await stdout('o'.repeat(1000))
      await stderr('e'.repeat(1000))
    }
    return 0
  },
  trap: async ({ stdout }): Promise<Outcome> => {
    await stdout('started\n')
    return { kind: 'trapped', trap: 'unreachable' }
  },
}

const NO_SANDBOX = 'it has no sandbox whose limits could be met'

executorConformance({
  name: 'fake',
  column: {
    title: 'fake',
    runtime: 'wasm',
    where: 'in this process',
    without: Object.fromEntries(
      [
        ...[
          'abort',
          'change-input',
          'close-input',
          'close-output',
          'daemon',
          'fill-disk',
          'fork-until-refused',
          'ignore-signals',
        ],
        ...[
          'many-files',
          'memory',
          'network',
          'odd-results',
          'open-files',
          'recurse',
          'spin',
          'spin-in-children',
          'wild-store',
        ],
        'workdir',
      ].map((program) => [program, NO_SANDBOX]),
    ),
    unheld: { idleTimeMs: 1 },
    whyUnheld: NO_SANDBOX,
  },
  async setup() {
    return {
      executor: createFakeExecutor({ programs }),
      task: (program, base) => ({
        ...base,
        runtime: 'wasm',
        name: program,
        module: { source: '/dev/null', sha256: '', bytes: 0 },
      }),
      leftovers: async () => [],
    }
  },
})
