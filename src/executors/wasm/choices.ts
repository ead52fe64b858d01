/** Whose WASI preview 1: ours, or `@wasmer/wasi` for what it can be trusted with and ours for the rest. */
export const WASM_HOSTS = ['souk', 'wasmer'] as const
export type WasmHost = (typeof WASM_HOSTS)[number]

/** Whether one sandbox process may run several tasks in turn, and whose. */
export const WASM_REUSES = ['never', 'same-requester'] as const
export type WasmReuse = (typeof WASM_REUSES)[number]
