const TOKEN = /[{}[\],:]|"(?:[^"\\]|\\.)*"/g

/**
 * A key that an object of a JSON text has twice, or undefined.
 * @param text what JSON.parse takes
 */
export function repeatedKey(text: string): string | undefined {
  /** The keys of each object that is open; undefined for an array. */
  const open: (Set<string> | undefined)[] = []
  let last = ''
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':') {
      const keys = open.at(-1)
      const key = JSON.parse(last) as string
      if (keys?.has(key) === true) return key
      keys?.add(key)
    }
    last = token
  }
  return undefined
}
