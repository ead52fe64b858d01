import assert from 'node:assert/strict'
import type { Outcome } from '../../../src/protocol/execution.ts'
import type { LimitName } from '../../../src/protocol/limits.ts'
import type { Behaviour, Expected } from '../../conformance/behaviours.ts'
import type { Ran } from '../../conformance/executor-conformance.ts'

export const MiB = 1024 * 1024
export const PAGE_BYTES = 65_536

/** Why a module is not run: what the refusal names, and what it says. */
export interface Refusal {
  /** Feature, import or export; that there is none where it is `undefined`. */
  readonly named: string | undefined
  readonly says?: RegExp
}

/** A module or a program for WebAssembly, and what has to come of it. */
export interface WasmAttack extends Omit<Behaviour, 'program' | 'expected' | 'in' | 'cancel'> {
  /** A module, made when its turn has come; or the name of a C program of test/escape/wasm/programs. */
  readonly tries: (() => Uint8Array) | string
  /** Refused before it has started, or run to this end. */
  readonly comesTo: Refusal | Expected
  /** Run so that it comes to the same everywhere, from this seed. */
  readonly deterministic?: { readonly seed: string }
  /** What else must hold; throws where it does not. */
  readonly verify?: (ran: Ran) => void
  /** Attacks that are in it: a program makes many at once where none keeps it from the next. */
  readonly holds?: number
}

export const exited = (code = 0): Outcome => ({ kind: 'exited', code })
export const limit = (name: LimitName): Outcome => ({ kind: 'limit', limit: name })
/** It ran to its own end, and nothing held it back. */
export const UNHURT: Expected = { outcome: exited() }
/** It ran to its own end, and was not given all the memory that it asked for. */
export const MEMORY_REFUSED: Expected = { outcome: exited(), limitsHit: ['memory'] }
/** Not a WebAssembly module, or not one that is valid. */
export const INVALID: Refusal = { named: undefined }

/** An attack by a program that prints `what number` for each of its attempts; these are all of them. */
export function answers(
  program: string,
  expected: Readonly<Record<string, number>>,
): Pick<WasmAttack, 'tries' | 'holds' | 'verify'> {
  return {
    tries: program,
    holds: Object.keys(expected).length,
    verify({ stdout }) {
      const lines = stdout.toString().trimEnd().split('\n')
      const seen = lines.map((line) => {
        const cut = line.lastIndexOf(' ')
        return [line.slice(0, cut), Number(line.slice(cut + 1))] as const
      })
      assert.deepEqual(Object.fromEntries(seen), expected)
      assert.equal(seen.length, Object.keys(expected).length, 'each is tried once')
    },
  }
}
