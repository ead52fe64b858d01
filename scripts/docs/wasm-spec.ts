import { table } from './markdown.ts'

/** What `npm run wasm-spec-suite` printed for {@link SCRIPTS}. */
const SCORES: readonly (readonly [treatment: string, what: string, score: string])[] = [
  ['as it is', 'the engine alone, nothing rewritten', '52,786 of 52,786'],
  ['growth', 'what every task runs as: memory and tables draw on a budget', '52,786 of 52,786'],
  ['fuel', 'the same, and what is executed is counted', '52,786 of 52,786'],
  ['deterministic', 'the same, NaNs canonical and the depth of calls counted', '52,786 of 52,786'],
]
const SCRIPTS =
  'git tag `wg-2.0` of https://github.com/WebAssembly/spec, folder `test/core`; and of its branch `wasm-3.0`, `return_call.wast` and `return_call_indirect.wast`'

/** The section of docs/CONFORMANCE.md on the specification's own scripts. */
export const wasmSpecSection = (): readonly string[] => [
  '# The WebAssembly specification’s own scripts',
  [
    `Measured by \`npm run wasm-spec-suite -- FOLDER_OR_FILE…\`, which needs wabt’s \`wast2json\` (1.0.32), on a copy that is fetched by hand: ${SCRIPTS}.`,
    'Each command of each script is run on the engine as it is and through the rewriter in each of its ways, with meters of the module’s own where it imports nothing but functions and shared ones where modules import from each other.',
  ].join(' '),
  table({ head: ['Way', 'What it is', 'Commands that passed'], rows: SCORES }),
  [
    'Left out by name: `comments.wast` and `if.wast`, which this wast2json does not understand; 1,078 commands in each way that are about the text format;',
    'and 19 in each way that call invalid what a later version of the specification allows, and the engine with it.',
    'souk refuses nothing that these scripts run.',
  ].join(' '),
]
