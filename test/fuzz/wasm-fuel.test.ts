import assert from 'node:assert/strict'
import fc from 'fast-check'
import { inspectModule } from '../../src/executors/wasm/module/inspect.ts'
import { compileModule } from '../../src/executors/wasm/module/compile.ts'
import { rewriteModule } from '../../src/executors/wasm/module/rewrite.ts'
import { concat, u32 } from '../../src/executors/wasm/module/writer.ts'
import { exported, wasmModule } from '../fixtures/wasm-module.ts'

/** A program of blocks whose every decision the host makes; `depth` is how many labels out a branch goes. */
type Node =
  | { readonly kind: 'nop' | 'return' }
  | { readonly kind: 'block' | 'loop'; readonly body: readonly Node[] }
  | { readonly kind: 'if'; readonly body: readonly Node[]; readonly otherwise: readonly Node[] | undefined }
  | { readonly kind: 'br' | 'br_if'; readonly depth: number }
  | { readonly kind: 'br_table'; readonly depths: readonly number[] }
  | { readonly kind: 'call' | 'return_call'; readonly callee: number }

const FUNCTIONS = 4
const MOST_NODES = 40
/** After so many decisions each is 0: no branch back is taken any more. */
const DECISIONS = 300

/** Builds function `index` out of numbers that a property draws; only later functions are called. */
class Builder {
  readonly #numbers: readonly number[]
  #next = 0
  #nodes = 0

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers
  }

  #draw(below: number): number {
    const number = this.#numbers[this.#next] ?? 0
    this.#next += 1
    return number % below
  }

  function(index: number): readonly Node[] {
    this.#nodes = 0
    const later = Array.from({ length: FUNCTIONS - index - 1 }, (_, place) => index + 1 + place)
    return [...later.map((callee) => ({ kind: 'call' as const, callee })), ...this.#body(index, [false])]
  }

  #body(index: number, loops: readonly boolean[]): readonly Node[] {
    return Array.from({ length: 1 + this.#draw(5) }, () => this.#node(index, loops))
  }

  #node(index: number, loops: readonly boolean[]): Node {
    this.#nodes += 1
    const inner = (loop: boolean): readonly Node[] => this.#body(index, [loop, ...loops])
    switch (this.#nodes > MOST_NODES ? 0 : this.#draw(20)) {
      case 1:
      case 2:
        return { kind: 'block', body: inner(false) }
      case 3:
      case 4:
        return { kind: 'loop', body: inner(true) }
      case 5:
        return { kind: 'if', body: inner(false), otherwise: this.#draw(2) === 0 ? undefined : inner(false) }
      case 6:
      case 7:
        return { kind: 'br_if', depth: this.#draw(loops.length) }
      case 8: {
        // Without a decision there is no way back: the program ends.
        const depth = this.#draw(loops.length)
        return loops[depth] === true ? { kind: 'br_if', depth } : { kind: 'br', depth }
      }
      case 9: {
        const depths = Array.from({ length: 1 + this.#draw(4) }, () => this.#draw(loops.length))
        return { kind: 'br_table', depths: [loops.length - 1, ...depths] }
      }
      case 10:
      case 12:
        return index + 1 < FUNCTIONS ? { kind: 'call', callee: index + 1 } : { kind: 'nop' }
      case 11:
        return this.#draw(3) > 0 || index + 1 >= FUNCTIONS
          ? { kind: 'return' }
          : { kind: 'return_call', callee: index + 1 }
      default:
        return { kind: 'nop' }
    }
  }
}

const DECIDE = [0x10, 0]
const code = (nodes: readonly Node[]): number[] => nodes.flatMap((node) => codeOf(node))

function codeOf(node: Node): number[] {
  switch (node.kind) {
    case 'nop':
      return [0x01]
    case 'return':
      return [0x0f]
    case 'block':
      return [0x02, 0x40, ...code(node.body), 0x0b]
    case 'loop':
      return [0x03, 0x40, ...code(node.body), 0x0b]
    case 'if':
      return [
        ...DECIDE,
        0x04,
        0x40,
        ...code(node.body),
        ...(node.otherwise === undefined ? [] : [0x05, ...code(node.otherwise)]),
        0x0b,
      ]
    case 'br':
      return [0x0c, ...u32(node.depth)]
    case 'br_if':
      return [...DECIDE, 0x0d, ...u32(node.depth)]
    case 'br_table':
      return [...DECIDE, 0x0e, ...u32(node.depths.length - 1), ...node.depths.flatMap(u32)]
    case 'call':
      return [0x10, ...u32(1 + node.callee)]
    case 'return_call':
      return [0x12, ...u32(1 + node.callee)]
  }
}

/** Runs a program step by step, and counts the steps. */
class Interpreter {
  instructions = 0
  readonly #functions: readonly (readonly Node[])[]
  readonly #decide: () => number

  constructor(functions: readonly (readonly Node[])[], decide: () => number) {
    this.#functions = functions
    this.#decide = decide
  }

  call(index: number): void {
    this.#body(this.#functions[index] ?? [])
  }

  /** Returns how many labels further out it goes on; undefined where it goes on after. */
  #body(nodes: readonly Node[]): number | undefined {
    for (const node of nodes) {
      const out = this.#node(node)
      if (out !== undefined) return out
    }
    return undefined
  }

  #node(node: Node): number | undefined {
    const RETURN = 1_000_000
    this.instructions += node.kind === 'if' || node.kind === 'br_if' || node.kind === 'br_table' ? 2 : 1
    switch (node.kind) {
      case 'nop':
        return undefined
      case 'return':
        return RETURN
      case 'block':
        return outOf(this.#body(node.body))
      case 'loop': {
        let out = this.#body(node.body)
        while (out === 0) out = this.#body(node.body)
        return outOf(out)
      }
      case 'if':
        return outOf(this.#body(this.#decide() === 0 ? (node.otherwise ?? []) : node.body))
      case 'br':
        return node.depth
      case 'br_if':
        return this.#decide() === 0 ? undefined : node.depth
      case 'br_table':
        return node.depths[Math.min(this.#decide(), node.depths.length - 1)]
      case 'call':
        this.call(node.callee)
        return undefined
      case 'return_call':
        this.call(node.callee)
        return RETURN
    }
  }
}

const outOf = (out: number | undefined): number | undefined => (out === undefined || out === 0 ? undefined : out - 1)

function decider(seed: readonly number[]): () => number {
  let made = 0
  return () => {
    made += 1
    return made > DECISIONS ? 0 : Math.max(0, (seed[made % seed.length] ?? 0) - 6)
  }
}

describe('fuzz: fuel', function () {
  this.timeout(120_000)

  it('is what a program executes, one by one, however its blocks lie, with either compiler', () => {
    fc.assert(
      fc.property(
        fc.noBias(fc.array(fc.nat(10_000), { minLength: 200, maxLength: 500 })),
        fc.noBias(fc.array(fc.nat(9), { minLength: 1, maxLength: 40 })),
        fc.boolean(),
        fc.boolean(),
        (numbers, seed, deterministic, optimise) => {
          const builder = new Builder(numbers)
          const functions = Array.from({ length: FUNCTIONS }, (_, index) => builder.function(index))
          const bytes = wasmModule({
            types: [[[], [0x7f]]],
            imports: [{ module: 'host', name: 'decide', description: [0, 1] }],
            bodies: functions.map((nodes) => [0, ...code(nodes), 0x0b]),
            exports: [exported('memory', 2, 0), exported('_start', 0, 1)],
          })
          assert.ok(WebAssembly.validate(bytes), 'the program is valid')
          const rewritten = rewriteModule(inspectModule(bytes), { fuel: true, deterministic, meters: 'own' })
          const interpreter = new Interpreter(functions, decider(seed))
          interpreter.call(0)

          // V8 keeps what it compiled by its bytes, whichever compiler that was.
          const module = compileModule(optimise ? rewritten.bytes : concat([rewritten.bytes, [0, 2, 1, 0x61]]), {
            optimise,
          })
          const { exports } = new WebAssembly.Instance(module, { host: { decide: decider(seed) } })
          const [fuel, depth, start] = [rewritten.exports.fuel, rewritten.exports.depth, '_start'].map(
            (named) => exports[named ?? ''],
          )
          assert.ok(fuel instanceof WebAssembly.Global && typeof start === 'function')
          fuel.value = 1n << 50n
          if (depth instanceof WebAssembly.Global) depth.value = 100_000
          start()
          assert.equal((1n << 50n) - BigInt(fuel.value), BigInt(interpreter.instructions))
          if (depth instanceof WebAssembly.Global) assert.equal(depth.value, 100_000)
        },
      ),
      { numRuns: 1500 },
    )
  })
})
