import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { endLeftoverProcesses, removeLeftoverFiles, type LeftoverProcess } from '../../scripts/leftovers.ts'
import type { MochaResult } from '../../scripts/mocha-reporter.ts'
import { runCommand } from '../../scripts/run-command.ts'
import { judgeAlone } from '../../scripts/test-alone.ts'
import { runInLanes } from '../../scripts/test-lanes.ts'
import { runPart, type PartResult } from '../../scripts/test-part.ts'
import { summarise } from '../../scripts/test-summary.ts'
import { runTool } from './run-tool.ts'

const root = join(import.meta.dirname, '..', '..')
const never = new AbortController().signal
const shell = (script: string): { command: string; args: readonly string[]; env: NodeJS.ProcessEnv } => ({
  command: '/bin/sh',
  args: ['-c', script],
  env: process.env,
})

describe('the runner of the tests', () => {
  let dir: string

  const findIn = (sessions: readonly number[]): Promise<readonly LeftoverProcess[]> =>
    endLeftoverProcesses({ territory: { dir, sessions: new Set(sessions) }, graceMs: 200 })

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-runner-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  describe('running a command', () => {
    it('passes exit code 0 and no other', async () => {
      const good = await runCommand({ ...shell('exit 0'), timeoutMs: 20_000, signal: never })
      assert.equal(good.ok, true)
      const bad = await runCommand({ ...shell('exit 3'), timeoutMs: 20_000, signal: never })
      assert.equal(bad.ok, false)
      assert.equal(bad.problem, 'exit code 3')
    })

    it('ends a command, and what it started, when time is over', async () => {
      const result = await runCommand({ ...shell('sleep 600 & wait'), timeoutMs: 300, signal: never })
      assert.equal(result.problem, 'not done after 0.3 s')
      assert.deepEqual(await findIn([result.session]), [])
    })

    it('ends a command when it is itself told to end', async () => {
      const result = await runCommand({ ...shell('sleep 600'), timeoutMs: 60_000, signal: AbortSignal.timeout(100) })
      assert.equal(result.problem, 'ended by SIGTERM')
    })
  })

  describe('running in lanes', () => {
    it('starts each item, in order, where a lane is free', async () => {
      const running = new Set<number>()
      const begun: number[] = []
      const items = [60, 5, 5, 5].map((ms, index) => ({ ms, index }))
      await runInLanes({
        items,
        lanes: 2,
        run: async ({ ms, index }, { lane, accompanied }) => {
          assert.ok(accompanied)
          assert.ok(!running.has(lane), `two in lane ${lane}`)
          running.add(lane)
          begun.push(index)
          await sleep(ms)
          running.delete(lane)
        },
      })
      assert.deepEqual(begun, [0, 1, 2, 3])
    })

    for (const [how, count, lanes] of [
      ['runs one after the other in a single lane', 3, 1],
      ['lets what is all there is to run have the machine to itself', 1, 2],
    ] as const) {
      it(how, async () => {
        const seen: string[] = []
        await runInLanes({
          items: Array.from({ length: count }, (_, index) => index),
          lanes,
          run: async (index, { lane, accompanied }) => {
            assert.deepEqual({ lane, accompanied }, { lane: 0, accompanied: false })
            seen.push(`${index} begins`)
            await sleep(5)
            seen.push(`${index} ends`)
          },
        })
        assert.deepEqual(seen, Array.from({ length: count }, (_, index) => [`${index} begins`, `${index} ends`]).flat())
      })
    }
  })

  describe('running a part', () => {
    it('keeps what it says for later, and fails it for what it leaves', async () => {
      const temporary = join(dir, 't')
      await mkdir(temporary)
      const output = join(dir, 'output')
      const file = await open(output, 'w')
      const script = (source: string): readonly string[] => ['--eval', source]
      const tools = [
        { label: 'good', args: script('console.log("out"); console.error("error")') },
        { label: 'bad', args: script('process.exit(3)') },
        { label: 'careless', args: script('require("fs").writeFileSync(process.env.TMPDIR + "/left", "")') },
      ]
      try {
        const { passed, failed } = await runPart({
          work: { tools },
          place: { dir, temporary, env: { ...process.env, TMPDIR: temporary } },
          timeoutMs: 20_000,
          signal: never,
          grep: undefined,
          output: file.fd,
        })
        assert.equal(passed, 2)
        assert.deepEqual(failed, ['bad: exit code 3', 'left in the temporary folder: left'])
      } finally {
        await file.close()
      }
      assert.equal(await readFile(output, 'utf8'), 'out\nerror\n')
    })
  })

  describe('judging what failed beside others', () => {
    const part = (failed: readonly string[], failedFiles?: readonly string[]): PartResult => ({
      durationMs: 10,
      passed: 5,
      failed,
      ...(failedFiles && { failedFiles }),
      skipped: [],
    })
    const judge = async (
      result: PartResult,
      alone: readonly PartResult[],
    ): Promise<{ readonly seen: string; readonly times: number }> => {
      const asked: string[] = []
      const { durationMs, passed, failed, unsteady } = await judgeAlone({
        result,
        times: 2,
        runFiles: async (files) => {
          asked.push(...files)
          return alone[asked.length - 1] ?? assert.fail('asked once more')
        },
      })
      const seen = `${durationMs} ms, ${passed} passed, failed: ${failed.join()}, unsteady: ${unsteady.join()}`
      return { seen, times: asked.length }
    }

    it('calls unsteady what passes alone each time', async () => {
      assert.deepEqual(await judge(part(['a'], ['f']), [part([]), part([])]), {
        seen: '30 ms, 6 passed, failed: , unsteady: a',
        times: 2,
      })
    })

    it('fails what fails alone once', async () => {
      assert.deepEqual(await judge(part(['a'], ['f']), [part([]), part(['b'])]), {
        seen: '30 ms, 5 passed, failed: a,alone too: b, unsteady: ',
        times: 2,
      })
    })

    it('tries nothing again that is more than a test that failed', async () => {
      assert.deepEqual(await judge(part(['left a process behind: 1 sh']), []), {
        seen: '10 ms, 5 passed, failed: left a process behind: 1 sh, unsteady: ',
        times: 0,
      })
    })
  })

  describe('looking for what was left behind', () => {
    it('finds and ends a process of a session', async () => {
      const { session } = await runCommand({ ...shell('sleep 600 &'), timeoutMs: 20_000, signal: never })
      const [found] = await findIn([session])
      assert.equal(found?.command, 'sleep 600')
      assert.deepEqual(await findIn([session]), [])
    })

    it('finds a process that left for a session of its own, by the folder it knows', async () => {
      for (const options of [{ env: { TMPDIR: dir } }, { env: {}, cwd: dir }]) {
        const child = spawn('/bin/sleep', ['600'], { detached: true, stdio: 'ignore', ...options })
        const [found] = await findIn([])
        assert.equal(found?.pid, child.pid)
      }
    })

    it('names and removes files', async () => {
      await writeFile(join(dir, 'left'), '')
      assert.deepEqual(await removeLeftoverFiles(dir), ['left'])
      assert.deepEqual(await removeLeftoverFiles(dir), [])
    })
  })

  describe('reporting on mocha', () => {
    const runMocha = async (
      source: string,
    ): Promise<{ readonly code: number | null; readonly result: MochaResult }> => {
      const [file, output] = [join(dir, 'a.test.ts'), join(dir, 'result.json')]
      await writeFile(file, source)
      const args = [
        '--reporter',
        join(root, 'scripts/mocha-reporter.ts'),
        '--reporter-option',
        `output=${output},close=500`,
        file,
      ]
      const { code } = await runTool({ dir: root, tool: 'mocha/bin/mocha.js', args })
      return { code, result: JSON.parse(await readFile(output, 'utf8')) as MochaResult }
    }

    it('counts what passed, and names what failed, with why, and what was skipped', async () => {
      const { code, result } = await runMocha(
        "describe('a', () => {\n  it('b', () => {})\n  it('c', () => { throw new Error('d', { cause: 'f' }) })\n  it.skip('e (no f here)')\n})",
      )
      assert.notEqual(code, 0)
      const { failed, ...counted } = result
      assert.deepEqual(counted, { passed: 1, failedFiles: [join(dir, 'a.test.ts')], skipped: ['a › e (no f here)'] })
      assert.equal(failed.length, 1)
      assert.match(failed[0] ?? '', /^a › c\n    Error: d\n(?:    .*\n)*.*cause.*: 'f'/)
    })

    it('ends a process that something keeps alive, and tells what', async () => {
      const { result } = await runMocha("it('a', () => { setInterval(() => {}, 1000) })")
      assert.ok(result.stillOpen?.includes('Timeout'), JSON.stringify(result))
    })

    it('refuses a test that only runs itself', async () => {
      await assert.rejects(runMocha("it.only('a', () => {})"), /ENOENT/)
    })
  })

  describe('summing up', () => {
    it('lists stages, what was skipped and what failed, and ends with the totals alone', () => {
      const { text, ok } = summarise({
        results: [
          { stage: 'unit', durationMs: 1234, passed: 5, failed: [], unsteady: ['d'], skipped: ['a (no b here)'] },
          { stage: 'e2e', durationMs: 2000, passed: 1, failed: ['c'], unsteady: [], skipped: [] },
        ],
        durationMs: 3300,
      })
      assert.equal(ok, false)
      assert.deepEqual(text.split('\n'), [
        'unit           ok       1.2 s  5 passed, 0 failed, 1 skipped',
        'e2e            FAIL     2.0 s  1 passed, 1 failed, 0 skipped',
        'all                     3.3 s',
        '',
        'skipped:',
        '  unit: a (no b here)',
        '',
        'failed beside others, passed alone:',
        '  unit: d',
        '',
        'failed:',
        '  e2e: c',
        '',
        '6 passed, 1 failed',
      ])
    })

    it('says that nothing was skipped', () => {
      const results = [{ stage: 'unit', durationMs: 1, passed: 5, failed: [], unsteady: [], skipped: [] }]
      const { text, ok } = summarise({ results, durationMs: 1 })
      assert.equal(ok, true)
      assert.match(text, /^skipped: nothing$/m)
      assert.match(text, /\n5 passed, 0 failed$/)
    })

    it('does not pass where nothing ran', () => {
      const results = [{ stage: 'unit', durationMs: 1, passed: 0, failed: [], unsteady: [], skipped: [] }]
      assert.equal(summarise({ results, durationMs: 1 }).ok, false)
    })
  })
})
