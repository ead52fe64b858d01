import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { findProgram } from './toolchain.ts'

/** A container registry of our own on loopback, plain HTTP, with all that it has in a temporary folder. */
export interface OwnRegistry {
  /** How references to images begin: `127.0.0.1:PORT`. */
  readonly host: string
  /** What it asks for, where it was started with `auth`. */
  readonly credentials?: RegistryLogin
  /** Ends it and removes everything that it had. */
  stop(): Promise<void>
}

export interface RegistryLogin {
  readonly username: string
  readonly password: string
}

const START_TIMEOUT_MS = 60_000
const LOG_TAIL_LINES = 20
const LOGIN: RegistryLogin = { username: 'somebody', password: 'a password of tests' }
/** bcrypt of it, the one form that the registry takes: `perl -e 'print crypt("a password of tests", "\$2y\$04\$abc…")'`. */
const PASSWORD_HASH = '$2y$04$abcdefghijklmnopqrstuuf6jy9oofv/1FTtdWDUJPpjhojBhQQ.S'

/**
 * Starts Debian's registry on a free port. Engines take one on 127.0.0.1 over plain HTTP without being told.
 *
 * @param options.auth whether it asks for a name and a password, for reading too.
 * @throws Error with the end of its log when it does not answer, or ends.
 */
export async function startOwnRegistry({ auth = false }: { readonly auth?: boolean } = {}): Promise<OwnRegistry> {
  const program = findProgram('docker-registry')
  if (program === undefined) throw new Error('there is no docker-registry; on Debian: apt-get install docker-registry')
  const dir = await mkdtemp(join(tmpdir(), 'souk-registry-'))
  try {
    await writeFile(join(dir, 'htpasswd'), `${LOGIN.username}:${PASSWORD_HASH}\n`, { mode: 0o600 })
    // JSON is YAML.
    await writeFile(join(dir, 'config.yml'), JSON.stringify(configOf({ dir, auth })))
    const child = spawn(program, ['serve', join(dir, 'config.yml')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env['PATH'], TMPDIR: dir },
    })
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
    const host = await addressOf(child).catch(async (error: unknown) => {
      await end({ child, ended })
      throw error
    })
    return {
      host,
      ...(auth && { credentials: LOGIN }),
      async stop() {
        await end({ child, ended })
        await rm(dir, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await rm(dir, { recursive: true, force: true })
    throw error
  }
}

/** https://distribution.github.io/distribution/about/configuration/ */
const configOf = ({ dir, auth }: { readonly dir: string; readonly auth: boolean }): object => ({
  version: 0.1,
  // It tells its port with this level.
  log: { level: 'info', formatter: 'json', accesslog: { disabled: true } },
  storage: { filesystem: { rootdirectory: join(dir, 'data') }, delete: { enabled: true } },
  http: { addr: '127.0.0.1:0' },
  ...(auth && { auth: { htpasswd: { realm: 'tests', path: join(dir, 'htpasswd') } } }),
})

/** Where it listens: it takes a free port, and logs which. Its log is read to its end, or it would come to a stop. */
function addressOf(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const log: string[] = []
  const fail = (what: string, cause?: unknown): void =>
    reject(new Error(`docker-registry ${what}: ${log.slice(-LOG_TAIL_LINES).join('\n')}`, { cause }))
  const timer = setTimeout(() => fail(`did not answer within ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS)
  child.once('error', (error) => fail('cannot be started', error))
  child.once('close', () => fail('ended'))
  if (child.stderr !== null)
    createInterface({ input: child.stderr }).on('line', (line) => {
      const address = /"listening on (127\.0\.0\.1:\d+)"/.exec(line)?.[1]
      if (address !== undefined) resolve(address)
      else if (log.push(line) > LOG_TAIL_LINES) log.shift()
    })
  return promise.finally(() => clearTimeout(timer))
}

async function end({ child, ended }: { readonly child: ChildProcess; readonly ended: Promise<void> }): Promise<void> {
  // Not asked to: it has nothing to write, and would wait for connections that are kept.
  child.kill('SIGKILL')
  await ended
}
