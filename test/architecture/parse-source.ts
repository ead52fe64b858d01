import { parseSync } from 'oxc-parser'

/** One thing that a source file reaches for, however it does so. */
export interface SourceImport {
  /** What is asked for; `undefined` where the source computes it. */
  readonly specifier: string | undefined
  readonly line: number
  /** Text of the way it is asked for, for a message. */
  readonly form:
    | 'import'
    | 'export from'
    | 'import()'
    | 'import type'
    | 'import ='
    | 'require'
    | 'import.meta.resolve'
    | 'getBuiltinModule'
}

export interface ParsedSource {
  readonly imports: readonly SourceImport[]
  /** Lines on which the type `any` is written. */
  readonly anyLines: readonly number[]
  /** True where the file does nothing but pass on what others export. */
  readonly onlyReExports: boolean
}

interface Node {
  readonly type: string
  readonly start: number
  readonly [key: string]: unknown
}

/**
 * Finds every import of a TypeScript or JavaScript source: static, type-only, dynamic, re-exported, and the
 * ways around `import` (require, createRequire, import.meta.resolve, process.getBuiltinModule).
 *
 * @throws Error where the source does not parse.
 */
export function parseSource({ path, text }: { readonly path: string; readonly text: string }): ParsedSource {
  const { program, errors } = parseSync(path, text)
  const [error] = errors
  if (error !== undefined) throw new Error(`${path} does not parse: ${error.message}`)

  const imports: SourceImport[] = []
  const anyLines: number[] = []
  const requires = new Set(['require'])
  const lineOf = (node: Node): number => text.slice(0, node.start).split('\n').length
  const add = (node: Node, form: SourceImport['form'], source: unknown): void => {
    imports.push({ specifier: literalOf(source), line: lineOf(node), form })
  }

  for (const node of nodesOf(program)) {
    switch (node.type) {
      case 'TSAnyKeyword':
        anyLines.push(lineOf(node))
        break
      case 'ImportDeclaration':
        add(node, 'import', node['source'])
        break
      case 'ExportAllDeclaration':
        add(node, 'export from', node['source'])
        break
      case 'ExportNamedDeclaration':
        if (isNode(node['source'])) add(node, 'export from', node['source'])
        break
      case 'ImportExpression':
        add(node, 'import()', node['source'])
        break
      case 'TSImportType':
        add(node, 'import type', node['source'])
        break
      case 'TSExternalModuleReference':
        add(node, 'import =', node['expression'])
        break
      case 'VariableDeclarator':
        if (isCreateRequire(node['init']) && isNode(node['id'])) requires.add(String(node['id']['name']))
        break
      case 'CallExpression': {
        const form = formOfCall(node, requires)
        if (form !== undefined) add(node, form, firstArgument(node))
        break
      }
    }
  }

  const body = program.body as unknown as readonly Node[]
  const onlyReExports =
    body.length > 0 && body.every((node) => node.type.startsWith('Export') && isNode(node['source']))
  return { imports, anyLines, onlyReExports }
}

/** Every node of the tree, parents and earlier siblings first. */
function* nodesOf(value: unknown): Generator<Node> {
  if (Array.isArray(value)) {
    for (const item of value) yield* nodesOf(item)
  } else if (value !== null && typeof value === 'object') {
    if (isNode(value)) yield value
    for (const child of Object.values(value)) yield* nodesOf(child)
  }
}

function isNode(value: unknown): value is Node {
  return value !== null && typeof value === 'object' && 'type' in value && typeof value.type === 'string'
}

function literalOf(source: unknown): string | undefined {
  if (!isNode(source)) return undefined
  if (source.type === 'Literal' && typeof source['value'] === 'string') return source['value']
  if (source.type !== 'TemplateLiteral') return undefined
  const quasis = source['quasis'] as readonly { readonly value: { readonly cooked: string } }[]
  return quasis.length === 1 ? quasis[0]?.value.cooked : undefined
}

function firstArgument(call: Node): unknown {
  return (call['arguments'] as readonly unknown[])[0]
}

function isCreateRequire(value: unknown): boolean {
  if (!isNode(value) || value.type !== 'CallExpression') return false
  const callee = value['callee'] as Node
  return callee['name'] === 'createRequire' || propertyOf(callee) === 'createRequire'
}

function propertyOf(node: Node): unknown {
  return node.type === 'MemberExpression' && isNode(node['property'])
    ? (node['property']['name'] ?? node['property']['value'])
    : undefined
}

function formOfCall(call: Node, requires: ReadonlySet<string>): SourceImport['form'] | undefined {
  const callee = call['callee'] as Node
  if (isCreateRequire(callee)) return 'require'
  if (callee.type === 'Identifier' && requires.has(String(callee['name']))) return 'require'
  const property = propertyOf(callee)
  const object = callee['object']
  if (property === 'getBuiltinModule') return 'getBuiltinModule'
  if (property !== 'resolve' || !isNode(object)) return undefined
  if (object.type === 'MetaProperty') return 'import.meta.resolve'
  return object.type === 'Identifier' && requires.has(String(object['name'])) ? 'require' : undefined
}
