import { createRequire } from 'node:module'
import { SoukError } from '../protocol/errors.ts'

type Secp256k1 = typeof import('secp256k1')
export type Secp256k1Backend = { readonly native: true } | { readonly native: false; readonly why: string }

let loaded: Secp256k1 | undefined

/**
 * The native libsecp256k1. The package's main file falls back to JavaScript without a word, thirty times as
 * slow and not constant-time, so its binding is asked for by name. Loaded on first use.
 * @throws SoukError START_FAILED where the binding does not load.
 */
export function secp256k1(): Secp256k1 {
  if (loaded !== undefined) return loaded
  try {
    loaded = createRequire(import.meta.url)('secp256k1/bindings.js') as Secp256k1
    return loaded
  } catch (cause) {
    const reason = `the native secp256k1 binding does not load: ${cause instanceof Error ? cause.message : String(cause)}`
    throw new SoukError({
      code: 'START_FAILED',
      message: `Signatures cannot be made or checked: ${reason}`,
      details: { reason },
      hint: 'Install again on this machine (`npm rebuild secp256k1`; without a prebuilt binary that needs a C++ compiler).',
      cause,
    })
  }
}

/** Whether the native binding loads here, for a diagnosis; never throws. */
export function secp256k1Backend(): Secp256k1Backend {
  try {
    secp256k1()
    return { native: true }
  } catch (thrown) {
    return { native: false, why: SoukError.from(thrown).message }
  }
}
