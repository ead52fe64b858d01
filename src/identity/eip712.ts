import { Buffer } from 'node:buffer'
import { keccak256 } from './keccak.ts'

/** A member of a struct. `type` is `string`, `bool`, `address`, `bytes32`, `int64`, `uint64`, `uint256`, a struct, or one of these and `[]`. */
export interface TypedField {
  readonly name: string
  readonly type: string
}
export type TypedStructs = Readonly<Record<string, readonly TypedField[]>>
/** Hex strings for `bytes32` and `address`, integers for the numbers, arrays and objects for the rest. */
export type TypedValue =
  | string
  | boolean
  | number
  | bigint
  | readonly TypedValue[]
  | { readonly [field: string]: TypedValue }

const WORD_BYTES = 32
const UINT64_END = 1n << 64n
const UINT256_END = 1n << 256n
const INT64_END = 1n << 63n

/** A value has no encoding of its own: to hash it would give two values one hash. */
export class UnencodableError extends Error {
  override readonly name = 'UnencodableError'
  /** Dotted path of the value. */
  readonly path: string

  constructor(path: string, message: string) {
    super(message)
    this.path = path
  }
}

/** Hashes `value` as the struct it was made for. */
export type StructHasher = (value: TypedValue) => Uint8Array

type Encoder = (value: TypedValue, path: string) => Uint8Array

/**
 * The `hashStruct` of EIP-712 for one struct: keccak-256 over the hash of its type and its encoded members.
 * Everything about the types is computed here, once; ethers' TypedDataEncoder gives the same hashes three times
 * as slowly. Unlike there, text that is no well-formed Unicode and numbers out of range are errors.
 */
export function structHasher({
  structs,
  name,
}: {
  readonly structs: TypedStructs
  readonly name: string
}): StructHasher {
  const encode = structEncoder(structs, name)
  return (value) => encode(value, '')
}

/** `0x1901`, the domain's hash and the struct's: what is signed (EIP-712). 32 bytes. */
export function typedDataDigest({
  domain,
  struct,
}: {
  readonly domain: Uint8Array
  readonly struct: Uint8Array
}): Uint8Array {
  return keccak256(Buffer.concat([Uint8Array.of(0x19, 0x01), domain, struct]))
}

/** `Name(type member,…)`, followed by the structs that it uses, sorted by name. */
export function encodeType({ structs, name }: { readonly structs: TypedStructs; readonly name: string }): string {
  const used = new Set<string>()
  const visit = (struct: string): void => {
    for (const field of fieldsOf(structs, struct)) {
      const type = elementType(field.type)
      if (Object.hasOwn(structs, type) && !used.has(type)) {
        used.add(type)
        visit(type)
      }
    }
  }
  visit(name)
  used.delete(name)
  return [name, ...[...used].sort()]
    .map(
      (struct) =>
        `${struct}(${fieldsOf(structs, struct)
          .map((field) => `${field.type} ${field.name}`)
          .join(',')})`,
    )
    .join('')
}

/** What `hashStruct` hashes: the hash of the struct's type, and a word for each member. */
export function structWords({
  structs,
  name,
}: {
  readonly structs: TypedStructs
  readonly name: string
}): (value: TypedValue) => readonly Uint8Array[] {
  const encode = wordsEncoder(structs, name)
  return (value) => encode(value, '')
}

function structEncoder(structs: TypedStructs, name: string): Encoder {
  const encode = wordsEncoder(structs, name)
  return (value, path) => keccak256(Buffer.concat(encode(value, path)))
}

function wordsEncoder(structs: TypedStructs, name: string): (value: TypedValue, path: string) => readonly Uint8Array[] {
  const typeHash = keccak256(Buffer.from(encodeType({ structs, name }), 'utf8'))
  const fields = fieldsOf(structs, name).map((field) => ({ name: field.name, encode: encoderOf(structs, field.type) }))
  return (value, path) => {
    const members = value as { readonly [field: string]: TypedValue }
    const words = fields.map((field) => {
      const member = members[field.name]
      const memberPath = path === '' ? field.name : `${path}.${field.name}`
      if (member === undefined) throw new UnencodableError(memberPath, 'is missing')
      return field.encode(member, memberPath)
    })
    return [typeHash, ...words]
  }
}

function encoderOf(structs: TypedStructs, type: string): Encoder {
  if (type.endsWith('[]')) {
    const encode = encoderOf(structs, elementType(type))
    return (value, path) => {
      const items = value as readonly TypedValue[]
      if (items.length === 0) return EMPTY_HASH
      return keccak256(Buffer.concat(items.map((item, index) => encode(item, `${path}.${index}`))))
    }
  }
  switch (type) {
    case 'string':
      return encodeString
    case 'bool':
      return (value, path) => encodeInteger(value === true ? 1 : value === false ? 0 : 2, path, { from: 0n, end: 2n })
    case 'bytes32':
      return (value, path) => encodeHex(value, path, WORD_BYTES)
    case 'address':
      return (value, path) => encodeHex(value, path, 20)
    case 'int64':
      return (value, path) => encodeInteger(value, path, { from: -INT64_END, end: INT64_END })
    case 'uint64':
      return (value, path) => encodeInteger(value, path, { from: 0n, end: UINT64_END })
    case 'uint256':
      return (value, path) => encodeInteger(value, path, { from: 0n, end: UINT256_END })
    default:
      return structEncoder(structs, type)
  }
}

const EMPTY_HASH = keccak256(new Uint8Array(0))

/**
 * Hashes of short texts, the latest that were new: receipts say the same few names again and again, and hashing
 * them was a third of what a receipt costs. Bounded, as the texts may be a stranger's.
 */
const textHashes = new Map<string, Uint8Array>()
const REMEMBERED_TEXTS = 256
const REMEMBERED_CHARACTERS = 64

function encodeString(value: TypedValue, path: string): Uint8Array {
  const text = value as string
  if (text === '') return EMPTY_HASH
  const known = textHashes.get(text)
  if (known !== undefined) return known
  // UTF-8 cannot express a lone surrogate: an encoder would put the same replacement for each.
  if (!text.isWellFormed()) throw new UnencodableError(path, 'is not well-formed Unicode')
  const hash = keccak256(Buffer.from(text, 'utf8'))
  if (text.length <= REMEMBERED_CHARACTERS) {
    const [oldest] = textHashes.keys()
    if (oldest !== undefined && textHashes.size >= REMEMBERED_TEXTS) textHashes.delete(oldest)
    textHashes.set(text, hash)
  }
  return hash
}

function encodeHex(value: TypedValue, path: string, bytes: number): Uint8Array {
  const text = value as string
  if (!/^0x[0-9a-f]*$/.test(text) || text.length !== 2 + 2 * bytes)
    throw new UnencodableError(path, `is not 0x and ${2 * bytes} lower-case hex digits`)
  const word = Buffer.alloc(WORD_BYTES)
  word.write(text.slice(2), WORD_BYTES - bytes, 'hex')
  return word
}

function encodeInteger(
  value: TypedValue,
  path: string,
  range: { readonly from: bigint; readonly end: bigint },
): Uint8Array {
  if (typeof value === 'number' && Number.isSafeInteger(value)) {
    // Nearly all there are, and ten times as fast as by way of a BigInt's digits.
    if (value >= 0 && range.end >= INT64_END) return smallInteger(value)
    if (value === -1 && range.from < 0n) return MINUS_ONE
  }
  // BigInt() reads more than decimal digits, and a fraction or a number past 2^53 names no one integer.
  if (
    typeof value === 'number'
      ? !Number.isSafeInteger(value)
      : typeof value === 'string' && !/^(0|-?[1-9][0-9]*)$/.test(value)
  ) {
    throw new UnencodableError(path, 'is not an integer')
  }
  const integer = BigInt(value as string | number | bigint)
  if (integer < range.from || integer >= range.end) throw new UnencodableError(path, 'is out of range')
  return Buffer.from(
    BigInt.asUintN(256, integer)
      .toString(16)
      .padStart(2 * WORD_BYTES, '0'),
    'hex',
  )
}

const MINUS_ONE = Buffer.alloc(WORD_BYTES, 0xff)

function smallInteger(value: number): Uint8Array {
  const word = Buffer.alloc(WORD_BYTES)
  word.writeUInt32BE(Math.floor(value / 2 ** 32), WORD_BYTES - 8)
  word.writeUInt32BE(value >>> 0, WORD_BYTES - 4)
  return word
}

const elementType = (type: string): string => (type.endsWith('[]') ? type.slice(0, -2) : type)

function fieldsOf(structs: TypedStructs, name: string): readonly TypedField[] {
  const fields = structs[name]
  if (fields === undefined) throw new TypeError(`no struct is named ${name}`)
  return fields
}
