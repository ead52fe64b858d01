import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pino } from 'pino'
import type { Capability, Executor, Presence } from '../../src/executors/executor.ts'
import { loadConfig, type Config } from '../../src/node/config/config.ts'
import { openLiveOffers, type LiveOffers } from '../../src/node/admission/live-offers.ts'
import { capsOf, offersOf, unenforced } from '../../src/node/admission/operator-caps.ts'
import { policyOf } from '../../src/node/admission/operator-policies.ts'
import { appliedLimits } from '../../src/node/admission/offers.ts'
import { RUNTIME_NAMES, type RuntimeName } from '../../src/protocol/execution.ts'
import { LIMIT_KEYS } from '../../src/protocol/limits.ts'
import { createFakeExecutor } from '../conformance/fake-executor.ts'

const MIB = 1024 ** 2
const configOf = async (env: Record<string, string> = {}): Promise<Config> => (await loadConfig({ env })).config
const able = (runtime: RuntimeName, engine = 'test'): Capability => ({
  runtime,
  available: true,
  isolation: { runtime, engine, layers: [], missing: [], reuse: 'none' },
  proven: LIMIT_KEYS.map((limit) => ({ limit, how: 'tried' })),
  unproven: [],
  features: [],
})

describe('caps of a runtime', () => {
  it('are those of its own section', async () => {
    const config = await configOf({
      SOUK_SANDBOX_NATIVE_MEMORY_LIMIT: '100m',
      SOUK_SANDBOX_NATIVE_CPU_LIMIT: '0.5',
      SOUK_SANDBOX_NATIVE_PIDS_LIMIT: '7',
      SOUK_SANDBOX_NATIVE_TIMEOUT: '7s',
      SOUK_SANDBOX_NATIVE_STACK_SIZE: '1m',
      SOUK_SANDBOX_DOCKER_MEMORY_LIMIT: '200m',
      SOUK_SANDBOX_DOCKER_CPU_LIMIT: '0.25',
      SOUK_SANDBOX_DOCKER_PIDS_LIMIT: '9',
      SOUK_SANDBOX_DOCKER_TIMEOUT: '9s',
      SOUK_SANDBOX_WASM_TIMEOUT: '11s',
      SOUK_SANDBOX_CPU_SHARES_LIMIT: '512',
    })
    const { memoryBytes, cpuCores, pids, wallTimeMs, stackBytes, cpuShares } = capsOf({ config, runtime: 'native' })
    assert.deepEqual(
      [memoryBytes, cpuCores, pids, wallTimeMs, stackBytes, cpuShares],
      [100 * MIB, 0.5, 7, 7000, MIB, 512],
    )
    const docker = capsOf({ config, runtime: 'docker' })
    assert.deepEqual(
      [docker.memoryBytes, docker.cpuCores, docker.pids, docker.wallTimeMs, docker.cpuShares],
      [200 * MIB, 0.25, 9, 9000, 512],
    )
    const wasm = capsOf({ config, runtime: 'wasm' })
    assert.equal(wasm.wallTimeMs, 11_000)
    assert.equal(wasm.cpuShares, undefined)
  })

  it('give a task the usual weight, and more only as far as the operator says', async () => {
    const weightOf = async (limit: string, asked?: number): Promise<number | string | undefined> => {
      const config = await configOf({ SOUK_SANDBOX_CPU_SHARES_LIMIT: limit })
      const [offer] = offersOf({ config, capabilities: [able('native')] })
      assert(offer !== undefined)
      const { limits, refusals } = appliedLimits(asked === undefined ? {} : { cpuShares: asked }, offer)
      return limits === undefined
        ? refusals.map(({ reason, subject }) => `${reason} ${subject}`).join()
        : limits.cpuShares
    }
    assert.equal(await weightOf('1024'), 1024)
    assert.equal(await weightOf('512'), 512)
    assert.equal(await weightOf('262144'), 1024)
    assert.equal(await weightOf('262144', 4096), 4096)
    assert.equal(await weightOf('1024', 4096), 'CAP_ABOVE_OFFER cpuShares')
  })

  it('are worth nothing where this host cannot keep a task from making processes without end', async () => {
    const config = await configOf()
    for (const runtime of RUNTIME_NAMES) {
      const capability = able(runtime)
      assert(capability.available)
      const proven = capability.proven.filter(({ limit }) => limit !== 'pids')
      const unproven = [{ limit: 'pids' as const, why: 'there is no such controller' }]
      const [offer] = offersOf({ config, capabilities: [{ ...capability, proven, unproven }] })
      assert(offer !== undefined)
      const { refusals } = appliedLimits({}, offer)
      if (runtime === 'wasm') assert.equal(refusals, undefined)
      else {
        assert.deepEqual(
          refusals?.map(({ reason }) => reason),
          ['RUNTIME_UNAVAILABLE'],
        )
        assert.match(refusals?.[0]?.message ?? '', /pids: .*there is no such controller/)
      }
    }
  })

  it('are told where this host cannot hold them', async () => {
    const config = await configOf()
    const capability = able('native')
    assert(capability.available)
    const without = { ...capability, proven: capability.proven.filter(({ limit }) => limit !== 'pids') }
    const [offer] = offersOf({ config, capabilities: [without] })
    assert.deepEqual(offer && unenforced(offer), ['pids'])
  })
})

describe('what is offered', function () {
  this.timeout(60_000)
  let dir: string
  let live: LiveOffers | undefined
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-offers-'))
  })
  afterEach(async () => {
    live?.close()
    await rm(dir, { recursive: true, force: true })
  })

  /** A runtime whose engine comes and goes as the test says. */
  const scripted = (runtime: RuntimeName) => {
    let listener: ((presence: Presence) => void) | undefined
    let answer: () => Promise<Capability> = () => Promise.resolve(able(runtime))
    const executor: Executor = {
      ...createFakeExecutor(),
      runtime,
      probe: () => answer(),
      watch(onChange) {
        listener = onChange
        return () => {
          listener = undefined
        }
      },
    }
    return {
      executor,
      become: (presence: Presence) => listener?.(presence),
      isWatched: () => listener !== undefined,
      answerWith(next: () => Promise<Capability>) {
        answer = next
      },
    }
  }
  let dependsOn = 'engine 1'
  const open = async (executor: Executor, config: Config): Promise<LiveOffers> => {
    live = await openLiveOffers({
      config,
      subjects: [{ executor, dependsOn: () => Promise.resolve(dependsOn) }],
      probesFile: join(dir, 'probes.json'),
      logger: pino({ level: 'silent' }),
    })
    return live
  }
  const stateOf = (offers: LiveOffers, runtime: RuntimeName): string => {
    const capability = offers.current().find((offer) => offer.runtime === runtime)?.capability
    assert(capability !== undefined)
    return capability.available ? capability.isolation.engine : capability.why
  }
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await setTimeout(5)
  }

  it('is every runtime, those that are off with the key that turns them on', async () => {
    const offers = await open(createFakeExecutor(), await configOf())
    assert.deepEqual(
      offers.current().map(({ runtime }) => runtime),
      RUNTIME_NAMES,
    )
    assert.equal(stateOf(offers, 'wasm'), 'fake')
    assert.equal(stateOf(offers, 'native'), 'turned off in the configuration (sandbox.native.enabled)')
    assert.equal(stateOf(offers, 'docker'), 'turned off in the configuration (sandbox.docker.enabled)')
  })

  it('is withdrawn with its engine, and is back with it as the engine is then', async () => {
    dependsOn = 'engine 1'
    const docker = scripted('docker')
    const config = await configOf()
    const offers = await open(docker.executor, config)
    const policy = policyOf({ config, address: '0x0', offers: offers.current })
    assert.equal(stateOf(offers, 'docker'), 'test')
    docker.become({ present: false, why: 'no engine answers' })
    assert.equal(stateOf(offers, 'docker'), 'no engine answers')
    const offer = policy.offers.find(({ runtime }) => runtime === 'docker')
    assert.equal(offer?.capability.available, false)

    dependsOn = 'engine 2'
    docker.answerWith(() => Promise.resolve(able('docker', 'another engine')))
    docker.become({ present: true })
    await until(() => stateOf(offers, 'docker') === 'another engine')
    assert.equal(policy.offers.find(({ runtime }) => runtime === 'docker')?.capability.available, true)
  })

  it('stays withdrawn where the engine is gone again before it was tried', async () => {
    dependsOn = 'engine 3'
    const docker = scripted('docker')
    const offers = await open(docker.executor, await configOf())
    const { promise: trying, resolve } = Promise.withResolvers<Capability>()
    docker.become({ present: false, why: 'gone' })
    dependsOn = 'engine 4'
    let asked = false
    docker.answerWith(() => {
      asked = true
      return trying
    })
    docker.become({ present: true })
    await until(() => asked)
    docker.become({ present: false, why: 'gone again' })
    resolve(able('docker'))
    await setTimeout(50)
    assert.equal(stateOf(offers, 'docker'), 'gone again')
  })

  it('is watched until it is closed', async () => {
    const docker = scripted('docker')
    const offers = await open(docker.executor, await configOf())
    assert.equal(docker.isWatched(), true)
    offers.close()
    assert.equal(docker.isWatched(), false)
  })
})
