import { key } from './key.ts'
import { wei } from './kinds.ts'

const DOCS = {
  start: 'For a task that starts.',
  cpu_second: 'For a second of CPU time, over all threads, as this node measures it.',
  mib_second:
    'For a MiB of memory for a second: of the limit that the task has, whether it uses it or not, for as long as it runs.',
  output_mib: 'For a MiB of standard output, standard error and result files.',
  minimum: 'The least that a task costs, where the rest comes to less.',
} as const

const amount = (doc: string) => key({ kind: wei(), default: '0', doc })

const FUEL =
  'For a million instructions of a program whose instructions are metered, which anybody can count again where the task is deterministic. A task without a limit on them (`fuel`) is refused then, as nobody could say what it comes to at most; `sandbox.wasm.fuel_limit` gives one to every task.'

/** What tasks cost. Quotes that were given keep their rates. */
export const PRICING_KEYS = {
  'pricing.free_allowance': key({
    kind: wei(),
    default: '0',
    doc: 'What tasks may come to per day (UTC) that are run for nothing although there is a price: each requester in `peers.known` has that much, and all others have it together, as keys cost nothing. A task takes the most that it can come to, and gives back what it did not use.',
  }),
  'pricing.wasm.start': amount(DOCS.start),
  'pricing.wasm.cpu_second': amount(DOCS.cpu_second),
  'pricing.wasm.mib_second': amount(DOCS.mib_second),
  'pricing.wasm.output_mib': amount(DOCS.output_mib),
  'pricing.wasm.million_fuel': amount(FUEL),
  'pricing.wasm.minimum': amount(DOCS.minimum),
  'pricing.native.start': amount(DOCS.start),
  'pricing.native.cpu_second': amount(DOCS.cpu_second),
  'pricing.native.mib_second': amount(DOCS.mib_second),
  'pricing.native.output_mib': amount(DOCS.output_mib),
  'pricing.native.minimum': amount(DOCS.minimum),
  'pricing.docker.start': amount(DOCS.start),
  'pricing.docker.cpu_second': amount(DOCS.cpu_second),
  'pricing.docker.mib_second': amount(DOCS.mib_second),
  'pricing.docker.output_mib': amount(DOCS.output_mib),
  'pricing.docker.minimum': amount(DOCS.minimum),
}

/** The sections of those keys. */
export const PRICING_SECTIONS = {
  pricing:
    'What tasks cost, in wei, or with a unit: `20gwei`, `0.001eth`. What a quote says holds for as long as the quote does; what is changed here is in new ones. CPU time and wall time are what this node says that they were; a requester can check limits, output and fuel.',
  'pricing.wasm': 'WebAssembly.',
  'pricing.native': 'Native Linux programs.',
  'pricing.docker': 'Containers.',
} as const

const PRICES = ['wasm', 'native', 'docker'].map((runtime) => `pricing.${runtime}.start`).join(', ')

/** Keys that are none any more, each with what to write instead. */
export const REPLACED_KEYS: Readonly<Record<string, string>> = {
  price_wei: `is no key any more: what a task costs, whatever it does, is ${PRICES} now, one for each runtime`,
}
