import type { DirectoryNode } from '../host/nodes.ts'
import type { ComponentHost } from './component-host.ts'
import { Descriptor, DirectoryEntryStream, filesystemErrorCode, getDirectories } from './wasi-filesystem.ts'
import { InputStream, IoError, OutputStream, poll, Pollable } from './wasi-io.ts'
import { dateTime } from './wasi-times.ts'

type Interface = Readonly<Record<string, unknown>>
/** What the generated JavaScript takes its imports from, by interface without version. */
export type ComponentImports = Readonly<Record<string, Interface>>

/** There are no terminals: these two only have to be there. */
class TerminalInput {}
class TerminalOutput {}

/** Without a prototype, so that no name which a component makes up means anything, and frozen. */
function closed<T>(members: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.freeze(Object.assign(Object.create(null) as Record<string, T>, members))
}

const U64 = 8

/** Every function and resource of WASI 0.2 that a component may import, for one task. */
export function wasiImports(
  host: ComponentHost,
  folders: readonly { readonly name: string; readonly node: DirectoryNode }[],
): ComponentImports {
  const { parts } = host
  const { clock, random } = parts
  const randomBytes = (length: bigint): Uint8Array =>
    host.call(() => {
      const bytes = new Uint8Array(host.checkMemory(length))
      random.fill(bytes)
      return bytes
    })
  const randomNumber = (): bigint =>
    host.call(() => {
      const bytes = new Uint8Array(U64)
      random.fill(bytes)
      return new DataView(bytes.buffer).getBigUint64(0, true)
    })
  const wait = (dueNs: () => bigint): Pollable => host.call(() => new Pollable(host, { dueNs: dueNs() }))
  const noTerminal = (): undefined => host.call(() => undefined)

  const interfaces: Record<string, Interface> = {
    'wasi:cli/environment': {
      getEnvironment: () => host.call(() => Object.entries(parts.env)),
      getArguments: () => host.call(() => [...parts.args]),
      initialCwd: () => host.call(() => parts.workdir),
    },
    'wasi:cli/exit': {
      exit: (status: { readonly tag: 'ok' | 'err' }) => host.call(() => host.exit(status.tag === 'ok' ? 0 : 1)),
      exitWithCode: (code: number) => host.call(() => host.exit(code)),
    },
    'wasi:cli/stdin': { getStdin: () => host.call(() => new InputStream(host, { kind: 'stdin' })) },
    'wasi:cli/stdout': { getStdout: () => host.call(() => new OutputStream(host, { kind: 'stdout' })) },
    'wasi:cli/stderr': { getStderr: () => host.call(() => new OutputStream(host, { kind: 'stderr' })) },
    'wasi:cli/terminal-input': { TerminalInput },
    'wasi:cli/terminal-output': { TerminalOutput },
    'wasi:cli/terminal-stdin': { getTerminalStdin: noTerminal },
    'wasi:cli/terminal-stdout': { getTerminalStdout: noTerminal },
    'wasi:cli/terminal-stderr': { getTerminalStderr: noTerminal },
    'wasi:io/error': { Error: IoError },
    'wasi:io/poll': { Pollable, poll: (pollables: readonly Pollable[]) => poll(host, pollables) },
    'wasi:io/streams': { InputStream, OutputStream },
    'wasi:clocks/monotonic-clock': {
      now: () => host.call(() => clock.monotonicNs()),
      resolution: () => host.call(() => clock.resolutionNs),
      subscribeInstant: (when: bigint) => wait(() => when),
      subscribeDuration: (duration: bigint) => wait(() => clock.monotonicNs() + duration),
    },
    'wasi:clocks/wall-clock': {
      now: () => host.call(() => dateTime(clock.realtimeNs())),
      resolution: () => host.call(() => dateTime(clock.resolutionNs)),
    },
    'wasi:filesystem/types': {
      Descriptor,
      DirectoryEntryStream,
      filesystemErrorCode: (error: IoError) => filesystemErrorCode(host, error),
    },
    'wasi:filesystem/preopens': { getDirectories: () => getDirectories(host, folders) },
    'wasi:random/random': { getRandomBytes: randomBytes, getRandomU64: randomNumber },
    'wasi:random/insecure': { getInsecureRandomBytes: randomBytes, getInsecureRandomU64: randomNumber },
    'wasi:random/insecure-seed': { insecureSeed: () => [randomNumber(), randomNumber()] },
  }
  return closed(Object.fromEntries(Object.entries(interfaces).map(([name, members]) => [name, closed(members)])))
}
