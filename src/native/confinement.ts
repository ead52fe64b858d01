import type { Confinement, ConfinedProcess, ConfinedProgram } from '../executors/ports.ts'
import { sandboxFailed } from './failures.ts'
import { layersOf } from './isolation.ts'
import type { Launcher } from './launcher.ts'
import type { LauncherConnection } from './launcher-connection.ts'
import { createRecordWriter } from './launcher-records.ts'
import { parseFailure, parseReport, type Hello } from './report.ts'
import {
  addArguments,
  addBind,
  addEnvironment,
  addIdentity,
  addLimits,
  addRoot,
  REQUEST,
  REQUEST_KIND,
  type Identity,
} from './request.ts'

const TO_TASK = 0
const FROM_TASK = 1
type End = Awaited<ConfinedProcess['ended']>

/** Programs of the host's own /usr, confined by the launcher, which has said what it is. */
export function createConfinement({
  launcher,
  hello,
  ...identity
}: Identity & { readonly launcher: Launcher; readonly hello: Hello }): Confinement {
  return {
    layers: layersOf(hello, identity.uid),
    async start(program) {
      const ofDirection = (wanted: 'in' | 'out'): number[] =>
        program.channels.filter(({ direction }) => direction === wanted).map(({ descriptor }) => descriptor)
      const [inputs, outputs] = [ofDirection('in'), ofDirection('out')]
      const connection = await launcher.connect({ inputs: [0, ...inputs], outputs: [1, 2, ...outputs] })
      try {
        connection.request(requestFor(program, identity))
        const pid = await started(connection)
        return {
          pid,
          stdin: connection.input(0),
          stdout: connection.output(1),
          stderr: connection.output(2),
          inputs: new Map(inputs.map((descriptor) => [descriptor, connection.input(descriptor)])),
          outputs: new Map(outputs.map((descriptor) => [descriptor, connection.output(descriptor)])),
          ended: endOf(connection),
          kill: () => connection.kill(),
          destroy: () => connection.destroy(),
        }
      } catch (error) {
        connection.destroy()
        throw error
      }
    },
  }
}

function requestFor(program: ConfinedProgram, identity: Identity): Buffer {
  const records = createRecordWriter()
  records.number(REQUEST.kind, REQUEST_KIND.run)
  addRoot(records, { kind: 'usr' })
  records.text(REQUEST.program, program.program)
  addArguments(records, program.args)
  addEnvironment(records, program.env)
  for (const bind of program.binds) addBind(records, bind)
  for (const { descriptor, direction } of program.channels)
    records.bytes(REQUEST.channel, Buffer.of(descriptor, direction === 'in' ? TO_TASK : FROM_TASK))
  addIdentity(records, identity)
  addLimits(records, program.limits)
  return records.end()
}

async function started(connection: LauncherConnection): Promise<number> {
  const frame = await connection.next().catch((error: unknown) => {
    throw sandboxFailed(error instanceof Error ? error.message : String(error), error)
  })
  if (frame.kind === 'started') return frame.pid
  throw sandboxFailed(frame.kind === 'failed' ? parseFailure(frame.records).message : `it began with ${frame.kind}`)
}

async function endOf(connection: LauncherConnection): Promise<End> {
  try {
    const frame = await connection.next()
    if (frame.kind === 'report') return endIn(parseReport(frame.records).outcome)
  } catch {
    // What is left of it the launcher ends by itself; it closes the connection after that.
  }
  await connection.close()
  return { code: null, signal: null }
}

/** As Node tells of a child; whatever the launcher did to it was done with SIGKILL. */
function endIn(outcome: ReturnType<typeof parseReport>['outcome']): End {
  if (outcome?.kind === 'exited') return { code: outcome.code, signal: null }
  return { code: null, signal: outcome?.kind === 'killed' ? (outcome.signal as NodeJS.Signals) : 'SIGKILL' }
}
