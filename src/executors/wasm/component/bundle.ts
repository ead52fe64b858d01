import { COMPONENT_VERSION } from './format.ts'

/**
 * A transpiled component in one piece: a little-endian u32, that many bytes of JSON, the generated JavaScript, then
 * each core module. It is made by a process that a component may have taken over, so reading one checks everything.
 */
export interface Bundle {
  /** The body of a function that returns jco's `instantiate`. */
  readonly javascript: string
  /** The name of the component's `wasi:cli/run`, version and all. */
  readonly entry: string
  /** Its core modules count fuel. */
  readonly metered: boolean
  readonly modules: readonly BundledModule[]
}

export interface BundledModule {
  /** Under which the JavaScript asks for it. */
  readonly name: string
  readonly bytes: Uint8Array
  /** Memory and tables that it starts with. */
  readonly initialBytes: number
  /** Its start function, which the host calls in place of the engine. */
  readonly startExport: string | undefined
}

export class BundleBroken extends Error {
  override readonly name = 'BundleBroken'
}

const LENGTH_BYTES = 4
const MAX_HEADER_BYTES = 256 * 1024
export const MAX_CORE_MODULES = 64
const MAX_NAME_CHARACTERS = 200
const MAX_INITIAL_BYTES = 2 ** 48

export function encodeBundle({ javascript, entry, metered, modules }: Bundle): Uint8Array {
  const script = Buffer.from(javascript)
  const header = Buffer.from(
    JSON.stringify({
      version: COMPONENT_VERSION,
      entry,
      metered,
      javascriptBytes: script.length,
      modules: modules.map(({ name, bytes, initialBytes, startExport }) => ({
        name,
        bytes: bytes.length,
        initialBytes,
        startExport,
      })),
    }),
  )
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32LE(header.length)
  return Buffer.concat([length, header, script, ...modules.map(({ bytes }) => bytes)])
}

/** @throws BundleBroken when it is not what {@link encodeBundle} makes */
export function decodeBundle(bytes: Uint8Array): Bundle {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headerBytes = bytes.length < LENGTH_BYTES ? broken('it is too short') : view.getUint32(0, true)
  if (headerBytes > MAX_HEADER_BYTES || headerBytes > bytes.length - LENGTH_BYTES) broken('its header is too long')
  let offset = LENGTH_BYTES
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - offset) broken('it ends early')
    offset += length
    return bytes.subarray(offset - length, offset)
  }
  const header = readHeader(text(take(headerBytes)))
  const javascript = text(take(header.javascriptBytes))
  const modules = header.modules.map((module) => ({ ...module, bytes: take(module.bytes) }))
  if (offset !== bytes.length) broken('it is longer than it says')
  return { entry: header.entry, metered: header.metered, javascript, modules }
}

function broken(why: string): never {
  throw new BundleBroken(`the bundle of a component is broken: ${why}`)
}

function text(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return broken('it is not UTF-8')
  }
}

interface Header {
  readonly entry: string
  readonly metered: boolean
  readonly javascriptBytes: number
  readonly modules: readonly (Omit<BundledModule, 'bytes'> & { readonly bytes: number })[]
}

type Fields = ReadonlyMap<string, unknown>

function readHeader(json: string): Header {
  let parsed: unknown
  try {
    parsed = JSON.parse(json)
  } catch {
    broken('its header is no JSON')
  }
  const header = fields(parsed)
  if (header.get('version') !== COMPONENT_VERSION) broken('it is of another version')
  const modules = header.get('modules')
  if (!Array.isArray(modules) || modules.length > MAX_CORE_MODULES) broken('its core modules')
  return {
    entry: aName(header, 'entry'),
    metered: header.get('metered') === true,
    javascriptBytes: aSize(header, 'javascriptBytes'),
    modules: modules.map((module: unknown) => {
      const own = fields(module)
      return {
        name: aName(own, 'name'),
        bytes: aSize(own, 'bytes'),
        initialBytes: aSize(own, 'initialBytes'),
        startExport: own.has('startExport') ? aName(own, 'startExport') : undefined,
      }
    }),
  }
}

function fields(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) broken('its header has another form')
  return new Map(Object.entries(value))
}

function aName(of: Fields, field: string): string {
  const value = of.get(field)
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME_CHARACTERS
    ? value
    : broken(`${field} is no name`)
}

function aSize(of: Fields, field: string): number {
  const value = of.get(field)
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MAX_INITIAL_BYTES
    ? value
    : broken(`${field} is no size`)
}
