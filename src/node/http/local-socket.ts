import { chmod, mkdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { dirname } from 'node:path'
import { SoukError } from '../../protocol/errors.ts'

/** The longest path of a unix socket, its final NUL apart (unix(7): sun_path has 108 bytes on Linux, 104 on macOS). */
const MAX_SOCKET_PATH_BYTES = 103

export interface LocalSocket {
  close(): Promise<void>
}

/**
 * Serves the paths of `answers` to GET requests, as JSON made at the time of the request, on a unix socket that only this user can
 * open (0600 in a 0700 folder). The caller holds the lock of the data folder, so a socket that is found there is a dead process's.
 *
 * @throws SoukError START_FAILED when the path is too long for a socket.
 */
export async function openLocalSocket(options: {
  readonly path: string
  readonly answers: Readonly<Record<string, () => unknown>>
}): Promise<LocalSocket> {
  const { path } = options
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new SoukError({
      code: 'START_FAILED',
      message: `The local socket's path is too long for a unix socket: ${path}`,
      details: { reason: `a socket's path has at most ${MAX_SOCKET_PATH_BYTES} bytes` },
      hint: 'Choose a shorter node.data_dir.',
    })
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await rm(path, { force: true })
  const answers = new Map(Object.entries(options.answers))
  const server = createServer((request, response) => {
    const answer = request.method === 'GET' ? answers.get(request.url ?? '') : undefined
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer?.() ?? { error: `GET ${[...answers.keys()].join(', ')} is all there is` }))
  })
  server.maxHeadersCount = 50
  server.requestTimeout = 5_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  await chmod(path, 0o600)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
