import { isSoukError, type SoukError } from '../../../protocol/errors.ts'
import { transpileComponent, type TranspileOptions } from './transpile-component.ts'

export interface TranspileRequest extends Pick<TranspileOptions, 'component' | 'meters' | 'signal'> {
  /** What tells it from every other: its digest, and how it is rewritten. */
  readonly key: string
}

/**
 * Transpiles components one at a time, each once for all who wait for it: nobody pays for that, and what it takes is no part of
 * what tasks have been given. Who sends again what was refused is told so from memory for a while.
 */
export interface Transpiler {
  /** @throws SoukError MODULE_REFUSED, EXECUTOR_FAILED; the signal's reason when it aborts */
  transpile(request: TranspileRequest): Promise<Uint8Array>
}

const REMEMBERED_MS = 60_000
const MAX_REMEMBERED = 1000

interface Flight {
  readonly controller: AbortController
  readonly bundle: Promise<Uint8Array>
  waiting: number
}

export function createTranspiler(
  settings: Pick<TranspileOptions, 'timeoutMs' | 'records' | 'confinement'>,
): Transpiler {
  const flights = new Map<string, Flight>()
  const refusals = new Map<string, { readonly error: SoukError; readonly untilMs: number }>()
  let last: Promise<unknown> = Promise.resolve()

  const remember = (key: string, error: SoukError): void => {
    const [oldest] = refusals.keys()
    if (refusals.size >= MAX_REMEMBERED && oldest !== undefined) refusals.delete(oldest)
    refusals.set(key, { error, untilMs: performance.now() + REMEMBERED_MS })
  }
  const begin = ({ key, component, meters }: TranspileRequest): Flight => {
    const controller = new AbortController()
    const { signal } = controller
    const bundle = last.then(async () => {
      try {
        return await transpileComponent({ ...settings, component, meters, signal })
      } catch (error) {
        if (isSoukError(error, 'MODULE_REFUSED')) remember(key, error)
        throw error
      } finally {
        if (flights.get(key)?.controller === controller) flights.delete(key)
      }
    })
    last = bundle.catch(() => {})
    const flight = { controller, bundle, waiting: 0 }
    flights.set(key, flight)
    return flight
  }
  return {
    async transpile(request) {
      const { key, signal } = request
      signal.throwIfAborted()
      const refused = refusals.get(key)
      if (refused !== undefined && refused.untilMs > performance.now()) throw refused.error
      const flight = flights.get(key) ?? begin(request)
      flight.waiting += 1
      const { promise: aborted, reject } = Promise.withResolvers<never>()
      const onAbort = (): void => reject(signal.reason as Error)
      signal.addEventListener('abort', onAbort)
      try {
        return await Promise.race([flight.bundle, aborted])
      } finally {
        signal.removeEventListener('abort', onAbort)
        flight.waiting -= 1
        // Nobody may join what is being given up.
        if (flight.waiting === 0 && flights.get(key) === flight) {
          flights.delete(key)
          flight.controller.abort(new Error('nobody waits for it any more'))
        }
      }
    },
  }
}
