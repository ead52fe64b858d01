/** Who holds a task's blobs in the store: its inputs until it is settled, its outputs for as long as results are kept. */
export const inputHolder = (taskId: string): string => `${taskId}:inputs`
export const outputHolder = (taskId: string): string => `${taskId}:outputs`
