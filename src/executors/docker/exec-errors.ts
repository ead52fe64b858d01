import { constants } from 'node:os'
import { invalidTask } from '../run-failures.ts'
import { containerFailed } from './failures.ts'

/** Errors of execve(2) that are the doing of the task or its image. */
const EXEC_ERRORS: Readonly<Record<number, string>> = {
  [constants.errno.ENOENT]: 'there is no such program in the image, or the loader that it names',
  [constants.errno.EACCES]: 'it may not be executed',
  [constants.errno.EPERM]: 'it may not be executed',
  [constants.errno.ENOEXEC]: 'it is no program for this machine, and names no interpreter',
  [constants.errno.ENOTDIR]: 'a part of its path is no folder',
  [constants.errno.EISDIR]: 'it is a folder',
  [constants.errno.ELOOP]: 'its path has too many links',
  [constants.errno.ENAMETOOLONG]: 'its path is too long',
  [constants.errno.E2BIG]: 'arguments and environment are too long together',
  [constants.errno.ENOMEM]: 'there is not enough memory to start it',
}

/** Why a task's program was not started, by the errno that its first process tells. */
export function notExecuted(errno: number): Error {
  const why = EXEC_ERRORS[errno]
  if (why !== undefined) return invalidTask('command', `its program cannot be run: ${why}`)
  return containerFailed(`the task's program could not be executed (errno ${errno})`)
}
