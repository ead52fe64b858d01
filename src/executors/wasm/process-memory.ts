/** What a sandbox process may hold besides the task's own memory: Node, V8, code compiled from each byte of module. */
const PROCESS_BYTES = 384 * 1024 * 1024
const CODE_BYTES_PER_MODULE_BYTE = 32

/** The most memory that the process of a task may hold: the task's own, and what running it takes. */
export function processBytes(task: { readonly memoryBytes: number; readonly moduleBytes: number }): number {
  return PROCESS_BYTES + task.memoryBytes + CODE_BYTES_PER_MODULE_BYTE * task.moduleBytes
}
