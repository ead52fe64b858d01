import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type ListenOptions, type Server } from 'node:net'
import { join } from 'node:path'

/** Things of the host that anybody could read or reach, were it not for the sandbox. */
export interface Bait {
  /** Content of `file`, and of a variable in this process's environment. */
  readonly secret: string
  readonly file: string
  /** Unix socket without a file (unix(7), abstract), without the leading NUL. */
  readonly abstractName: string
  readonly socketPath: string
  /** TCP, on 127.0.0.1. */
  readonly port: number
  /** @throws where somebody has reached or changed anything of it. */
  assertUntouched(): Promise<void>
  remove(): Promise<void>
}

const VARIABLE = 'SOUK_ESCAPE_SECRET'

export async function layBait(): Promise<Bait> {
  // Not below TMPDIR, which the tests' runner keeps to itself: only the sandbox is to be in the way.
  const dir = await mkdtemp('/tmp/souk-bait-')
  await chmod(dir, 0o755)
  const secret = randomBytes(16).toString('hex')
  const file = join(dir, 'secret')
  await writeFile(file, secret, { mode: 0o666 })
  await chmod(file, 0o666)
  process.env[VARIABLE] = secret
  let visits = 0
  const listen = async (where: ListenOptions): Promise<Server> => {
    const server = createServer((socket) => {
      visits += 1
      socket.destroy()
    })
    server.listen(where)
    await once(server, 'listening')
    return server
  }
  const abstractName = `souk-bait-${secret}`
  const socketPath = join(dir, 'socket')
  const onPort = await listen({ host: '127.0.0.1', port: 0 })
  const servers = [onPort, await listen({ path: `\0${abstractName}` }), await listen({ path: socketPath })]
  await chmod(socketPath, 0o666)
  return {
    secret,
    file,
    abstractName,
    socketPath,
    port: (onPort.address() as AddressInfo).port,
    async assertUntouched() {
      assert.equal(visits, 0, 'a task has reached a socket of the host')
      assert.equal(await readFile(file, 'utf8'), secret, 'a task has changed a file of the host')
    },
    async remove() {
      delete process.env[VARIABLE]
      for (const server of servers) {
        server.close()
        await once(server, 'close')
      }
      await rm(dir, { recursive: true })
    },
  }
}
