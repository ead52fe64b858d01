import { trap } from './component-host.ts'

type Call = (...values: readonly unknown[]) => unknown

/** What a call of the generated JavaScript is counted as: above what it takes of the stack, compiled or not, on any machine. */
const CALL_BYTES = 4096

/**
 * Counts the calls by which a deterministic component gets into the generated JavaScript. That may call the component
 * again, for a destructor or for memory to put an answer in: a recursion whose frames no meter in a module sees.
 */
export class CountedCalls {
  readonly #depth: WebAssembly.Global
  /** Functions of core modules, which count themselves. */
  readonly #guests = new WeakSet<Call>()

  constructor({ depth }: { readonly depth: WebAssembly.Global }) {
    this.#depth = depth
  }

  get #leftBytes(): number {
    return Number(this.#depth.value)
  }

  set #leftBytes(bytes: number) {
    this.#depth.value = bytes
  }

  noteGuests({ exports }: WebAssembly.Instance): void {
    for (const exported of Object.values(exports)) if (typeof exported === 'function') this.#guests.add(exported)
  }

  /** What a core module imports, each function that is none of another core module counted. */
  counted(imported: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(imported).map(([module, members]) => [
        module,
        Object.fromEntries(Object.entries(members as object).map(([name, member]) => [name, this.#count(member)])),
      ]),
    )
  }

  #count(member: unknown): unknown {
    if (typeof member !== 'function' || this.#guests.has(member as Call)) return member
    const call = member as Call
    return (...values: readonly unknown[]): unknown => {
      this.#leftBytes -= CALL_BYTES
      // Below 0 it tells what the trap was; after any other trap nothing looks at it.
      if (this.#leftBytes < 0) trap('calls go deeper than the stack of the task')
      const answer = call(...values)
      this.#leftBytes += CALL_BYTES
      return answer
    }
  }
}
