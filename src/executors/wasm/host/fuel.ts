/** Where a metered module may run as long as it likes: more than anything runs. */
const UNLIMITED = 2n ** 62n

/** The fuel of a metered module: one for each instruction that it may still run. */
export interface FuelTank {
  /** It went below zero: the guest has run more than it may. */
  isEmpty(): boolean
  /** Never more than there was. */
  used(): number
}

/**
 * Fills the global that the module's meter draws on. Undefined where the module has no meter.
 *
 * @param limit how much there is; as good as endless where absent
 */
export function fuelTank(left: WebAssembly.Global | undefined, limit: number | undefined): FuelTank | undefined {
  if (left === undefined) return undefined
  const full = limit === undefined ? UNLIMITED : BigInt(limit)
  left.value = full
  return {
    isEmpty: () => left.value < 0n,
    used: () => Number(left.value < 0n ? full : full - BigInt(left.value)),
  }
}
