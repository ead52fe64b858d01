import { request } from 'node:http'
import { SoukError } from '../protocol/errors.ts'
import type { EarningsStatus, NodeStatus, PeersStatus } from '../protocol/node-status.ts'

const TIMEOUT_MS = 5_000
/** Thousands of the largest offers are in one of them. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024

/** What a node can be asked on its local socket, and what it answers. */
interface Answers {
  readonly '/status': NodeStatus
  readonly '/peers': PeersStatus
  readonly '/earnings': EarningsStatus
}

/**
 * What the node on a local socket says of itself.
 * @throws SoukError NODE_NOT_RUNNING where none answers, or not in time
 */
export async function askLocalNode<P extends keyof Answers>({
  socket,
  path,
}: {
  readonly socket: string
  readonly path: P
}): Promise<Answers[P]> {
  const { promise, resolve, reject } = Promise.withResolvers<Answers[P]>()
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const asking = request({ socketPath: socket, path, signal }, (response) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      text += chunk
      if (text.length > MAX_ANSWER_BYTES)
        response.destroy(new Error(`its answer is longer than ${MAX_ANSWER_BYTES} bytes`))
    })
    response.on('error', (cause) => reject(notRunning(socket, cause)))
    response.on('end', () => {
      try {
        if (response.statusCode !== 200) throw new Error(`it answers with ${response.statusCode}`)
        // The socket is this user's own: what answers there is trusted.
        resolve(JSON.parse(text) as Answers[P])
      } catch (cause) {
        reject(notRunning(socket, cause))
      }
    })
  })
  asking.on('error', (cause) => reject(notRunning(socket, cause)))
  asking.end()
  return promise
}

function notRunning(socket: string, cause: unknown): SoukError<'NODE_NOT_RUNNING'> {
  return new SoukError({
    code: 'NODE_NOT_RUNNING',
    message: `No node answers on ${socket}: ${reasonOf(cause)}.`,
    details: { socket },
    cause,
  })
}

function reasonOf(cause: unknown): string {
  const { code, name, message } = cause as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'there is no such socket'
  if (code === 'ECONNREFUSED') return 'whoever made it is gone'
  if (code === 'EACCES') return 'it is of another user'
  return name === 'TimeoutError' || name === 'AbortError' ? `no answer within ${TIMEOUT_MS / 1000} s` : message
}
