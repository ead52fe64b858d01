import { z } from 'zod'
import { RUNTIME_NAMES } from './execution.ts'
import { mountNameSchema, runtimeClassSchema, sandboxTargetSchema, TASK_BOUNDS } from './task.ts'
import { file } from './task-file-fields.ts'

const ROOTFS = /^([a-z0-9][a-z0-9._-]{0,62})@sha256:([0-9a-f]{64})$/

/** What each key of `runtime` brings, and the runtimes that can run it. */
const RUNTIMES_OF_SOURCE = {
  module: ['wasm'],
  image: ['docker', 'native'],
  program: ['native'],
  tar: ['native'],
  rootfs: ['native'],
} as const
/** With these the provider's folders can be had. */
const NATIVE_SOURCES: readonly string[] = ['program', 'tar', 'rootfs', 'image']
/** These are root file systems. */
const ROOT_SOURCES: readonly string[] = ['tar', 'rootfs', 'image']
const SOURCES = Object.keys(RUNTIMES_OF_SOURCE) as readonly (keyof typeof RUNTIMES_OF_SOURCE)[]

/** A path starts with a dot or a slash, as no reference does. */
const IMAGE = /^(?:[A-Za-z0-9][A-Za-z0-9._:/@-]{0,511}|\.{0,2}\/[^\0]{1,4095})$/

/** `runtime` of a task file: what runs, and in what. */
export const runtimeSchema = z
  .strictObject({
    type: z.enum(RUNTIME_NAMES).optional().meta({
      description:
        'The runtime. Left out, what the task brings decides: a module is `wasm`; an image is `docker` or `native`, as the provider prefers; an image in a file is `native`.',
    }),
    class: runtimeClassSchema.optional().meta({
      description:
        'Docker: the low-level runtime of the container, by the name that the provider offers it under. Left out, the one that the provider prefers.',
      examples: ['runsc'],
    }),
    module: file({
      description: 'WebAssembly: the module (WASI preview 1) or component (WASI 0.2), a file.',
      examples: ['./app.wasm'],
    }).optional(),
    deterministic: z.boolean().optional().meta({
      description:
        'WebAssembly: whether the run is to come out the same on every provider, to the last bit: standard output, outputs and fuel. Its clocks start at a fixed time, its random numbers follow from the task. See [Deterministic tasks](#deterministic-tasks).',
    }),
    image: z
      .string()
      .regex(
        IMAGE,
        'must be a reference to an image such as busybox@sha256:…, or the path of an image archive, which starts with ./ or /',
      )
      .optional()
      .meta({
        description:
          'Docker or native: an image that the provider has, pinned by its manifest digest; for Docker also by a tag, and what that means is asked of the image’s registry before the task is signed. Or an image in a file, by its path, which starts with `./` or `/`: an OCI archive or what `docker save` writes; of several in it that for this machine, or `./image.tar@sha256:…`.',
        examples: [`busybox@sha256:${'0123456789abcdef'.repeat(4)}`, 'python:3.12', './image.tar'],
      }),
    program: file({ description: 'Native: a static Linux executable, a file.', examples: ['./app'] }).optional(),
    tar: file({ description: 'Native: a root file system in a tar file.', examples: ['./rootfs.tar'] }).optional(),
    rootfs: z
      .string()
      .regex(
        ROOTFS,
        'must be the name of a root file system that the provider offers, and its digest: name@sha256:… with 64 lower-case hex digits',
      )
      .meta({
        description: 'Native: a root file system that the provider offers, with the digest that its operator declares.',
        examples: [`debian-12@sha256:${'0123456789abcdef'.repeat(4)}`],
      })
      .transform((text) => {
        const [, name = '', sha256 = ''] = ROOTFS.exec(text) ?? []
        return { name, sha256 }
      })
      .optional(),
    writable: z.boolean().optional().meta({
      description:
        'Native, with a root file system: whether the task may change it. What it writes counts as its disk and is gone with it.',
    }),
    mounts: z
      .array(
        z.strictObject({
          name: mountNameSchema.meta({ description: 'What the provider calls it.', examples: ['datasets'] }),
          target: sandboxTargetSchema.meta({
            description: 'Where it is inside the sandbox, an absolute path.',
            examples: ['/data'],
          }),
        }),
      )
      .max(TASK_BOUNDS.mounts)
      .optional()
      .meta({
        description: 'Native: folders that the provider offers, read-only.',
        examples: [[{ name: 'datasets', target: '/data' }]],
      }),
  })
  .superRefine((runtime, context) => {
    const brought = SOURCES.filter((source) => runtime[source] !== undefined)
    const [source, second] = brought
    const add = (message: string, path: string[] = []): void => context.addIssue({ code: 'custom', message, path })
    if (source === undefined) return add(`must say what to run: one of ${SOURCES.join(', ')}`)
    if (second !== undefined) return add(`must say one thing to run, not ${brought.join(' and ')}`)
    const runtimes: readonly string[] = RUNTIMES_OF_SOURCE[source]
    if (runtime.type !== undefined && !runtimes.includes(runtime.type))
      add(`must be ${runtimes.join(' or ')} for ${source}, not ${runtime.type}`, ['type'])
    if (runtime.mounts !== undefined && !NATIVE_SOURCES.includes(source))
      add(`is for native tasks: with ${NATIVE_SOURCES.join(', ')}, not ${source}`, ['mounts'])
    if (runtime.writable === true && !ROOT_SOURCES.includes(source))
      add(`is for a root file system: with ${ROOT_SOURCES.join(', ')}, not ${source}`, ['writable'])
    if (runtime.deterministic === true && source !== 'module')
      add(`is for WebAssembly tasks: with module, not ${source}`, ['deterministic'])
    const isFile = /^[./]/.test(runtime.image ?? '')
    const isNative = runtime.type === 'native' || (isFile && runtime.type === undefined)
    if (source === 'image' && !isNative && (runtime.writable || runtime.mounts))
      add('must be native where an image is to be writable, or folders of the provider are mounted', ['type'])
    if (runtime.class !== undefined && source !== 'image')
      add(`is for Docker tasks: with image, not ${source}`, ['class'])
    else if (runtime.class !== undefined && runtime.type !== 'docker')
      add('must be docker where a class of runtimes is named', ['type'])
  })
  .meta({
    oneOf: SOURCES.map((source) => ({
      type: 'object',
      properties: { type: { enum: RUNTIMES_OF_SOURCE[source] }, [source]: {} },
      required: [source],
    })),
  })
