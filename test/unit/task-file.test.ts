import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Issue } from '../../src/protocol/error-codes.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { LIMIT_KEYS } from '../../src/protocol/limits.ts'
import { KEY_OF_LIMIT, parseTaskFile, type TaskDraft } from '../../src/protocol/task-file.ts'

const parse = (text: string, format: 'yaml' | 'json' = 'yaml'): TaskDraft =>
  parseTaskFile({ text, format, subject: 'task.yaml' }).draft
const issuesOf = (text: string, format: 'yaml' | 'json' = 'yaml'): readonly Issue[] => {
  try {
    parse(text, format)
  } catch (error) {
    assert.ok(isSoukError(error, 'INVALID_INPUT'), String(error))
    assert.ok(error.message.startsWith('task.yaml'))
    return error.details.issues
  }
  throw new Error(`accepted: ${text}`)
}
const only = (text: string, format: 'yaml' | 'json' = 'yaml'): string => {
  const issues = issuesOf(text, format)
  assert.equal(issues.length, 1, JSON.stringify(issues))
  return `${issues[0]?.path} ${issues[0]?.message}`
}
const HEAD = 'version: 1\nruntime: { module: ./a.wasm }\n'

const WHOLE = `
version: 1
name: word-count
runtime: {type: wasm, module: ./wc.wasm}
command: [-l]
env: {LANG: C}
stdin: {file: ./book.txt}
workdir: /data
inputs: [{source: ./book.txt, target: /in/book.txt}]
outputs: [{path: /out}]
resources: {cpu: 1, cpuShares: 512, memory: 128m, disk: 64m, inodes: 1000, pids: 16, openFiles: 64, output: 1m, stack: 1m, ioWeight: 50, fuel: 1000000, gpu: 2}
timeouts: {queue: 30s, execution: 30s, total: 2m, cpu: 20s, idle: 10s}
network: none
retry: 2
price: {max: "1000000000000000000000"}
verify: once
`

describe('the task file', () => {
  it('is read into the units of the wire', () => {
    assert.deepEqual(parse(WHOLE), {
      name: 'word-count',
      runtime: { type: 'wasm', module: './wc.wasm' },
      command: ['-l'],
      env: { LANG: 'C' },
      stdin: { file: './book.txt' },
      workdir: '/data',
      inputs: [{ source: './book.txt', target: '/in/book.txt' }],
      outputs: [{ path: '/out' }],
      limits: {
        cpuCores: 1,
        cpuShares: 512,
        cpuTimeMs: 20_000,
        wallTimeMs: 30_000,
        idleTimeMs: 10_000,
        memoryBytes: 128 * 1024 ** 2,
        stackBytes: 1024 ** 2,
        diskBytes: 64 * 1024 ** 2,
        inodes: 1000,
        outputBytes: 1024 ** 2,
        pids: 16,
        openFiles: 64,
        ioWeight: 50,
        fuel: 1_000_000,
        gpus: 2,
      },
      queueTimeoutMs: 30_000,
      totalTimeoutMs: 120_000,
      retry: 2,
      maxPriceWei: '1000000000000000000000',
      verification: { kind: 'once' },
    } satisfies TaskDraft)
    assert.deepEqual(Object.keys(parse(WHOLE).limits).toSorted(), [...LIMIT_KEYS].toSorted())
  })

  it('needs no more than a version and what runs', () => {
    assert.deepEqual(parse(HEAD), {
      runtime: { module: './a.wasm' },
      command: [],
      env: {},
      inputs: [],
      outputs: [],
      limits: {},
      retry: 0,
      maxPriceWei: '0',
      verification: { kind: 'once' },
    })
  })

  it('is JSON as well, tabs included', () => {
    const json = JSON.stringify(
      { version: 1, runtime: { module: 'a.wasm' }, env: { EMOJI: '😀', NUMBER: 1.5 }, command: ['\u2028', '/'] },
      null,
      '\t',
    )
    assert.deepEqual(parse(json, 'json').env, { EMOJI: '😀', NUMBER: '1.5' })
    assert.deepEqual(parse(json, 'json').command, ['\u2028', '/'])
    assert.match(only('version: 1', 'json'), /is not JSON/)
    assert.match(only('{"version": 1, "version": 1}', 'json'), /^version is there twice \(line 1, column 16\)/)
  })

  it('takes numbers and booleans in env and command exactly as they are written', () => {
    const { env, command } = parse(
      `${HEAD}env: { A: 1.10, B: 0x1F, C: true, D: 1e3, E: 007, F: "", G: yes }\ncommand: [1.10, 0o17, -5, false, -l]`,
    )
    assert.deepEqual(env, { A: '1.10', B: '0x1F', C: 'true', D: '1e3', E: '007', F: '', G: 'yes' })
    assert.deepEqual(command, ['1.10', '0o17', '-5', 'false', '-l'])
    assert.match(only(`${HEAD}env: { A: }`), /^env.A must be text, not nothing/)
    assert.match(only(`${HEAD}env: { A: [1] }`), /^env.A must be text, not a list/)
  })

  it('takes text as standard input', () => {
    assert.deepEqual(parse(`${HEAD}stdin: |\n  one\n  two\n`).stdin, { data: new TextEncoder().encode('one\ntwo\n') })
  })

  it('takes every runtime of the vocabulary', () => {
    const digest = 'a1'.repeat(32)
    const runtimes = [
      '{ module: a }',
      '{ type: wasm, module: a }',
      '{ type: wasm, module: a, deterministic: true }',
      '{ image: x, deterministic: false }',
      '{ type: docker, image: busybox }',
      '{ type: native, image: busybox@sha256:aa }',
      '{ image: x }',
      '{ program: a }',
      '{ type: native, tar: a }',
    ]
    for (const runtime of runtimes) parse(`version: 1\nruntime: ${runtime}`)
    assert.deepEqual(parse(`version: 1\nruntime: { rootfs: debian-12@sha256:${digest} }`).runtime, {
      rootfs: { name: 'debian-12', sha256: digest },
    })
    const mounts = '[{ name: data, target: /data }]'
    assert.deepEqual(parse(`version: 1\nruntime: { tar: a, writable: true, mounts: ${mounts} }`).runtime, {
      tar: 'a',
      writable: true,
      mounts: [{ name: 'data', target: '/data' }],
    })
    assert.match(
      only(`version: 1\nruntime: { module: a, mounts: ${mounts} }`),
      /^runtime.mounts is for native tasks: with program, tar, rootfs, image, not module \(line 2, column 31\)/,
    )
    assert.match(
      only('version: 1\nruntime: { program: a, writable: true }'),
      /^runtime.writable is for a root file system: with tar, rootfs, image, not program/,
    )
    assert.deepEqual(parse('version: 1\nruntime: { type: native, image: box, writable: true }').runtime, {
      type: 'native',
      image: 'box',
      writable: true,
    })
    for (const type of ['', 'type: docker, '])
      assert.match(
        only(`version: 1\nruntime: { ${type}image: box, mounts: ${mounts} }`),
        /^runtime.type must be native where an image is to be writable, or folders/,
      )
    assert.match(
      only('version: 1\nruntime: { tar: a, mounts: [{ name: Data, target: /data }] }'),
      /^runtime.mounts.0.name must be the name of a folder that the provider offers/,
    )
    assert.match(
      only('version: 1\nruntime: { tar: a, mounts: [{ name: data, target: / }] }'),
      /^runtime.mounts.0.target must be below \//,
    )
    const pinned = `sha256:${digest}`
    for (const [text, archive] of [
      ['./image.tar', { file: './image.tar' }],
      ['../i@b.tar', { file: '../i@b.tar' }],
      [`/srv/a.tar@${pinned}`, { file: '/srv/a.tar', digest: pinned }],
      [`./a@${pinned}@${pinned}`, { file: `./a@${pinned}`, digest: pinned }],
    ] as const) {
      for (const type of ['native', 'docker'])
        assert.deepEqual(parse(`version: 1\nruntime: { type: ${type}, image: '${text}' }`).runtime, { type, archive })
      assert.deepEqual(parse(`version: 1\nruntime: { image: '${text}' }`).runtime, { archive })
    }
    assert.match(only('version: 1\nruntime: { image: .tar }'), /^runtime.image must be a reference to an image such as/)
    for (const wish of ['writable: true', 'mounts: [{ name: data, target: /data }]'])
      assert.match(
        only(`version: 1\nruntime: { type: docker, image: ./image.tar, ${wish} }`),
        /^runtime.type must be native where an image is to be writable, or folders/,
      )
    for (const image of ['busybox', './image.tar']) {
      assert.equal(parse(`version: 1\nruntime: { type: docker, image: ${image}, class: runsc }`).runtime.class, 'runsc')
      for (const type of ['', 'type: native, '])
        assert.match(
          only(`version: 1\nruntime: { ${type}image: ${image}, class: runsc }`),
          /^runtime.type must be docker where a class of runtimes is named/,
        )
    }
    assert.match(
      only('version: 1\nruntime: { module: a, class: runsc }'),
      /^runtime.class is for Docker tasks: with image, not module/,
    )
    for (const name of ['../runc', '/usr/bin/runc', '-x', "''", `${'a'.repeat(64)}`])
      assert.match(
        only(`version: 1\nruntime: { type: docker, image: a, class: ${name} }`),
        /^runtime.class must be the name of a runtime class that the provider offers/,
      )
    assert.match(
      only('version: 1\nruntime: { rootfs: debian-12 }'),
      /^runtime.rootfs must be the name of a root file system that the provider offers, and its digest/,
    )
    assert.match(
      only('version: 1\nruntime: {}'),
      /^runtime must say what to run: one of module, image, program, tar, rootfs/,
    )
    assert.match(
      only('version: 1\nruntime: { module: a, image: b }'),
      /^runtime must say one thing to run, not module and image/,
    )
    assert.match(
      only('version: 1\nruntime: { type: docker, module: a }'),
      /^runtime.type must be wasm for module, not docker \(line 2, column 18\)/,
    )
    assert.match(
      only('version: 1\nruntime: { type: wsm, module: a }'),
      /^runtime.type must be one of wasm, docker, native, not "wsm"/,
    )
    assert.match(only('version: 1\nruntime: wasm'), /^runtime must be a map, not "wasm"/)
  })

  it('names every problem at once, with key, place and what would be right', () => {
    const issues = issuesOf(`version: 2
nam: x
runtime: { module: a, modul: b }
command: -l
env: { 1A: x, B: [1] }
stdin: { fil: x }
workdir: data
inputs: [{ source: 1, target: in }, { src: x }]
outputs: /out
resources: { mem: 1, memory: 1.5x, gpu: 65, cpu: 0, inodes: 1.5, pids: 0 }
timeouts: { execution: 0, cpu: 99d, queu: 1s }
memory: 5
network: host
retry: 11
price: { max: 1.5 }
verify: twice
`)
    const expected: Record<string, RegExp> = {
      version: /^must be 1 \(line 1, column 10\)$/,
      nam: /did you mean name\? \(line 2, column 1\)$/,
      'runtime.modul': /did you mean module\?/,
      command: /^must be a list, not "-l"/,
      'env.1A': /an environment variable name/,
      'env.B': /^must be text, not a list/,
      'stdin.file': /^is missing/,
      'stdin.fil': /did you mean file\?/,
      workdir: /must be an absolute path inside the sandbox/,
      'inputs.0.source': /^must be text, not 1; put it in quotes \(line 8, column 20\)$/,
      'inputs.0.target': /must be an absolute path/,
      'inputs.1.source': /^is missing \(line 8, column 37\)$/,
      'inputs.1.target': /^is missing/,
      'inputs.1.src': /did you mean|known here: source, target/,
      outputs: /^must be a list, not "\/out"/,
      'resources.mem': /did you mean memory\?/,
      'resources.memory': /must be a size such as 512m.*not "1.5x"/,
      'resources.gpu': /^must be at most 64, not 65/,
      'resources.cpu': /must be more than 0/,
      'resources.inodes': /must be a whole number, not 1.5/,
      'resources.pids': /must be at least 1, not 0/,
      'timeouts.execution': /must be more than 0/,
      'timeouts.cpu': /must be at most 24 days, not "99d"/,
      'timeouts.queu': /did you mean queue\?/,
      memory: /did you mean resources.memory\?/,
      network: /must be none, not "host": a task has no network/,
      retry: /must be at most 10, not 11/,
      'price.max': /must be an amount in wei/,
      verify: /^must be once, spot\(P\).*or quorum\(N\) with 2 to 16 providers, such as quorum\(3\); not "twice"/,
    }
    assert.deepEqual(issues.map(({ path }) => path).toSorted(), Object.keys(expected).toSorted())
    for (const { path, message } of issues) {
      assert.match(message, expected[path] ?? /^$/, path)
      assert.match(message, / \(line \d+, column \d+\)$/, path)
    }
  })

  it('reads how a task is to be checked, and says what the forms are', () => {
    const read = (verify: string): TaskDraft['verification'] => parse(`${HEAD}verify: ${verify}`).verification
    assert.deepEqual(read('once'), { kind: 'once' })
    assert.deepEqual(read('spot(0.05)'), { kind: 'spot', probability: 0.05 })
    assert.deepEqual(read('spot(.5)'), { kind: 'spot', probability: 0.5 })
    assert.deepEqual(read('spot(1)'), { kind: 'spot', probability: 1 })
    assert.deepEqual(read('quorum(2)'), { kind: 'quorum', providers: 2 })
    assert.deepEqual(read('quorum(16)'), { kind: 'quorum', providers: 16 })
    for (const wrong of [
      'spot(0)',
      'spot(1.1)',
      'spot(-1)',
      'spot',
      'quorum(1)',
      'quorum(17)',
      'quorum(2.5)',
      'quorum()',
      '3',
      '{ quorum: 3 }',
      'ONCE',
      'once ()',
    ])
      assert.match(only(`${HEAD}verify: ${wrong}`), /^verify must be once, spot\(P\)/, wrong)
  })

  it('reads cores in the older form as period and quota, in this order', () => {
    const cores = (quota: string): number | undefined =>
      parse(`${HEAD}resources: { cpu_quota: ${quota} }`).limits.cpuCores
    assert.equal(cores('"100000 50000"'), 0.5)
    assert.equal(cores('100000 50000'), 0.5)
    assert.equal(cores('" 50000   100000 "'), 2)
    assert.equal(cores('"1000 1000"'), 1)
    assert.equal(cores('"1000000 1000"'), 0.001)
    assert.equal(cores('"100000 33333"'), 0.333)
    assert.equal(cores('"1000 4096000"'), 4096)
    const issue = (quota: string): string => only(`${HEAD}resources: { cpu_quota: ${quota} }`)
    assert.match(issue('"999 1000"'), /^resources\.cpu_quota must begin with a period from 1000 to 1000000 .*not 999/)
    assert.match(issue('"1000001 1000"'), /must begin with a period/)
    assert.match(issue('"100000 999"'), /must end with a CPU time of at least 1000 microseconds, not 999/)
    assert.match(issue('"1000 4096500"'), /must come to at most 4096 cores, not 4096.5/)
    for (const quota of ['""', '"max 100000"', '"100000"', '"100000 -1"', '"100000,50000"', '"1e5 5e4"', '"1 2 3"'])
      assert.match(issue(quota), /must be a period and the CPU time in it, in microseconds/, quota)
    assert.match(issue('50000'), /must be text such as "100000 50000", not 50000/)
    assert.match(
      only(`${HEAD}resources: { cpu: 0.5, cpu_quota: "100000 50000" }`),
      /^resources\.cpu_quota must not be beside cpu, which says the same: leave one of them out \(line 3/,
    )
  })

  it('has nothing to do with the prototype of objects', () => {
    for (const key of ['__proto__', 'constructor', 'toString']) {
      assert.ok(only(`${HEAD}${key}: { polluted: true }`).startsWith(`${key} is not a known key`))
      assert.ok(only(`${HEAD}resources: { ${key}: 1 }`).startsWith(`resources.${key} is not a known key`))
    }
    assert.ok(only(`${HEAD}env: { __proto__: x }`).startsWith('env.__proto__ cannot be the name of a variable'))
    assert.deepEqual(Object.entries(parse(`${HEAD}env: { constructor: x }`).env), [['constructor', 'x']])
    assert.equal(({} as { polluted?: boolean }).polluted, undefined)
  })

  it('keeps its report small, whatever the file is', () => {
    const issues = issuesOf(Array.from({ length: 5000 }, (_, index) => `k${index}: 1`).join('\n'))
    assert.equal(issues.length, 50)
    assert.match(issues.at(-1)?.message ?? '', /^and \d+ more problems$/)
    const [long] = issuesOf(`${HEAD}name: "${'x'.repeat(100_000)}"`)
    assert.ok((long?.message.length ?? Infinity) < 500)
    const [key] = issuesOf(`${HEAD}? ${'k'.repeat(5000)}\n: 1`)
    assert.ok((key?.path.length ?? Infinity) + (key?.message.length ?? Infinity) < 500)
  })

  it('fits the examples that are shipped', () => {
    const examples = new URL('../../examples/', import.meta.url)
    const files = readdirSync(examples).filter((name) => name.endsWith('.yaml'))
    assert.ok(files.length > 0)
    for (const name of files) assert.ok(parse(readFileSync(new URL(name, examples), 'utf8')).runtime, name)
  })

  it('knows the key of every limit', () => {
    assert.equal(new Set(Object.values(KEY_OF_LIMIT)).size, LIMIT_KEYS.length)
  })

  it('ships a JSON Schema that takes what the parser takes', () => {
    const schema = z.fromJSONSchema(
      JSON.parse(readFileSync(new URL('../../schema/task.schema.json', import.meta.url), 'utf8')) as never,
    )
    const task = {
      version: 1,
      runtime: { type: 'wasm', module: 'a' },
      resources: { memory: '1m', disk: 5 },
      env: { A: 1 },
      stdin: { file: 'x' },
      price: { max: 0 },
    }
    assert.equal(schema.safeParse(task).success, true)
    for (const wrong of [
      { ...task, memory: 1 },
      { ...task, version: 2 },
      { runtime: task.runtime },
      { ...task, timeouts: { execution: [] } },
      { ...task, resources: { gpu: 0 } },
      { ...task, runtime: { type: 'docker', image: 'a', class: '../runc' } },
    ]) {
      assert.equal(schema.safeParse(wrong).success, false, JSON.stringify(wrong))
    }
  })
})
