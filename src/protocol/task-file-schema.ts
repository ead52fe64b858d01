import { z } from 'zod'
import { excerpt } from './issues.ts'
import { MAX_GPUS } from './limits.ts'
import {
  argumentsSchema,
  environmentSchema,
  nameSchema,
  sandboxPathSchema,
  sandboxTargetSchema,
  TASK_BOUNDS,
  weiSchema,
} from './task.ts'
import { count, cpuQuota, duration, file, MAX_CORES, size } from './task-file-fields.ts'
import { runtimeSchema } from './task-file-runtime.ts'
import { verificationSchema } from './verification.ts'

/** Text; numbers and booleans have become text already where they were read from a file. */
const word = z.union([z.string(), z.number(), z.boolean()], {
  error: (issue) => `must be text, not ${excerpt(issue.input)}`,
})

const resourcesSchema = z
  .strictObject({
    cpu: z
      .number()
      .positive()
      .max(MAX_CORES)
      .optional()
      .meta({ description: 'Cores that may be used at once; fractions count.', examples: [1, 0.5] }),
    cpu_quota: cpuQuota({
      description:
        'The same in the older form, *period quota* in microseconds: `100000 50000` is half a core. Instead of `cpu`, not beside it.',
      examples: ['100000 50000'],
    }),
    cpuShares: count({
      max: 262_144,
      description: 'Weight against other tasks on the same machine; 1024 is the norm.',
    }),
    memory: size({
      description: 'Memory. For WebAssembly: linear memory, tables and files.',
      examples: ['128m', '1.5g'],
    }),
    disk: size({ min: 0, description: 'Everything that the task writes to files.', examples: ['64m'] }),
    inodes: z
      .int()
      .min(0)
      .optional()
      .meta({ description: 'Files and folders that it has.', examples: [1000] }),
    pids: count({ description: 'Processes and threads at once.', examples: [16] }),
    openFiles: count({ description: 'Open files at once.', examples: [64] }),
    output: size({ min: 0, description: 'Standard output and error together. More ends the task.', examples: ['1m'] }),
    stack: size({ description: 'Call stack.', examples: ['1m'] }),
    ioWeight: count({ max: 10_000, description: 'Weight of disk access against other tasks; 100 is the norm.' }),
    fuel: count({
      description:
        'WebAssembly: instructions that it may execute, the same number on every machine. More ends the task; without it they are not metered, but in a deterministic task. See [Fuel](#fuel).',
      examples: [1_000_000_000],
    }),
    gpu: count({
      max: MAX_GPUS,
      description: 'Docker: GPUs that the task has to itself while it runs. Left out, none.',
      examples: [1],
    }),
  })
  .superRefine(({ cpu, cpu_quota }, context) => {
    if (cpu !== undefined && cpu_quota !== undefined)
      context.addIssue({
        code: 'custom',
        message: 'must not be beside cpu, which says the same: leave one of them out',
        path: ['cpu_quota'],
      })
  })

const timeoutsSchema = z.strictObject({
  queue: duration({
    description: 'Waiting for a slot. A task that has not started by then costs nothing.',
    examples: ['30s'],
  }),
  execution: duration({ description: 'Wall time of one run.', examples: ['30s'] }),
  total: duration({ description: 'From acceptance to the end, waiting and every run included.', examples: ['2m'] }),
  cpu: duration({ description: 'CPU time, over all threads.', examples: ['20s'] }),
  idle: duration({ description: 'The task ends after this long without using any CPU time.', examples: ['10s'] }),
})

/**
 * The task file: what a requester writes, as YAML or JSON. Sizes and durations as people write them, files
 * as paths that start at the folder of the task file. schema/task.schema.json and docs/TASK.md are generated
 * from it; its output is what {@link file://./task-file.ts} turns into a draft.
 */
export const taskFileSchema = z
  .strictObject({
    version: z.literal(1, 'must be 1').meta({ description: 'The version of this format.' }),
    name: nameSchema.optional().meta({
      description: 'For people: letters, digits, spaces, ".", "_" and "-". Left out, the name of the task file.',
      examples: ['word-count'],
    }),
    runtime: runtimeSchema.meta({
      description: 'What runs, and in what: exactly one of the keys besides `type`.',
      examples: [{ type: 'wasm', module: './app.wasm' }],
    }),
    command: z
      .array(word)
      .max(TASK_BOUNDS.arguments)
      .meta({
        description:
          'The arguments of a module, a program or an image with an entrypoint; else the program first. Numbers are taken as written.',
        examples: [['-l', '--all']],
      })
      .transform((words) => words.map(String))
      .pipe(argumentsSchema)
      .default([]),
    env: z
      .record(environmentSchema.keyType, word)
      .meta({
        description:
          'Environment variables, over those that an image has. Numbers and booleans are taken as written. Nothing else is in the environment.',
        examples: [{ LANG: 'C' }],
      })
      .transform((env) => Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)])))
      .pipe(environmentSchema)
      .default({}),
    stdin: z
      .union([z.string(), z.strictObject({ file: file({ description: 'The file that is standard input.' }) })], {
        error: (issue) => `must be text, or a file as in {file: ./book.txt}, not ${excerpt(issue.input)}`,
      })
      .optional()
      .meta({
        description: 'Standard input: text, or `{file: PATH}`. Left out, it is empty.',
        examples: [{ file: './book.txt' }, 'hello'],
      }),
    workdir: sandboxPathSchema.optional().meta({
      description: 'Working directory inside the sandbox; it exists. Left out, that of the image, or `/`.',
      examples: ['/data'],
    }),
    inputs: z
      .array(
        z.strictObject({
          source: file({
            description: 'A file, or a folder, which stands for every file below it.',
            examples: ['./book.txt'],
          }),
          target: sandboxTargetSchema.meta({
            description: 'Where it is inside the sandbox, an absolute path.',
            examples: ['/in/book.txt'],
          }),
        }),
      )
      .max(TASK_BOUNDS.inputs)
      .default([])
      .meta({
        description: 'Files that the task finds in its sandbox.',
        examples: [[{ source: './book.txt', target: '/in/book.txt' }]],
      }),
    outputs: z
      .array(
        z.strictObject({
          path: sandboxTargetSchema.meta({
            description: 'A folder inside the sandbox, an absolute path.',
            examples: ['/out'],
          }),
        }),
      )
      .max(TASK_BOUNDS.outputs)
      .default([])
      .meta({
        description: 'Folders whose files are the result. They exist and can be written to.',
        examples: [[{ path: '/out' }]],
      }),
    resources: resourcesSchema
      .default({})
      .meta({ description: 'What the task may use. What is left out is what the provider gives.' }),
    timeouts: timeoutsSchema
      .default({})
      .meta({ description: 'How long it may take. What is left out is what the provider gives.' }),
    network: z
      .literal('none', { error: (issue) => `must be none, not ${excerpt(issue.input)}: a task has no network` })
      .default('none')
      .meta({ description: 'A task has no network.' }),
    retry: z
      .int()
      .min(0)
      .max(10)
      .default(0)
      .meta({ description: 'How often a provider may run it again after a fault of its own.' }),
    price: z
      .strictObject({
        max: z
          .union([z.int().min(0), weiSchema], {
            error: (issue) => `must be an amount in wei such as 0 or "1000000000", not ${excerpt(issue.input)}`,
          })
          .meta({
            description: 'The most that the task pays, in wei. Large amounts in quotes.',
            examples: [0, '1000000000'],
          })
          .transform(String)
          .default('0'),
      })
      .default({ max: '0' })
      .meta({ description: 'What it may cost.' }),
    verify: verificationSchema.prefault('once'),
  })
  .meta({ title: 'souk task', description: 'A task as a requester writes it.' })

export type TaskFile = z.output<typeof taskFileSchema>
