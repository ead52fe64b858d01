import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { SoukError } from '../protocol/errors.ts'

const AT_ONCE = 8
/** A file of at most this is held in memory until it is written. */
const SMALL_FILE_BYTES = 65_536
/** Seconds since 1970 that every file system can hold. */
const MAX_MTIME_S = 2 ** 31 - 1

/** A file as it is to be. */
export interface NewFile {
  readonly mode: number
  readonly mtimeMs: number
  readonly bytes: number
  readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/** Writes that go on while the next entries are read: most of what a small file costs is waiting for system calls. */
export class WritesAhead {
  readonly #running = new Set<Promise<void>>()
  #failure: { readonly thrown: unknown } | undefined

  /**
   * Makes a file at `path`, where nothing is. Resolves when its content is read, which of a small one is before it is
   * written. @throws what it, or an earlier one, failed with.
   */
  async write(path: string, file: NewFile): Promise<void> {
    if (file.bytes > SMALL_FILE_BYTES) return writeFile(path, file)
    const chunks: Uint8Array[] = []
    for await (const chunk of file.content) chunks.push(chunk)
    await this.#begin(() => writeFile(path, { ...file, content: chunks }))
  }

  /** Resolves when there is room for `write` and it has begun. */
  async #begin(write: () => Promise<void>): Promise<void> {
    while (this.#running.size >= AT_ONCE) await Promise.race(this.#running)
    this.#rethrow()
    const running = write()
      .catch((thrown: unknown) => {
        this.#failure ??= { thrown }
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** Resolves when none is under way any more. @throws what one failed with. */
  async settle(): Promise<void> {
    await Promise.all(this.#running)
    this.#rethrow()
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.thrown
  }
}

async function writeFile(path: string, { mode, mtimeMs, content }: Omit<NewFile, 'bytes'>): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const handle = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    for await (const chunk of content) await handle.writeFile(chunk)
    await handle.chmod(mode)
    const mtimeS = Math.floor(mtimeMs / 1_000)
    const kept = mtimeS >= 0 && mtimeS <= MAX_MTIME_S ? mtimeS : 0
    await handle.utimes(kept, kept)
  } finally {
    await handle.close()
  }
}

/** Gives a folder its mode, whatever the umask, and never through a link. */
export async function setMode(path: string, mode: number): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    await handle.chmod(mode)
  } finally {
    await handle.close()
  }
}

/**
 * What was made as a folder has to be one still, or what follows would be written through a link.
 *
 * @param what `an archive`, say: what is unpacked.
 * @throws SoukError INTERNAL
 */
export async function requireStillFolder(path: string, what: string): Promise<void> {
  if ((await lstat(path)).isDirectory()) return
  const reason = `a folder was replaced while ${what} was unpacked into it`
  throw new SoukError({
    code: 'INTERNAL',
    phase: 'prepare',
    message: `Unpacking stopped: ${reason}.`,
    details: { reason },
    hint: 'Nothing but the node may write below its data folder.',
  })
}
