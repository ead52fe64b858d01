/** The frames between the node and the first process of a container (init/init.c, init/channel.h). */

/** What init says about itself when it connects. */
export interface InitHello {
  readonly kind: 'hello'
  /** All zeros before it was given one. */
  readonly secret: Buffer
  readonly phase: 'waits' | 'runs' | 'ended'
  /** The first byte of each output that it still has. */
  readonly stdoutFrom: number
  readonly stderrFrom: number
  /** Bytes of standard input that it has taken. */
  readonly stdinTaken: number
}

/** The task, and all that it left, is dead. */
export interface InitEnd {
  readonly kind: 'ended'
  /** What wait(2) gives. */
  readonly status: number
  /** Init itself ended the task, because its wall time was over. */
  readonly timedOut: boolean
  /** From its first instruction to its end. */
  readonly wallTimeMs: number
}

export type InitFrame =
  | InitHello
  | { readonly kind: 'started' }
  /** execve(2) of the task's program failed with this errno. */
  | { readonly kind: 'execFailed'; readonly errno: number }
  /** So many bytes of standard input the task has taken, or never will. */
  | { readonly kind: 'stdinUsed'; readonly bytes: number }
  | { readonly kind: 'stdout' | 'stderr'; readonly data: Buffer }
  | InitEnd
  /** And all that the task wrote was sent. */
  | { readonly kind: 'allSent' }

/** Something else came than init says. */
export class InitBroken extends Error {
  override readonly name = 'InitBroken'
}

const HEADER_BYTES = 5
export const MAX_BODY_BYTES = 32 * 1024
/** What init takes, and keeps, of each stream before it was acknowledged. */
export const WINDOW_BYTES = 128 * 1024
export const SECRET_BYTES = 32
const PHASES = ['waits', 'runs', 'ended'] as const

/** Bodies by the letter of their frame: how long they are, and what they say. */
const BODIES: Readonly<Record<string, { readonly bytes?: number; read(body: Buffer): InitFrame }>> = {
  R: { bytes: 62, read: readHello },
  S: { bytes: 0, read: () => ({ kind: 'started' }) },
  X: { bytes: 4, read: (body) => ({ kind: 'execFailed', errno: body.readUInt32LE(0) }) },
  W: { bytes: 8, read: (body) => ({ kind: 'stdinUsed', bytes: readCount(body, 0) }) },
  O: { read: (data) => ({ kind: 'stdout', data }) },
  P: { read: (data) => ({ kind: 'stderr', data }) },
  E: { bytes: 13, read: readEnd },
  F: { bytes: 0, read: () => ({ kind: 'allSent' }) },
}

function readHello(body: Buffer): InitFrame {
  const phase = PHASES[body[SECRET_BYTES] ?? -1]
  if (phase === undefined) throw new InitBroken(`a greeting in phase ${body[SECRET_BYTES]}`)
  return {
    kind: 'hello',
    secret: Buffer.from(body.subarray(0, SECRET_BYTES)),
    phase,
    stdoutFrom: readCount(body, 33),
    stderrFrom: readCount(body, 41),
    stdinTaken: readCount(body, 49),
  }
}

function readEnd(body: Buffer): InitFrame {
  return {
    kind: 'ended',
    status: body.readUInt32LE(0),
    timedOut: body[4] === 1,
    wallTimeMs: readCount(body, 5),
  }
}

function readCount(body: Buffer, offset: number): number {
  const count = body.readBigUInt64LE(offset)
  if (count > BigInt(Number.MAX_SAFE_INTEGER)) throw new InitBroken(`a count of ${count} bytes`)
  return Number(count)
}

/**
 * Takes bytes as they come, and gives each frame that they complete; holds one frame at most. Data is not copied.
 *
 * @throws InitBroken for what is no frame of init's; nothing can follow.
 */
export function createInitFrames(): (chunk: Buffer) => InitFrame[] {
  let pending: Buffer = Buffer.alloc(0)
  return (chunk) => {
    const frames: InitFrame[] = []
    let rest = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    while (rest.length >= HEADER_BYTES) {
      const letter = String.fromCharCode(rest[0] ?? 0)
      const bytes = rest.readUInt32LE(1)
      const body = Object.hasOwn(BODIES, letter) ? BODIES[letter] : undefined
      if (body === undefined) throw new InitBroken(`a frame of unknown kind ${rest[0]}`)
      if (bytes > MAX_BODY_BYTES || (body.bytes !== undefined && bytes !== body.bytes))
        throw new InitBroken(`a frame ${letter} of ${bytes} bytes`)
      if (rest.length < HEADER_BYTES + bytes) break
      frames.push(body.read(rest.subarray(HEADER_BYTES, HEADER_BYTES + bytes)))
      rest = rest.subarray(HEADER_BYTES + bytes)
    }
    pending = rest
    return frames
  }
}

/** What init is to run, and how long it may. */
export interface InitOrder {
  /** By which it proves later that it is itself; 32 bytes. */
  readonly secret: Uint8Array
  /** The end of everything of the task, also where no node is there any more. */
  readonly wallTimeMs: number
  /** For how long it looks for a node when the connection breaks; 0: it ends at once. */
  readonly reattachMs: number
  readonly openFiles: number
  readonly fileBytes: number
  /** Of each stack; as it is where absent. */
  readonly stackBytes?: number
  /** The program first. */
  readonly command: readonly string[]
  /** They go over those of the image. */
  readonly env: Readonly<Record<string, string>>
}

const header = (letter: string, bytes: number): Buffer => {
  const buffer = Buffer.alloc(HEADER_BYTES)
  buffer.write(letter, 'latin1')
  buffer.writeUInt32LE(bytes, 1)
  return buffer
}

function withBody(letter: string, body: Uint8Array): Buffer {
  return Buffer.concat([header(letter, body.length), body])
}

function counts(numbers: readonly number[]): Buffer {
  const body = Buffer.alloc(8 * numbers.length)
  for (const [index, number] of numbers.entries()) body.writeBigUInt64LE(BigInt(Math.round(number)), 8 * index)
  return body
}

/** The frames that the node sends, encoded. */
export const toInit = {
  go({ secret, wallTimeMs, reattachMs, openFiles, fileBytes, stackBytes = 0, command, env }: InitOrder): Buffer {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
    const sizes = Buffer.alloc(8)
    sizes.writeUInt32LE(command.length, 0)
    sizes.writeUInt32LE(variables.length, 4)
    const strings = Buffer.from([...command, ...variables].map((text) => `${text}\0`).join(''))
    const numbers = counts([wallTimeMs, reattachMs, openFiles, fileBytes, stackBytes])
    return withBody('G', Buffer.concat([secret, numbers, sizes, strings]))
  },
  /** At most {@link MAX_BODY_BYTES}. */
  stdin: (data: Uint8Array): Buffer => withBody('I', data),
  stdinEnd: (): Buffer => header('Z', 0),
  /** So many bytes of each output are kept for good. */
  acknowledge: ({ stdout, stderr }: OutputBytes): Buffer => withBody('A', counts([stdout, stderr])),
  kill: (): Buffer => header('K', 0),
  /** The end of the container. */
  quit: (): Buffer => header('Q', 0),
  /** To an init that had another node before: what that one has kept. */
  resume: ({ stdout, stderr }: OutputBytes): Buffer => withBody('C', counts([stdout, stderr])),
} as const

export interface OutputBytes {
  readonly stdout: number
  readonly stderr: number
}
