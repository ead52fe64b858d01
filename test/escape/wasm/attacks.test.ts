import { layGrounds, type Arena, type Grounds } from './arena.ts'
import { GROUPS } from './catalogue.ts'

/** As many at a time as there are cores to try them on. */
const AHEAD = 1

describe('escape: attacks on the WebAssembly runtime', function () {
  this.timeout(120_000)
  let grounds: Grounds

  before(async () => {
    grounds = await layGrounds()
  })
  after(() => grounds.remove())

  for (const { name, attacks, options } of GROUPS) {
    describe(name, () => {
      let arena: Arena
      const attempts = new Map<string, Promise<void>>()

      /** Begins one, and sees to it that its failure is told where its own turn comes. */
      const begin = (index: number): Promise<void> => {
        const attack = attacks[index]
        if (attack === undefined) return Promise.resolve()
        const known = attempts.get(attack.name)
        if (known !== undefined) return known
        const attempt = arena.attempt(attack)
        attempt.catch(() => {})
        attempts.set(attack.name, attempt)
        return attempt
      }

      before(async () => {
        arena = await grounds.open(options)
      })
      for (const [index, attack] of attacks.entries()) {
        it(attack.name, async () => {
          const attempt = begin(index)
          for (let next = 1; next <= AHEAD; next += 1) void begin(index + next)
          await attempt
        })
      }
      after('and nothing is left of them', async () => {
        await Promise.allSettled(attempts.values())
        await arena.close()
      })
    })
  }
})
