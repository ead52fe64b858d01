import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { startLauncher, type Launcher } from '../src/native/launcher.ts'

/** A launcher of this run's own. */
export function benchLauncher({
  dir,
  cleanUp,
}: {
  readonly dir: string
  readonly cleanUp: AsyncDisposableStack
}): Launcher {
  const launcher = startLauncher({
    stateDir: join(dir, 'launcher'),
    instance: `bench-${randomBytes(6).toString('hex')}`,
  })
  cleanUp.defer(() => launcher.close())
  return launcher
}
