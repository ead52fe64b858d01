import { readFileSync } from 'node:fs'
import { MAX_QUORUM } from '../../src/protocol/verification.ts'
import { code, page, table } from './markdown.ts'
import { taskFileJsonSchema } from './schemas.ts'

/** The part of JSON Schema that the task file uses. */
interface Property {
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly description?: string
  readonly examples?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Property>>
  readonly required?: readonly string[]
  readonly items?: Property
  readonly anyOf?: readonly Property[]
}

const EXAMPLE = 'examples/word-count.yaml'
const DETERMINISTIC_EXAMPLE = 'examples/estimate-pi.yaml'

/** docs/TASK.md */
export function taskPage(): string {
  const schema = taskFileJsonSchema() as Property
  return page([
    '# The task file',
    [
      'What a requester writes, as YAML or (in a file that ends in `.json`) JSON. Only `version` and `runtime` are required.',
      'An unknown key is an error that names the nearest known one; every problem is reported at once, with line and column.',
      'Editors check it against [schema/task.schema.json](../schema/task.schema.json).',
    ].join(' '),
    `\`\`\`yaml\n${readFileSync(new URL(`../../${EXAMPLE}`, import.meta.url), 'utf8').trim()}\n\`\`\``,
    `This is [${EXAMPLE}](../${EXAMPLE}).`,
    [
      '- Sizes are bytes, or `64k`, `512m`, `1.5g`, `2t` (1k is 1024 bytes). Durations are milliseconds, or `500ms`, `30s`, `5m`, `1m30s`, `1h`; at most 24 days.',
      '- Paths of files start at the folder of the task file. They are digested when the task is submitted; a file that changes after that no longer fits, and the task is not run.',
      '- An input that is a folder stands for every regular file below it (at most 1,024 in one task). A symbolic link in it is an error; folders without files are not there.',
      '- In `command` and `env` numbers and booleans become text exactly as they are written: `1.10` stays `1.10`. Everywhere else text that looks like a number needs quotes.',
      '- Resources and times that are left out are what the provider gives; `souk node status` there, or a refusal, says what that is. One that is above its offer is refused, never lowered.',
      '- An image in a file is run by `docker` only where the task says so; without a type it is `native`. A task with GPUs names `docker`, too.',
      '- `resources.gpu`: no run on a GPU was ever tested; what was is that the engine is asked for it, and what becomes of a refusal.',
      '- A task file has at most 256 KiB. What it comes to on the wire is [schema/task-spec.schema.json](../schema/task-spec.schema.json).',
    ].join('\n'),
    '## Keys',
    table({ head: ['Key', 'Type', 'Default', 'Meaning', 'Example'], rows: rowsOf({ schema, prefix: '' }) }),
    '## Fuel',
    [
      '`resources.fuel` bounds the instructions of a WebAssembly program, where times bound the machine that happens to run it. One instruction of the module is 1;',
      '`memory.copy`, `memory.fill` and `memory.init` cost 1 more for each 8 bytes, what copies or grows a table 1 for each element, `memory.grow` 8192 for each page; what a call of the',
      "system takes on the host's side is none of it. It is the same number on every machine, as long as the program does the same: with the same input, and asking for no time and no random",
      'numbers, or in a deterministic task.',
    ].join(' '),
    [
      'A task that has used it up ends with `{"kind": "limit", "limit": "fuel"}`: exit code 122, and `RESOURCE_LIMIT` for who asked for success or an exception. What it used is',
      '`usage.fuelUsed` of the signed receipt, there and wherever else it was metered. To find out what a task needs, run it once with a limit far above it.',
    ].join(' '),
    '## Deterministic tasks',
    [
      'With `runtime: {module: ./app.wasm, deterministic: true}`, or `souk run --deterministic`, two honest providers give the same standard output, the same files, the same end and the same',
      '`usage.fuelUsed` for one task, to the last bit, so that one can be held against the other. So does a second attempt (`retry`).',
    ].join(' '),
    `This is [${DETERMINISTIC_EXAMPLE}](../${DETERMINISTIC_EXAMPLE}):`,
    `\`\`\`yaml\n${readFileSync(new URL(`../../${DETERMINISTIC_EXAMPLE}`, import.meta.url), 'utf8').trim()}\n\`\`\``,
    [
      '- Its clocks are its own: they begin at 2000-01-01T00:00:00Z, and go on by a microsecond with each look at them, and by all of each wait, which takes no time of the machine.',
      '- Its random numbers follow from the digest of the task. They are no secret, and others as soon as anything in the task is: its name and its price are part of it.',
      '- Where the result of a computation with numbers is no number (NaN) it is always the same one, whatever the processor makes of it.',
      '- Its environment is what `env` says, as ever; its fuel is metered, with a limit or without.',
      '- What a program may have is part of what it sees: `memory.grow` fails at the limit of memory, a write at that of the disk, and a recursion ends at that of the stack. Name those that it may come near',
      '  (`memory`, `stack`, `disk`, `inodes`, `openFiles`, `output`), for what is left out is what each provider gives; the receipt says what was applied, and two receipts are to be compared only where their `limits` are the same.',
      '- Times are the one limit that no two machines hold alike. A task that was ended by one, or was cancelled, had got as far as it had got: bound it with `resources.fuel`, and leave the times ample.',
      '- Times and CPU time in `usage` are those of the machine.',
      '- A provider that cannot run it so (`sandbox.wasm.host: wasmer`) refuses it, with `FEATURE_UNPROVEN` for `runtime.deterministic`.',
    ].join('\n'),
    '## Checking',
    [
      '`verify`, or `souk run --verify`, says how much its requester trusts one provider with a deterministic task. For any other task it is an error: two honest providers may differ there, and nobody could say who lied.',
      'It works where souk picks the providers. With `--to` one is named, and it is an error; with `--local` the task runs here, once, and there is nobody to check.',
    ].join(' '),
    [
      '- `once`: one provider runs it. Its receipt is signed, so that a lie can be shown to others, should anybody find it.',
      '- `spot(P)`: with probability P, from above 0 up to 1, a second provider runs it as well. Where the two agree, that is the result; where not, nobody knows who is right until somebody runs it again.',
      `- \`quorum(N)\`: N providers, 2 to ${MAX_QUORUM}, run it at the same time, and what more than half of N say is the result. Each is paid.`,
      '- The providers are told apart by the address that they are paid to, by that of their node where they have no other. Who owns several addresses is nobody’s knowledge.',
      '- Compared are how it ended, the digests of standard output and of each result file, and the fuel; never times, memory or a cancellation. Only runs with the same limits as applied, on the same version of the engine, are compared.',
      '- A run that ended by a time limit, by anything else of its machine, or by cancellation says nothing. A provider that refused, failed or said nothing is replaced by the next.',
      '- It stays with the requester. On the wire a task says `verify: once`, whatever its file says: so no provider knows when it is checked, and all of them have the same bytes, from which the digest of the task and its random numbers follow.',
      '- Where providers disagree, what each signed is kept as a proof that others can check: `souk verify` ([CLI.md](CLI.md)), [MARKET.md](MARKET.md#verifying).',
    ].join('\n'),
  ])
}

function rowsOf({ schema, prefix }: { schema: Property; prefix: string }): readonly (readonly string[])[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const key = `${prefix}${name}`
    const inside = [property, ...(property.anyOf ?? [])].flatMap((one) => [
      ...(one.items === undefined ? [] : rowsOf({ schema: one.items, prefix: `${key}[].` })),
      ...rowsOf({ schema: one, prefix: `${key}.` }),
    ])
    const required = schema.required?.includes(name) === true
    const fallback = required
      ? 'required'
      : property.default === undefined || isEmpty(property.default)
        ? ''
        : code(JSON.stringify(property.default))
    const example = property.examples?.[0]
    const shown = example === undefined ? '' : code(typeof example === 'string' ? example : JSON.stringify(example))
    return [[code(key), typeOf(property), fallback, property.description ?? '', shown], ...inside]
  })
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

function typeOf(property: Property): string {
  if (property.const !== undefined) return code(JSON.stringify(property.const))
  if (property.enum !== undefined) return property.enum.map((value) => code(String(value))).join(', ')
  if (property.anyOf !== undefined) return [...new Set(property.anyOf.map(typeOf))].join(' or ')
  const types = [property.type ?? 'any'].flat()
  return types.map((type) => WORDS[type] ?? type).join(' or ')
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  object: 'map',
  array: 'list',
  integer: 'whole number',
}
