import { readdirSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { identify, type ProcessIdentity } from './proc.ts'

/** Which sandbox processes this instance has, on disk, so that a successor can end those of a dead node. */
export interface ProcessRecords {
  add(pid: number): void
  remove(pid: number): void
  /** Kills what is recorded, still runs and is not ours; returns how many there were. */
  reap(): number
}

/** Recorded in `instanceDir`/wasm-processes, one file each, named by its number. */
export function createProcessRecords(instanceDir: string): ProcessRecords {
  const folder = join(instanceDir, 'wasm-processes')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const own = new Set<number>()
  const fileOf = (pid: number): string => join(folder, String(pid))

  const reapOne = (name: string): boolean => {
    const recorded = readRecord(join(folder, name))
    const running = recorded && identify(recorded.pid)
    const same =
      running !== undefined && running.startTicks === recorded?.startTicks && running.bootId === recorded.bootId
    if (same) killIfThere(running.pid)
    rmSync(join(folder, name), { force: true })
    return same
  }
  return {
    add(pid) {
      own.add(pid)
      writeFileSync(fileOf(pid), JSON.stringify(identify(pid) ?? { pid }), { mode: 0o600 })
    },
    remove(pid) {
      own.delete(pid)
      rmSync(fileOf(pid), { force: true })
    },
    reap: () => readdirSync(folder).filter((name) => !own.has(Number(name)) && reapOne(name)).length,
  }
}

function readRecord(file: string): ProcessIdentity | undefined {
  try {
    const record = JSON.parse(readFileSync(file, 'utf8')) as Partial<ProcessIdentity>
    const { pid, startTicks, bootId } = record
    return Number.isInteger(pid) &&
      pid !== undefined &&
      pid > 1 &&
      typeof startTicks === 'string' &&
      typeof bootId === 'string'
      ? { pid, startTicks, bootId }
      : undefined
  } catch {
    return undefined
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
