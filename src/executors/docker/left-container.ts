import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { runtimeClassSchema, type RuntimeClass } from './runtime-classes.ts'
import { SECRET_BYTES } from './init-frames.ts'

/** What a node has to know of a container that another one has left, written into the job's folder before the task begins. */
export interface LeftContainer {
  readonly id: string
  readonly name: string
  /** The folder with its socket and its disk. */
  readonly dir: string
  /** What started it, whatever the operator names now. */
  readonly runtime: RuntimeClass
  /** By which its first process proves that it is itself. */
  readonly secret: Buffer
  /** Paths inside of the folders on its disk. */
  readonly leased: readonly string[]
  /** Ids of the GPUs that it has. */
  readonly gpus: readonly string[]
  /** What its counters said when the task began. */
  readonly counters: { readonly cpuTimeMs: number; readonly oomKills: number; readonly pidsDenied: number }
}

const FILE_NAME = 'container.json'
const count = z.number().nonnegative()
const schema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string(),
  dir: z.string(),
  runtime: runtimeClassSchema,
  secret: z
    .string()
    .length(2 * SECRET_BYTES)
    .transform((hex) => Buffer.from(hex, 'hex')),
  leased: z.array(z.string()),
  gpus: z.array(z.string()),
  counters: z.strictObject({ cpuTimeMs: count, oomKills: count, pidsDenied: count }),
})

/** Nobody but the node may enter `jobDir`: the secret is in it. */
export async function writeLeftContainer(jobDir: string, left: LeftContainer): Promise<void> {
  const { id, name, dir, runtime, secret, leased, gpus, counters } = left
  const text = JSON.stringify({ id, name, dir, runtime, secret: secret.toString('hex'), leased, gpus, counters })
  await writeFile(join(jobDir, FILE_NAME), text, { mode: 0o600 })
}

/** Undefined where no task has begun there, or what was written was cut off by a crash. */
export async function readLeftContainer(jobDir: string): Promise<LeftContainer | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(join(jobDir, FILE_NAME), 'utf8')))
  } catch {
    return undefined
  }
}
