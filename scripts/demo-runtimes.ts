import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { pack } from 'tar-stream'
import { buildProgram, EXAMPLES_DIR } from './build-programs.ts'
import type { DemoRuntimes } from './demo-tasks.ts'
import type { DemoVoice } from './demo-voice.ts'
import { fillRoot, makeImage } from './docker-images.ts'
import { startOwnDockerEngine } from './own-docker-engine.ts'
import { C_COMPILER, DOCKER_ENGINE, ensureOwnPrograms, ensurePackages, findStaticBusybox } from './toolchain.ts'

/** What the shell of the demo's root file system can call. */
const APPLETS = ['sh', 'cut', 'id', 'ps', 'tail', 'touch', 'tr']

export interface PreparedRuntimes {
  readonly runtimes: DemoRuntimes
  /** The configuration of a provider that offers them, as variables. */
  readonly env: Readonly<Record<string, string>>
}

/**
 * Makes what those runtimes need that need more than a committed file: static executables of the examples, a root file
 * system with a busybox, and a Docker engine of the demo's own with an image of the same. What cannot be had here is
 * said and left out.
 */
export async function prepareRuntimes(request: {
  readonly dir: string
  readonly voice: DemoVoice
  readonly signal: AbortSignal
  /** Takes what has to be ended. */
  readonly cleanUp: AsyncDisposableStack
}): Promise<PreparedRuntimes> {
  const { dir, voice, signal, cleanUp } = request
  const orWithout = async <T>(runtime: string, make: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await make()
    } catch (error) {
      signal.throwIfAborted()
      voice.say(`without ${runtime}: ${(error as Error).message}`)
      return undefined
    }
  }
  const packages = await orWithout('Docker', () =>
    ensurePackages({ required: DOCKER_ENGINE, whoNeeds: 'the demo needs for Docker', signal }).then(() => true),
  )
  const native = await orWithout('native Linux', async () => {
    await ensurePackages({ required: C_COMPILER, whoNeeds: 'the demo needs for native Linux', signal })
    await ensureOwnPrograms(signal)
    return makeNative(dir)
  })
  if (native !== undefined) voice.say('native    static executables of examples/programs, compiled here')
  const docker =
    packages !== undefined && native !== undefined
      ? await orWithout('Docker', () => makeDocker({ wordCount: native.wordCount, cleanUp }))
      : undefined
  if (docker !== undefined)
    voice.say(
      `docker    an engine of its own, process ${docker.pid}, with an image made here: ${docker.image.slice(0, 19)}…`,
    )
  return {
    runtimes: { ...(native && { native }), ...(docker && { docker: { image: docker.image } }) },
    env: {
      SOUK_SANDBOX_NATIVE_ENABLED: String(native !== undefined),
      SOUK_SANDBOX_DOCKER_ENABLED: String(docker !== undefined),
      ...(docker && { SOUK_SANDBOX_DOCKER_SOCKET: docker.socketPath, SOUK_SANDBOX_DOCKER_IMAGES: docker.image }),
    },
  }
}

async function makeNative(dir: string): Promise<NonNullable<DemoRuntimes['native']>> {
  const compiled = async (name: string): Promise<string> =>
    (await buildProgram({ file: join(EXAMPLES_DIR, `${name}.c`), runtime: 'native' })).source
  const made = { wordCount: await compiled('word-count'), primes: await compiled('primes') }
  const busybox = findStaticBusybox()
  if (busybox === undefined) return made
  const rootTar = join(dir, 'root.tar')
  const archive = pack()
  await Promise.all([
    fillRoot(archive, {
      busybox: false,
      programs: [{ source: busybox, path: '/bin/busybox' }],
      files: {},
      links: Object.fromEntries(APPLETS.map((name) => [`/bin/${name}`, 'busybox'])),
    }),
    pipeline(archive, createWriteStream(rootTar)),
  ])
  return { ...made, rootTar }
}

async function makeDocker({
  wordCount,
  cleanUp,
}: {
  readonly wordCount: string
  readonly cleanUp: AsyncDisposableStack
}) {
  if (process.getuid?.() !== 0) throw new Error('an engine of its own can only be started by root')
  const { socketPath, pid, stop } = await startOwnDockerEngine()
  cleanUp.defer(stop)
  const programs = [{ source: wordCount, path: '/bin/word-count' }]
  return { socketPath, pid, image: await makeImage({ socketPath, busybox: true, programs }) }
}
