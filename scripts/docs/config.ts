import { stringify } from 'yaml'
import {
  CONFIG_KEY_NAMES,
  CONFIG_KEYS,
  CONFIG_SECTIONS,
  variableOf,
  type ConfigKeyName,
} from '../../src/node/config/schema.ts'
import { code, page, table } from './markdown.ts'

const sectionOf = (name: string): string => name.split('.').slice(0, -1).join('.')
const keysOf = (section: string): readonly ConfigKeyName[] =>
  CONFIG_KEY_NAMES.filter((name) => sectionOf(name) === section)

/** A default as it is written in YAML. */
function defaultInYaml(name: ConfigKeyName): string {
  const { default: text, kind } = CONFIG_KEYS[name]
  if (kind.accepts.startsWith('a list')) return text === '' ? '[]' : `[${text.split(',').join(', ')}]`
  return text
}

/** docs/CONFIG.md */
export function configPage(): string {
  const sections = [...Object.keys(CONFIG_SECTIONS), ''].filter((section) => keysOf(section).length > 0)
  return page([
    '# Configuration',
    [
      'A provider is configured by a YAML file, `souk up --config FILE`, over which the environment has the last word.',
      'Every key has a default, and without a file the defaults hold: the node listens on loopback only.',
      '[config/default.yaml](../config/default.yaml) has every key with its default, [config/provider.yaml](../config/provider.yaml) is an example, [config/paid.yaml](../config/paid.yaml) one of a node that is paid.',
    ].join(' '),
    [
      '- `souk config show` prints the effective values and where each comes from; `souk config check FILE` says what is wrong with a file, all at once.',
      '- Sizes are bytes, or `64k`, `512m`, `1.5g`, `2t` (1k is 1024 bytes). Durations are milliseconds, or `500ms`, `30s`, `5m`, `1h30m`, `7d`.',
      '- Each key has an environment variable. In a list its items are separated by commas. A variable that starts like one of these and is none of them is an error.',
      '- An unknown key is an error, too. The file has at most 256 KiB.',
      "- There are no secrets in the file or the environment: the node's key is a file of its own, `key` in `node.data_dir`, mode 0600.",
    ].join('\n'),
    ...sections.map((section) =>
      [
        `## ${section === '' ? 'Price' : code(section)}`,
        ...(section === '' ? [] : [CONFIG_SECTIONS[section] ?? '']),
        table({
          head: ['Key', 'Default', 'Meaning', 'Accepts', 'Variable'],
          rows: keysOf(section).map((name) => {
            const { doc, kind, ...key } = CONFIG_KEYS[name]
            const auto = 'auto' in key ? ` (${key.auto})` : ''
            return [code(name), `${code(defaultInYaml(name))}${auto}`, doc, kind.accepts, code(variableOf(name))]
          }),
        }),
      ].join('\n\n'),
    ),
  ])
}

/** config/default.yaml */
export function defaultYaml(): string {
  const lines = [
    '# Every key of the configuration with its default. Generated from the same table as docs/CONFIG.md, which says more.',
  ]
  const seen = new Set<string>()
  for (const name of CONFIG_KEY_NAMES) {
    const path = name.split('.')
    for (const depth of path.keys()) {
      const section = path.slice(0, depth).join('.')
      if (section === '' || seen.has(section)) continue
      seen.add(section)
      const indent = '  '.repeat(depth - 1)
      lines.push(
        '',
        `${indent}# ${(CONFIG_SECTIONS[section] ?? '').replaceAll('`', '')}`,
        `${indent}${path[depth - 1] ?? ''}:`,
      )
    }
    if (path.length === 1) lines.push('')
    const indent = '  '.repeat(path.length - 1)
    const key = CONFIG_KEYS[name]
    const auto = 'auto' in key ? ` Auto is ${key.auto}.` : ''
    lines.push(`${indent}# ${key.doc.replaceAll('`', '')}${auto}`, `${indent}${path.at(-1) ?? ''}: ${yamlValue(name)}`)
  }
  return `${lines.join('\n')}\n`
}

/** Quoted where a plain scalar would be read as something else. */
function yamlValue(name: ConfigKeyName): string {
  const text = defaultInYaml(name)
  return text.startsWith('[') || /^([\d.]+|true|false)$/.test(text)
    ? text
    : stringify(text, { singleQuote: true }).trim()
}
