import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { loadTask, taskFromCommandLine } from '../../src/client/load-task.ts'
import type { TaskDraft } from '../../src/protocol/task-file.ts'
import type { Issue } from '../../src/protocol/error-codes.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { blobsOf, runtimesOf, taskSpecSchema, type RuntimeSpec } from '../../src/protocol/task.ts'
import { archiveOf, layoutOf, makeImage, savedOf, type Files } from '../fixtures/oci-images.ts'
import { rawTar } from '../fixtures/raw-tar.ts'

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')

describe('loading a task', () => {
  let dir = ''
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-load-'))
    await put('app.wasm', 'module')
    await put('book.txt', 'a book')
  })
  afterEach(() => rm(dir, { recursive: true }))

  const put = async (name: string, data: string | Uint8Array): Promise<string> => {
    const file = join(dir, name)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, data)
    return file
  }
  const HEAD = 'version: 1\nruntime: { module: ./app.wasm }\n'
  const load = (yaml: string) => loadTask({ text: yaml, format: 'yaml', baseDir: dir })
  const issuesOf = async (task: Promise<unknown>): Promise<readonly Issue[]> => {
    let issues: readonly Issue[] = []
    await assert.rejects(task, (error) => {
      assert.ok(isSoukError(error, 'INVALID_INPUT'), String(error))
      issues = error.details.issues
      return true
    })
    return issues
  }
  const only = async (task: Promise<unknown>): Promise<string> => {
    const issues = await issuesOf(task)
    assert.equal(issues.length, 1, JSON.stringify(issues))
    return `${issues[0]?.path} ${issues[0]?.message}`
  }

  it('makes the spec, its bytes and its blobs of a file', async () => {
    const file = await put(
      'sub/count.yaml',
      `version: 1
runtime: { type: wasm, module: ../app.wasm }
command: [-l, 10]
env: { LANG: C }
stdin: { file: ../book.txt }
inputs: [{ source: ../book.txt, target: /in/book.txt }]
outputs: [{ path: /out }]
resources: { memory: 1m }
timeouts: { queue: 1s, execution: 2s, total: 3s }
retry: 1
`,
    )
    const { spec, bytes, blobs } = await loadTask({ file })
    const book = { sha256: sha256('a book'), bytes: 6 }
    assert.deepEqual(spec, {
      version: 1,
      name: 'count',
      runtime: { type: 'wasm', module: { sha256: sha256('module'), bytes: 6 } },
      command: ['-l', '10'],
      env: { LANG: 'C' },
      stdin: book,
      inputs: [{ source: book, target: '/in/book.txt' }],
      outputs: [{ path: '/out' }],
      limits: { wallTimeMs: 2000, memoryBytes: 1_048_576 },
      queueTimeoutMs: 1000,
      totalTimeoutMs: 3000,
      network: 'none',
      retry: 1,
      maxPriceWei: '0',
      verify: 'once',
    })
    assert.deepEqual(taskSpecSchema.parse(JSON.parse(new TextDecoder().decode(bytes))), spec)
    assert.deepEqual(
      blobs,
      new Map([
        [sha256('module'), { path: join(dir, 'app.wasm'), bytes: 6 }],
        [book.sha256, { path: join(dir, 'book.txt'), bytes: 6 }],
      ]),
    )
    for (const { sha256: digest } of blobsOf(spec)) assert.ok(blobs.has(digest))
  })

  it('keeps to itself how a task is to be checked: the bytes are the same', async () => {
    const deterministic = 'version: 1\nruntime: { module: app.wasm, deterministic: true }\n'
    const once = await load(deterministic)
    const checked = await load(`${deterministic}verify: quorum(3)`)
    assert.deepEqual(checked.verification, { kind: 'quorum', providers: 3 })
    assert.deepEqual(once.verification, { kind: 'once' })
    assert.deepEqual(checked.bytes, once.bytes)
    assert.equal(checked.spec.verify, 'once')
  })

  it('checks deterministic tasks alone', async () => {
    for (const verify of ['spot(0.5)', 'quorum(2)'])
      assert.match(
        await only(load(`${HEAD}verify: ${verify}`)),
        /^verify cannot be (spot|quorum) where two honest providers may differ: .*deterministic: true.* \(line 3, column 9\)$/,
      )
    const adjust = (draft: TaskDraft): TaskDraft => ({ ...draft, runtime: { ...draft.runtime, deterministic: true } })
    const { verification } = await loadTask({ text: `${HEAD}verify: spot(0.5)`, format: 'yaml', baseDir: dir, adjust })
    assert.deepEqual(verification, { kind: 'spot', probability: 0.5 })
  })

  it('reads JSON where the name says so', async () => {
    const file = await put('t.json', JSON.stringify({ version: 1, name: 'j', runtime: { module: 'app.wasm' } }))
    assert.equal((await loadTask({ file })).spec.name, 'j')
    await put('t.json', HEAD)
    assert.match(await only(loadTask({ file })), /is not JSON/)
  })

  it('keeps text for standard input in memory', async () => {
    const { spec, blobs } = await load(`${HEAD}stdin: héllo`)
    const data = new TextEncoder().encode('héllo')
    assert.deepEqual(spec.stdin, { sha256: sha256(data), bytes: 6 })
    assert.deepEqual(blobs.get(sha256(data)), { data })
    assert.equal((await load(`${HEAD}stdin: ""`)).spec.stdin, undefined)
  })

  it('takes a folder apart into its files, in order', async () => {
    await put('data/b.txt', 'b')
    await put('data/a/z.txt', 'z')
    await put('data/a.txt', 'a')
    await put('data/ü.txt', 'u')
    await mkdir(join(dir, 'data/empty'))
    const { spec, blobs } = await load(
      `${HEAD}inputs: [{ source: ./data, target: /in/data }, { source: book.txt, target: /in/book }]`,
    )
    assert.deepEqual(
      spec.inputs.map(({ source, target }) => [target, source.sha256]),
      [
        ['/in/data/a.txt', sha256('a')],
        ['/in/data/a/z.txt', sha256('z')],
        ['/in/data/b.txt', sha256('b')],
        ['/in/data/ü.txt', sha256('u')],
        ['/in/book', sha256('a book')],
      ],
    )
    assert.equal(blobs.size, 6)
  })

  it('refuses a folder that is not only files', async () => {
    const folder = `${HEAD}inputs: [{ source: ./data, target: /in }]`
    await mkdir(join(dir, 'data/deep'), { recursive: true })
    await symlink('/etc/passwd', join(dir, 'data/deep/link'))
    assert.match(
      await only(load(folder)),
      /^inputs.0.source names .*data, a folder that has .*deep\/link, which is a symbolic link.* \(line 3, column 20\)$/,
    )
    await rm(join(dir, 'data/deep/link'))
    execFileSync('mkfifo', [join(dir, 'data/deep/fifo')])
    assert.match(await only(load(folder)), /deep\/fifo, which is not a regular file/)
    await rm(join(dir, 'data/deep/fifo'))
    await writeFile(Buffer.concat([Buffer.from(join(dir, 'data/')), Buffer.of(0xff)]), 'x')
    assert.match(await only(load(folder)), /whose name is not UTF-8/)
  })

  it('stops at more files than a task may have', async () => {
    await mkdir(join(dir, 'many'))
    for (let index = 0; index < 1024; index += 1) writeFileSync(join(dir, `many/${index}`), 'x')
    assert.equal((await load(`${HEAD}inputs: [{ source: ./many, target: /in }]`)).spec.inputs.length, 1024)
    assert.match(
      await only(load(`${HEAD}inputs: [{ source: book.txt, target: /book }, { source: ./many, target: /in }]`)),
      /^inputs.1.source .* has more than the 1023 files/,
    )
  })

  it('names every file that cannot be used, by key and path', async () => {
    execFileSync('mkfifo', [join(dir, 'fifo')])
    await symlink('loop', join(dir, 'loop'))
    const issues = await issuesOf(
      load(`version: 1
runtime: { module: ./missing.wasm }
stdin: { file: . }
inputs:
  - { source: fifo, target: /a }
  - { source: book.txt/x, target: /b }
  - { source: loop, target: /c }
  - { source: /dev/zero, target: /d }
`),
    )
    const text = issues.map(({ path, message }) => `${path} ${message.replaceAll(dir, 'DIR')}`)
    assert.deepEqual(text, [
      'runtime.module names DIR/missing.wasm: there is no such file (line 2, column 20)',
      'stdin.file names DIR, which is a folder, not a file (line 3, column 16)',
      'inputs.0.source names DIR/fifo, which is not a regular file (line 5, column 15)',
      'inputs.1.source names DIR/book.txt/x: a part of its path is not a folder (line 6, column 15)',
      'inputs.2.source names DIR/loop: too many symbolic links (line 7, column 15)',
      'inputs.3.source names /dev/zero, which is not a regular file (line 8, column 15)',
    ])
  })

  it('follows a link to a file that is named itself', async () => {
    await symlink('book.txt', join(dir, 'link'))
    const { spec } = await load(`${HEAD}inputs: [{ source: link, target: /a }]`)
    assert.equal(spec.inputs[0]?.source.sha256, sha256('a book'))
  })

  it('refuses paths in each other’s way', async () => {
    const inputs = (yaml: string) => only(load(`${HEAD}${yaml}`))
    const both = '{ source: book.txt, target: /a }, { source: book.txt, target: /a/b }'
    assert.match(
      await inputs(`inputs: [${both}]`),
      /^inputs targets of inputs, mounts and outputs must be distinct.* \(line 3, column 9\)$/,
    )
    assert.match(await inputs('outputs: [{ path: /a }, { path: /a/b }]'), /must be distinct/)
    await put('data/book', 'x')
    assert.match(
      await inputs('inputs: [{ source: data, target: /a }, { source: book.txt, target: /a/book }]'),
      /must be distinct/,
    )
  })

  it('says which input a name too long comes from', async () => {
    await put(`data/${'x'.repeat(250)}`, 'x')
    const long = `/${'y'.repeat(250)}`.repeat(4)
    const task = load(`${HEAD}inputs: [{ source: book.txt, target: /b }, { source: data, target: ${long} }]`)
    assert.match(await only(task), /^inputs.1.target must be at most 1024 bytes \(line 3, column \d+\)$/)
  })

  it('bounds arguments and environment together', async () => {
    const long = 'x'.repeat(120_000)
    assert.match(
      await only(
        load(`${HEAD}command: [${long}]\nenv: { A: ${long} }\n`).then(() =>
          taskFromCommandLine({ wasm: 'app.wasm', baseDir: dir, args: [long.repeat(5)] }),
        ),
      ),
      /^command .*together must be at most 524288 bytes/,
    )
    assert.match(
      await only(taskFromCommandLine({ wasm: 'app.wasm', baseDir: dir, args: ['a\0b'] })),
      /^command.0 must not contain a NUL byte/,
    )
  })

  it('refuses a task file that is none', async () => {
    assert.match(await only(loadTask({ file: join(dir, 'missing.yaml') })), /there is no such file/)
    assert.match(await only(loadTask({ file: dir })), /is a folder/)
    assert.match(await only(loadTask({ file: '/dev/zero' })), /is not a regular file/)
    assert.match(
      await only(loadTask({ file: await put('big.yaml', '#'.repeat(300_000)) })),
      /is larger than 262144 bytes/,
    )
    assert.match(await only(loadTask({ file: await put('binary.yaml', Uint8Array.of(0xc3, 0x28)) })), /is not UTF-8/)
  })

  it('names a task after its file, with what a name may have', async () => {
    for (const [name, expected] of [
      ['word_count.yaml', 'word_count'],
      ['a(b)+c.yml', 'a-b--c'],
      ['-.yaml', 'task'],
      [`${'é'.repeat(110)}.yaml`, 'é'.repeat(100)],
      [`a${'𝒳'.repeat(60)}.yaml`, `a${'𝒳'.repeat(49)}`],
    ] as const) {
      assert.equal((await loadTask({ file: await put(name, HEAD) })).spec.name, expected)
    }
  })

  it('stops when it is told to', async () => {
    const reason = new Error('enough')
    await assert.rejects(
      loadTask({ text: HEAD, format: 'yaml', baseDir: dir, signal: AbortSignal.abort(reason) }),
      reason,
    )
  })

  it('makes the same task of a command line', async () => {
    const line = await taskFromCommandLine({
      wasm: 'app.wasm',
      baseDir: dir,
      name: 't',
      args: ['a', 'b c'],
      env: { A: '1' },
      stdin: { data: new TextEncoder().encode('in') },
      workdir: '/w',
      inputs: [{ source: 'book.txt', target: '/in/book' }],
      outputs: [{ path: '/out' }],
      limits: { memoryBytes: 1024 ** 2, wallTimeMs: 1000 },
      queueTimeoutMs: 1000,
      totalTimeoutMs: 2000,
      retry: 1,
      maxPriceWei: '5',
    })
    const file = await load(`version: 1
name: t
runtime: { type: wasm, module: app.wasm }
command: [a, b c]
env: { A: 1 }
stdin: in
workdir: /w
inputs: [{ source: book.txt, target: /in/book }]
outputs: [{ path: /out }]
resources: { memory: 1m }
timeouts: { execution: 1s, queue: 1s, total: 2s }
retry: 1
price: { max: 5 }
`)
    assert.deepEqual(line.spec, file.spec)
    assert.deepEqual(line.blobs, file.blobs)
    assert.equal((await taskFromCommandLine({ wasm: 'app.wasm', baseDir: dir })).spec.name, 'app')
  })

  it('makes the same task of a program, an image and a root file system', async () => {
    const digest = 'ab'.repeat(32)
    const image = `registry:5000/tools/cc@sha256:${digest}`
    await writeFile(join(dir, 'image.tar'), archiveOf(layoutOf([makeImage({ layers: [rawTar({ name: 'a' })] })])))
    for (const [line, runtime, name] of [
      [{ native: 'app.wasm' }, '{ type: native, program: app.wasm }', 'app'],
      [{ docker: image }, `{ type: docker, image: '${image}' }`, 'cc'],
      [{ docker: `sha256:${digest}` }, `{ type: docker, image: 'sha256:${digest}' }`, 'image'],
      [{ docker: './image.tar' }, '{ type: docker, image: ./image.tar }', 'image'],
      [{ native: image }, `{ type: native, image: '${image}' }`, 'cc'],
      [{ native: 'image.tar' }, '{ type: native, image: ./image.tar }', 'image'],
      [{ native: './image.tar' }, '{ type: native, image: ./image.tar }', 'image'],
      [{ rootfs: { name: 'debian', sha256: digest } }, `{ type: native, rootfs: 'debian@sha256:${digest}' }`, 'sh'],
    ] as const) {
      const made = await taskFromCommandLine({ ...line, baseDir: dir, args: ['/bin/sh', '-c'] })
      const file = await load(`version: 1\nname: ${name}\nruntime: ${runtime}\ncommand: [/bin/sh, -c]\n`)
      assert.deepEqual(made, file)
    }
  })

  it('asks for folders and for a root that can be changed in the words of the wire, and only where a file does', async () => {
    const rootfs = `debian@sha256:${'ab'.repeat(32)}`
    const of = async (more: string): Promise<object> =>
      (await load(`version: 1\nname: a\nruntime: { rootfs: '${rootfs}'${more} }\ncommand: [a]\n`)).spec.runtime
    const plain = await of('')
    assert.deepEqual(await of(', writable: false, mounts: []'), plain)
    assert.deepEqual(await of(', writable: true, mounts: [{ name: data, target: /data }]'), {
      ...plain,
      writable: true,
      mounts: [{ name: 'data', target: '/data' }],
    })
    await assert.rejects(of(', mounts: [{ name: data, target: /a }, { name: data, target: /a/b }]'), /must be distinct/)
  })

  it('asks to come out the same everywhere in the words of the wire, and only where a file does', async () => {
    const of = async (more: string): Promise<object> =>
      (await load(`version: 1\nname: a\nruntime: { module: ./app.wasm${more} }\n`)).spec.runtime
    const plain = await of('')
    assert.deepEqual(await of(', deterministic: false'), plain)
    assert.deepEqual(await of(', deterministic: true'), { ...plain, deterministic: true })
    const made = await taskFromCommandLine({ wasm: 'app.wasm', deterministic: true, baseDir: dir })
    assert.deepEqual(made.spec.runtime, { type: 'wasm', ...plain, deterministic: true })
    await assert.rejects(
      load('version: 1\nruntime: { program: ./app.wasm, deterministic: true }\n'),
      /runtime.deterministic is for WebAssembly tasks: with module, not program/,
    )
  })

  it('pins the image of an archive, by its manifest or by its id, and says which of several it could be', async () => {
    const write = (name: string, files: Files): Promise<void> => writeFile(join(dir, name), archiveOf(files))
    const layers = [rawTar({ name: 'a' })]
    const one = makeImage({ layers })
    const foreign = makeImage({ layers, architecture: 'riscv128' })
    const twin = makeImage({ layers, config: { Cmd: ['twin'] } })
    const saved = savedOf({ layers, tags: ['box:1'] })
    await write('one.tar', layoutOf([one]))
    await write('platforms.tar', layoutOf([foreign, one]))
    await write('twins.tar', layoutOf([one, twin]))
    await write('saved.tar', saved.files)
    await write('neither.tar', new Map([['file', Buffer.from('x')]]))
    const runtimeOf = async (text: string): Promise<RuntimeSpec> =>
      (await load(`version: 1\nname: t\nruntime: { image: '${text}' }`)).spec.runtime
    const pins = async (text: string, digest: string): Promise<void> => {
      const runtime = await runtimeOf(text)
      assert.ok('archive' in runtime, text)
      assert.equal(runtime.image, digest, text)
      const [file = ''] = text.slice(2).split('@')
      assert.equal(runtime.archive.sha256, sha256(await readFile(join(dir, file))))
    }
    await pins('./one.tar', one.digest)
    const ofDocker = await load("version: 1\nname: t\nruntime: { type: docker, image: './one.tar', class: runsc }")
    const archive = {
      sha256: sha256(await readFile(join(dir, 'one.tar'))),
      bytes: (await stat(join(dir, 'one.tar'))).size,
    }
    assert.deepEqual(ofDocker.spec.runtime, { type: 'docker', class: 'runsc', archive, image: one.digest })
    assert.deepEqual(blobsOf(ofDocker.spec), [archive])
    assert.deepEqual(runtimesOf(ofDocker.spec.runtime), ['docker'])
    assert.deepEqual(runtimesOf(await runtimeOf('./one.tar')), ['native'])
    await pins('./saved.tar', saved.id)
    await pins('./platforms.tar', one.digest)
    await pins(`./platforms.tar@${foreign.digest}`, foreign.digest)
    await pins(`./twins.tar@${twin.digest}`, twin.digest)
    const refused = (text: string): Promise<string> => only(runtimeOf(text))
    assert.match(
      await refused('./twins.tar'),
      new RegExp(`^runtime.image names .*several images.*${one.digest}.*${twin.digest}`),
    )
    assert.match(
      await refused(`./one.tar@${twin.digest}`),
      new RegExp(`no image ${twin.digest}; it holds ${one.digest}`),
    )
    assert.match(await refused('./neither.tar'), /neither an OCI archive \(index.json\) nor one of `docker save`/)
    assert.match(await refused('./app.wasm'), /it is no tar archive|ends in the middle/)
    assert.match(await refused('./none.tar'), /there is no such file/)
    await writeFile(join(dir, 'packed.tar.gz'), gzipSync(archiveOf(layoutOf([one]))))
    assert.match(await refused('./packed.tar.gz'), /compressed with gzip/)
  })

  it('lets somebody say otherwise before the files are read', async () => {
    const adjust = (draft: TaskDraft): Promise<TaskDraft> =>
      Promise.resolve({ ...draft, runtime: { ...draft.runtime, image: `sha256:${'cd'.repeat(32)}` } })
    const { spec } = await taskFromCommandLine({ docker: 'tools/busybox:1', baseDir: dir, adjust })
    assert.deepEqual(spec.runtime, { type: 'docker', image: `sha256:${'cd'.repeat(32)}` })
    assert.equal(spec.name, 'busybox')
    const text = 'version: 1\nruntime: { type: docker, image: busybox }\n'
    const file = await loadTask({ text, format: 'yaml', baseDir: dir, adjust })
    assert.deepEqual(file.spec.runtime, spec.runtime)
  })

  it('leaves the names of what a provider offers for the native runtime as they are', async () => {
    const { spec } = await load('version: 1\nruntime: { type: native, image: box }\n')
    assert.deepEqual(spec.runtime, { type: 'native', image: 'box' })
  })

  it('names the keys of a task file for a command line, too', async () => {
    assert.match(
      await only(taskFromCommandLine({ wasm: 'none.wasm', baseDir: dir })),
      /^runtime.module names .*none.wasm: there is no such file$/,
    )
    assert.match(
      await only(taskFromCommandLine({ wasm: 'app.wasm', baseDir: dir, limits: { memoryBytes: 0 } })),
      /^resources.memory must be more than 0/,
    )
    assert.match(
      await only(taskFromCommandLine({ wasm: 'app.wasm', baseDir: dir, maxPriceWei: '1.5' })),
      /^price.max an amount in wei/,
    )
    const env = Object.fromEntries([['__proto__', 'x']])
    assert.match(
      await only(taskFromCommandLine({ wasm: 'app.wasm', baseDir: dir, env })),
      /^env.__proto__ cannot be the name of a variable/,
    )
  })
})
