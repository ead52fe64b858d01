/** Raised whenever the same component would come out of the transpiler otherwise: bundles of another version are not used. */
export const COMPONENT_VERSION = 1

/** The first eight bytes of a component: the magic number, version 13, layer 1 (component-model, Binary.md). */
const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00]

/** Whether a file is a component, from its first eight bytes; a core module is not. */
export function isComponent(first: Uint8Array): boolean {
  return PREAMBLE.every((byte, index) => first[index] === byte)
}
