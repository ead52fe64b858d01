import { checkCommand, type HostSignatures } from './check-command.ts'
import { inspectModule } from './inspect.ts'
import { rewriteModule, type RewrittenModule } from './rewrite.ts'

/**
 * From the bytes of a WASI command, whoever wrote them, to what is compiled.
 *
 * @throws ModuleRefused naming what is wrong: malformed, a feature, an import, a missing export.
 */
export function rewriteCommand(
  bytes: Uint8Array,
  options: { readonly host: HostSignatures; readonly fuel: boolean; readonly deterministic: boolean },
): RewrittenModule {
  const shape = inspectModule(bytes)
  checkCommand(shape, options.host)
  return rewriteModule(shape, { ...options, meters: 'own' })
}
