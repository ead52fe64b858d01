import assert from 'node:assert/strict'
import fc from 'fast-check'
import picocolors from 'picocolors'
import { errorLines } from '../../src/cli/render/error-text.ts'
import { diagnosisLines } from '../../src/cli/render/diagnosis-text.ts'
import { colouredOutcome, outcomeText, usageText } from '../../src/cli/render/outcome-text.ts'
import { printable } from '../../src/cli/render/printable.ts'
import { formatAge, formatElapsed, formatSize } from '../../src/cli/render/quantities.ts'
import { shellWord } from '../../src/cli/shell-word.ts'
import { statusLines } from '../../src/cli/render/status-text.ts'
import { displayWidth, tableLines, wrapped } from '../../src/cli/render/table.ts'
import { summaryLines, tasksLines } from '../../src/cli/render/task-text.ts'
import { wantsColors } from '../../src/cli/render/terminal.ts'
import { SoukError } from '../../src/protocol/errors.ts'
import type { TaskSummary } from '../../src/protocol/events.ts'
import type { BoundedLimits } from '../../src/protocol/limits.ts'
import type { NodeStatus, RuntimeStatus } from '../../src/protocol/node-status.ts'

const plain = picocolors.createColors(false)
const coloured = picocolors.createColors(true)
const NOW_MS = 1_800_000_000_000

const caps: BoundedLimits = {
  cpuCores: 2,
  wallTimeMs: 300_000,
  memoryBytes: 512 * 1024 * 1024,
  diskBytes: 64 * 1024 * 1024,
  inodes: 10_000,
  outputBytes: 16 * 1024 * 1024,
  openFiles: 256,
}
const wasm: RuntimeStatus = {
  runtime: 'wasm',
  available: true,
  caps,
  isolation: {
    runtime: 'wasm',
    engine: 'V8 13.6 with a WASI',
    layers: ['process-one-shot', 'node-permission-model', 'empty-environment', 'uid-65534', 'in-memory-file-system'],
    missing: ['native-sandbox'],
    reuse: 'none',
  },
  proven: [
    {
      limit: 'memoryBytes',
      how: 'memory.grow past 1 MiB returned -1, and the module went on to say so in as many words',
    },
  ],
  unproven: [{ limit: 'fuel', why: 'instructions are not metered' }],
  waived: [],
  features: ['simd', 'deterministic', 'component'],
}

function summary(more: Partial<TaskSummary> = {}): TaskSummary {
  return {
    taskId: `0x${'1a2b3c4d'.padEnd(64, '0')}`,
    name: 'word-count',
    runtime: 'wasm',
    state: 'finished',
    attempts: 1,
    acceptedAtMs: NOW_MS - 90_000,
    startedAtMs: NOW_MS - 89_000,
    finishedAtMs: NOW_MS - 87_800,
    outcome: { kind: 'exited', code: 0 },
    stdoutBytes: 12,
    stderrBytes: 0,
    ...more,
  }
}

describe('text on the terminal', () => {
  it('shows sizes, times and ages in three digits or so', () => {
    assert.deepEqual([0, 999, 1000, 1536, 1024 ** 2, 12.3 * 1024 ** 2, 1000 * 1024 ** 3].map(formatSize), [
      '0 B',
      '999 B',
      '0.977k',
      '1.5k',
      '1m',
      '12.3m',
      '0.977t',
    ])
    assert.deepEqual([0, 310, 9_994, 9_995, 99_949, 99_950, 187_000, 3_600_000, 200_000_000].map(formatElapsed), [
      '0.00s',
      '0.31s',
      '9.99s',
      '10.0s',
      '99.9s',
      '1m40s',
      '3m07s',
      '1h00m',
      '2d07h',
    ])
    assert.deepEqual([0, 59_999, 60_000, 3_600_000, 172_800_000].map(formatAge), ['now', '59s', '1m', '1h', '2d'])
  })

  it('escapes what would move the cursor, colour the screen or hide in the text of a stranger', () => {
    assert.equal(printable('a\u001b[31mb\nc\td\u009b\u202eabc\u200b'), 'a\\x1b[31mb\\nc\\td\\x9b\\u202eabc\\u200b')
    assert.equal(printable('größe 日本 👍'), 'größe 日本 👍')
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !/[\p{Cc}\u202a-\u202e]/u.test(printable(text))))
  })

  it('quotes what a shell would take apart', () => {
    assert.equal(shellWord('/ip4/127.0.0.1/tcp/1/p2p/16Uiu2'), '/ip4/127.0.0.1/tcp/1/p2p/16Uiu2')
    assert.equal(shellWord("it's"), `'it'\\''s'`)
  })

  it('breaks lines at spaces and loses no word', () => {
    assert.deepEqual(wrapped({ text: 'one two three', width: 7 }), ['one two', 'three'])
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{1,12}$/)),
        fc.integer({ min: 1, max: 40 }),
        (words, width) => wrapped({ text: words.join(' '), width }).join(' ') === words.join(' '),
      ),
    )
  })

  it('makes tables whose lines are no longer than the terminal is wide', () => {
    const columns = [{ title: 'ID' }, { title: 'NAME', flexible: true }, { title: 'N', align: 'right' as const }]
    assert.deepEqual(tableLines({ columns, rows: [['a', 'a rather long name', '7']], width: 18 }), [
      'ID  NAME         N',
      'a   a rather l…  7',
    ])
    assert.deepEqual(tableLines({ columns, rows: [['a', '日本語', '7']], width: Infinity }), [
      'ID  NAME    N',
      'a   日本語  7',
    ])
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.stringMatching(/^.{0,3}$/),
            fc.string({ unit: 'grapheme', maxLength: 40 }).map(printable),
            fc.stringMatching(/^\d{1,4}$/),
          ),
          { maxLength: 5 },
        ),
        (rows) =>
          tableLines({ columns, rows: rows.map(([id, name, n]) => [printable(id), name, n]), width: 40 }).every(
            (line) => displayWidth(line) <= 40,
          ),
      ),
    )
  })

  it('does not count colours, and cuts none in half', () => {
    const rows = [[coloured.red('abcdefghijkl'), 'x']]
    const [, line = ''] = tableLines({ columns: [{ title: 'A', flexible: true }, { title: 'B' }], rows, width: 11 })
    assert.equal(line, 'abcdefg…  x')
    assert.equal(displayWidth(coloured.bold(coloured.green('日本'))), 4)
  })

  it('says how a task ended, and what it used besides the limit that ended it', () => {
    const usage = { wallTimeMs: 1200, cpuTimeMs: 900, memoryPeakBytes: 128 * 1024, outputBytes: 5, limitsHit: [] }
    assert.equal(outcomeText({ kind: 'limit', limit: 'cpuTime' }), 'CPU time limit')
    assert.equal(
      usageText({ outcome: { kind: 'exited', code: 0 }, usage, outputs: 1 }),
      '1.20s, 0.90s CPU, 128k memory, 1 output file',
    )
    assert.equal(
      usageText({
        outcome: { kind: 'limit', limit: 'output' },
        usage: { ...usage, memoryPeakBytes: 0, limitsHit: ['disk', 'output'] },
        outputs: 0,
      }),
      '1.20s, 0.90s CPU, met its disk limit',
    )
    assert.equal(
      usageText({
        outcome: { kind: 'limit', limit: 'wallTime' },
        usage: { ...usage, limitsHit: ['wallTime'], pidsPeak: 3, ioReadBytes: 4096, ioWriteBytes: 0, overshootMs: 20 },
        outputs: 0,
      }),
      '1.20s, 0.90s CPU, 128k memory, 3 processes at once, 4k read from disk, 0.02s past its limit',
    )
    assert.equal(
      usageText({
        outcome: { kind: 'limit', limit: 'fuel' },
        usage: { ...usage, limitsHit: ['fuel'], fuelUsed: 1_000_000_017 },
        outputs: 0,
      }),
      '1.20s, 0.90s CPU, 128k memory, 1,000,000,017 fuel',
    )
    assert.equal(colouredOutcome({ kind: 'exited', code: 0 }, coloured), coloured.green('exited 0'))
    assert.equal(colouredOutcome({ kind: 'exited', code: 1 }, coloured), coloured.red('exited 1'))
  })
})

describe('colours', () => {
  it('are for terminals, unless NO_COLOR or FORCE_COLOR say otherwise', () => {
    for (const [env, isTTY, expected] of [
      [{}, true, true],
      [{}, false, false],
      [{ TERM: 'dumb' }, true, false],
      [{ NO_COLOR: '1' }, true, false],
      [{ NO_COLOR: '' }, true, true],
      [{ FORCE_COLOR: '1' }, false, true],
      [{ FORCE_COLOR: '0' }, true, false],
      [{ FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
    ] as const) {
      assert.equal(wantsColors({ env, isTTY }), expected, JSON.stringify({ env, isTTY }))
    }
  })
})

describe('errors on the terminal', () => {
  const linesOf = (error: SoukError): readonly string[] => errorLines({ error: error.toJSON(), colors: plain })

  it('are what, why and what to do, a line each', () => {
    const error = new SoukError({
      code: 'UNREACHABLE',
      message: 'Nobody answers at /ip4/127.0.0.1/tcp/1.',
      details: { address: '/ip4/127.0.0.1/tcp/1' },
    })
    assert.deepEqual(linesOf(error), [
      'error  There is no connection to the provider (UNREACHABLE)',
      'why    Nobody answers at /ip4/127.0.0.1/tcp/1.',
      'do     Check the address and that the provider is up.',
    ])
  })

  it('name a price as people write it, and what would pay it', () => {
    const reasons = [
      {
        reason: 'PRICE_TOO_LOW',
        message: 'The task pays at most 0 wei, within its limits it can come to 11000000000000 wei',
        subject: 'priceWei',
        asked: '0',
        offered: '11000000000000',
      },
    ] as const
    const error = new SoukError({ code: 'REFUSED', message: 'The task is refused.', details: { reasons } })
    assert.deepEqual(linesOf(error).slice(1), [
      'why    The task pays at most 0 wei, within its limits it can come to 11000gwei',
      'do     Allow the price, with --max-price 11000gwei or price.max in the task file.',
    ])
  })

  it('have a line for each reason of a refusal, in the units that people write', () => {
    const reasons = [
      {
        reason: 'CAP_ABOVE_OFFER' as const,
        message: 'It asks for 1073741824, at most 536870912 is offered',
        subject: 'memoryBytes',
        asked: '1073741824',
        offered: '536870912',
      },
      {
        reason: 'CAP_ABOVE_OFFER' as const,
        message: 'It asks for 90000, at most 30000',
        subject: 'wallTimeMs',
        asked: '90000',
        offered: '30000',
      },
      { reason: 'EXPIRED' as const, message: 'The task expired\u001b[2J 12 ms ago', subject: 'expiryMs' },
    ]
    assert.deepEqual(
      linesOf(new SoukError({ code: 'REFUSED', message: 'all of it', details: { reasons } })).slice(1, -1),
      [
        'why    It asks for 1g, at most 512m is offered',
        '       It asks for 1m30s, at most 30s',
        '       The task expired\\x1b[2J 12 ms ago',
      ],
    )
  })

  it('have a line for each issue, whether the message lists them or not', () => {
    const issues = [
      { path: 'a.b', message: 'is wrong' },
      { path: '', message: 'is empty' },
    ]
    const listed = new SoukError({
      code: 'INVALID_INPUT',
      message: 'x.yaml has 2 problems:\n  a.b is wrong\n  is empty',
      details: { issues },
    })
    assert.deepEqual(linesOf(listed).slice(1, -1), [
      'why    x.yaml has 2 problems:',
      '         a.b is wrong',
      '         is empty',
    ])
    const counted = new SoukError({ code: 'INVALID_INPUT', message: 'The task is not valid', details: { issues } })
    assert.deepEqual(linesOf(counted).slice(1, -1), [
      'why    The task is not valid',
      '       a.b is wrong',
      '       is empty',
    ])
  })

  it('survive details that a stranger left out', () => {
    const error = {
      ...new SoukError({ code: 'REFUSED', message: 'No.', details: { reasons: [] } }).toJSON(),
      details: {},
    }
    assert.equal(errorLines({ error, colors: plain })[1], 'why    No.')
  })
})

describe('tables for 80 columns', () => {
  it('list tasks by the shortest ids that differ', () => {
    const other = summary({
      taskId: `0x${'1a2b3c4dff'.padEnd(64, '0')}`,
      name: 'x'.repeat(100),
      state: 'running',
      finishedAtMs: NOW_MS,
      outcome: { kind: 'limit', limit: 'openFiles' },
    })
    const lines = tasksLines({ tasks: [summary(), other], nowMs: NOW_MS, width: 80, colors: plain })
    assert.ok(
      lines.every((line) => displayWidth(line) <= 80),
      lines.join('\n'),
    )
    assert.match(lines[1] ?? '', /^0x1a2b3c4d00 {2}word-count +wasm +finished +1m +1\.20s {2}exited 0$/)
    assert.match(lines[2] ?? '', /^0x1a2b3c4dff {2}x+… /)
  })

  it('show a task without what it does not have', () => {
    const {
      startedAtMs: _started,
      finishedAtMs: _finished,
      outcome: _outcome,
      ...waiting
    } = summary({ state: 'queued' })
    const lines = summaryLines({ summary: waiting, provider: '0xabc', colors: plain })
    assert.deepEqual(
      lines.map((line) => line.split(' ')[0]),
      ['task', 'name', 'provider', 'state', 'accepted', 'output'],
    )
  })

  it('show a node, and what a host can do', () => {
    const resources = { slots: 2, cpuMilliCores: 1500, memoryBytes: 1024 ** 3, diskBytes: 4 * 1024 ** 3, gpus: 0 }
    const undenied = { systemCalls: 0, oomKills: 0, memoryReclaims: 0, pids: 0, fullDisks: 0, images: 0 }
    const status: NodeStatus = {
      version: '0.1.0',
      pid: 1,
      peerId: '16Uiu2HAm',
      address: `0x${'ab'.repeat(20)}`,
      multiaddrs: ['/ip4/127.0.0.1/tcp/4150/p2p/16Uiu2HAm', '/ip4/10.0.0.1/tcp/4150/p2p/16Uiu2HAm'],
      startedAtMs: NOW_MS - 60_000,
      stopping: false,
      chainId: 0,
      connections: 1,
      tasks: { queued: 1, preparing: 2, running: 3, finished: 4, failed: 5 },
      running: [],
      capacity: { total: resources, used: resources },
      storage: { bytes: 1024, quotaBytes: 10 * 1024 ** 3 },
      runtimes: [wasm, { runtime: 'docker', available: false, why: 'no engine answers' }],
      denied: [
        { runtime: 'native', ...undenied, tasks: 2, systemCalls: 12, oomKills: 1 },
        { runtime: 'docker', ...undenied, tasks: 4, pids: 1, memoryReclaims: 2, fullDisks: 1, images: 3 },
      ],
    }
    const lines = statusLines({ status, nowMs: NOW_MS, width: 80, colors: plain })
    assert.equal(lines[0], 'node     serving for 1m, souk 0.1.0, process 1')
    assert.ok(lines.includes('of        2    1.5      1g    4g'), lines.join('\n'))
    assert.ok(lines.includes('docker not available: no engine answers'))
    assert.deepEqual(lines.slice(-3), [
      '',
      'native denied 2 tasks: 12 system calls, memory, with 1 kill',
      'docker denied 4 tasks: memory past its limit, 2 times, 1 fork, 1 full disk, 3 images',
    ])
    const calm = statusLines({ status: { ...status, denied: [] }, nowMs: NOW_MS, width: 80, colors: plain })
    assert.deepEqual(calm, lines.slice(0, -3))

    const limits = { ...caps, cpuCores: 2, cpuTimeMs: 60_000, memoryBytes: 64 * 1024 ** 2, pids: 16 }
    const runs = { name: 'sort', requester: status.address, startedAtMs: NOW_MS - 5000, limits }
    const usage = { atMs: NOW_MS, cpuTimeMs: 6000, cpuCores: 1.5, memoryBytes: 16 * 1024 ** 2, pids: 4 }
    const busy = statusLines({
      status: {
        ...status,
        capacity: { total: { ...resources, gpus: 2 }, used: { ...resources, gpus: 1 } },
        running: [
          { ...runs, taskId: `0x${'1a'.repeat(32)}`, runtime: 'docker', usage },
          { ...runs, taskId: `0x${'2b'.repeat(32)}`, runtime: 'wasm' },
        ],
      },
      nowMs: NOW_MS,
      width: 120,
      colors: plain,
    })
    assert.ok(busy.includes('of        2    1.5      1g    4g     2'), busy.join('\n'))
    const [docker = '', other = ''] = busy.filter((line) => line.includes('sort'))
    assert.match(docker, /^0x1a1a1a1a +sort +docker +5\.00s +1\.5, 75% +6\.00s, 10% +16m, 25% +4, 25%$/)
    assert.match(other, /^0x2b2b2b2b +sort +wasm +5\.00s$/)

    const diagnosis = {
      ok: true,
      souk: '0.1.0',
      node: 'v24.0.0',
      kernel: 'Linux 6.18',
      arch: 'x64',
      secp256k1: { native: true },
      privileges: { root: true, problem: 'the node would run as root: set node.user' },
      config: { file: null, valid: true, issues: [] },
      runtimes: [
        { ...wasm, enabled: true },
        { runtime: 'docker' as const, available: false as const, why: 'no engine answers', enabled: false },
        { ...wasm, runtime: 'native' as const, enabled: false },
      ],
    }
    const found = diagnosisLines({ diagnosis, width: 80, colors: plain })
    assert.ok(
      found.every((line) => displayWidth(line) <= 80),
      found.join('\n'),
    )
    assert.ok(
      found.some((line) => /✓ memoryBytes {2}512m {2}memory\.grow past/.test(line)),
      found.join('\n'),
    )
    assert.ok(found.some((line) => /– fuel .* instructions are not metered/.test(line)))
    assert.ok(found.includes('  offers  simd, deterministic, component'))
    const at = (start: string): string =>
      found
        .slice(found.findIndex((line) => line.startsWith(start)))
        .slice(0, 2)
        .join('\n')
    assert.match(at('docker'), /^docker: not available, and turned off\n {2}no engine answers$/)
    assert.match(
      at('native'),
      /^native: able, but turned off, .*\n {2}to offer it set sandbox\.native\.enabled to true$/,
    )
    const { isolation, proven, unproven } = wasm
    const classes = [
      { name: 'runsc', available: true as const, isolation, proven, unproven },
      { name: 'crun', available: false as const, why: 'cgroups in hybrid mode not supported' },
    ]
    const classed = { ...diagnosis, runtimes: [{ ...wasm, runtime: 'docker' as const, enabled: true, classes }] }
    const offered = diagnosisLines({ diagnosis: classed, width: 80, colors: plain }).join('\n')
    assert.match(offered, new RegExp(`\n {2}✓ runsc: ${isolation.engine}\n {4}layers `))
    assert.match(offered, /\n {2}– crun: not offered\n {4}cgroups in hybrid mode not supported/)
  })
})
