import { childrenNaming } from '../conformance/leftovers.ts'

/** Ids of the launchers of an instance that this process has started. */
export async function launchersOf(instance: string): Promise<readonly number[]> {
  const children = await childrenNaming(instance)
  return children.map((child) => Number.parseInt(child, 10))
}
