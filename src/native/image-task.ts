import type { ImageConfig } from '../artifacts/oci-image.ts'
import type { NativeTask } from '../executors/executor.ts'
import { invalidTask } from '../executors/run-failures.ts'

/** What an engine gives a container whose image says nothing of it (moby, daemon/pkg/oci: DefaultPathEnv). */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * The task as its image has it run, by the rules of Docker: a command is the arguments of the entrypoint and takes the
 * place of the image's own (Dockerfile reference, "Understand how CMD and ENTRYPOINT interact"); variables of the task
 * come over those of the image; its user is the sandbox's, whatever the image says.
 *
 * @throws SoukError INVALID_INPUT where neither says what to run.
 */
export function taskInImage(task: NativeTask, { entrypoint, cmd, env, workdir }: ImageConfig): NativeTask {
  const command = [...entrypoint, ...(task.command.length > 0 ? task.command : cmd)]
  if ((command[0] ?? '') === '') throw invalidTask('command', 'it is empty, and the image says nothing of what to run')
  const variables = env.map((variable): [string, string] => {
    const end = variable.indexOf('=')
    return [variable.slice(0, end), variable.slice(end + 1)]
  })
  return {
    ...task,
    command,
    env: { PATH: DEFAULT_PATH, ...Object.fromEntries(variables), ...task.env },
    workdir: task.workdir ?? workdir,
  }
}
