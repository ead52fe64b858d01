/**
 * Every place where a value is not exactly what JSON can say, as `path what`: text that is no well-formed Unicode,
 * -0, numbers that are not finite, members that are undefined, objects with a prototype of their own. A schema lets
 * some of these through, and a signature could not tell them from what they look like.
 * Takes time and answers in proportion to the value; whoever read it has bounded its bytes.
 */
export function jsonFormFaults(value: unknown): string[] {
  const faults: string[] = []
  // A stack of its own: depth comes from foreign bytes too.
  const pending: { readonly value: unknown; readonly path: string }[] = [{ value, path: '' }]
  for (let next = pending.pop(); next !== undefined && faults.length < MAX_FAULTS; next = pending.pop()) {
    const fault = faultOf(next.value)
    if (fault !== undefined) faults.push(`${next.path === '' ? 'the document' : next.path} ${fault}`)
    else if (typeof next.value === 'object' && next.value !== null) {
      for (const [key, member] of Object.entries(next.value)) {
        if (!key.isWellFormed())
          faults.push(`a key of ${next.path === '' ? 'the document' : next.path} is not well-formed Unicode`)
        pending.push({ value: member, path: next.path === '' ? key : `${next.path}.${key}` })
      }
    }
  }
  return faults
}

/** So many are enough for a person to see that it is no receipt. */
const MAX_FAULTS = 100

function faultOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? undefined : 'is not well-formed Unicode'
    case 'number':
      if (Object.is(value, -0)) return 'is -0'
      return Number.isFinite(value) ? undefined : 'is not a finite number'
    case 'boolean':
      return undefined
    case 'object':
      return value === null || isPlain(value) ? undefined : 'is no plain object or array'
    default:
      return `is ${typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`}`
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (!Array.isArray(value))
    return (prototype === Object.prototype || prototype === null) && Object.getOwnPropertySymbols(value).length === 0
  // As many keys as elements: none is missing, none has a name.
  return prototype === Array.prototype && Object.keys(value).length === value.length
}
