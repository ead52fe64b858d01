import type { Libp2pOptions } from 'libp2p'

/** What libp2p hands each of its services. */
export type Components = Parameters<NonNullable<Libp2pOptions['services']>[string]>[0]

/** The same object, but for some of its properties. */
export function overriding<T extends object>(target: T, own: Partial<T>): T {
  return new Proxy(target, {
    get(of, name) {
      if (Object.hasOwn(own, name)) return own[name as keyof T]
      const value: unknown = Reflect.get(of, name)
      return typeof value === 'function' ? (value.bind(of) as unknown) : value
    },
  })
}
