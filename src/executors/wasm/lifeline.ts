/**
 * The sandbox process's other thread. The main one is in the task's hands; this one waits for the node's end of
 * the lifeline to close, which the kernel sees to however the node dies, and then ends the whole process.
 */
import { read } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { DESCRIPTOR } from './channel.ts'

const end = (): void => {
  process.kill(process.pid, 'SIGKILL')
}

read(DESCRIPTOR.lifeline, Buffer.alloc(1), 0, 1, null, end)
let backstop: NodeJS.Timeout | undefined
parentPort?.on('message', (backstopMs: number | null) => {
  clearTimeout(backstop)
  if (backstopMs !== null) backstop = setTimeout(end, backstopMs)
})
parentPort?.postMessage('ready')
