import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { checkQuote, signQuote } from '../../src/identity/quote.ts'
import { signedTaskIdOf, signTask, specDigestOf } from '../../src/identity/task.ts'
import { taskIdOf } from '../../src/identity/typed-data.ts'
import type { AvailableRuntime } from '../../src/executors/executor.ts'
import { REFUSAL_REASONS } from '../../src/protocol/refusals.ts'
import { LIMIT_KEYS, type LimitKey } from '../../src/protocol/limits.ts'
import { FREE_RATES, type Rates } from '../../src/protocol/price.ts'
import { ANY_PROVIDER, MAX_EXPIRY_AHEAD_MS, type Authorization } from '../../src/protocol/receipt.ts'
import { TASK_BOUNDS, type TaskSpec } from '../../src/protocol/task.ts'
import {
  admit,
  type Admission,
  type AdmissionPolicy,
  type AdmissionRequest,
  type AdmissionUsage,
  type Admitted,
} from '../../src/node/admission/admission.ts'
import type { Offer } from '../../src/node/admission/offers.ts'
import {
  ACCEPTED_AT_MS,
  address,
  authorizationOf,
  bytesOf,
  LIMITS,
  PROVIDER,
  SIGNATURE,
  taskSpec,
} from '../fixtures/provider-tasks.ts'
import type { Quote } from '../../src/protocol/quote.ts'
import { providerKey, requesterKey } from '../fixtures/receipts.ts'

const nowMs = ACCEPTED_AT_MS
const peer = address('requester')

const proof = (limit: LimitKey, range: { min?: number; max?: number } = {}) => ({ limit, how: 'tried', ...range })

const wasm: AvailableRuntime = {
  runtime: 'wasm',
  available: true,
  isolation: { runtime: 'wasm', engine: 'test', layers: [], missing: [], reuse: 'none' },
  proven: [
    ...LIMIT_KEYS.filter((key) => !['fuel', 'pids', 'ioWeight', 'cpuShares', 'stackBytes'].includes(key)).map((key) =>
      proof(key),
    ),
    proof('stackBytes', { min: 1000, max: 9000 }),
  ],
  unproven: [{ limit: 'pids', why: 'WebAssembly has no processes' }],
  features: [],
}
const caps: Offer['caps'] = { ...LIMITS, cpuTimeMs: 9000, pids: 16 }
const offer: Offer = { runtime: 'wasm', caps, capability: wasm }

const FREE_PRICES = { wasm: FREE_RATES, native: FREE_RATES, docker: FREE_RATES }
const pricedAt = (rates: Partial<Rates>): AdmissionPolicy['prices'] => ({
  ...FREE_PRICES,
  wasm: { ...FREE_RATES, ...rates },
})

const policy: AdmissionPolicy = {
  provider: PROVIDER,
  chainId: 0,
  offers: [offer],
  defaultRuntime: 'wasm',
  prices: FREE_PRICES,
  maxQueueWaitMs: 30_000,
  maxTotalMs: 600_000,
  maxRetries: 2,
  maxInputBytes: 10_000_000,
  maxQueued: 100,
  shares: { peer: 0.25, unknownPeers: 0.5 },
  capacity: { slots: 4, cpuMilliCores: 4000, memoryBytes: 4_000_000, diskBytes: 4_000_000, gpus: 0 },
}
const usage: AdmissionUsage = {
  stopping: false,
  peerIsKnown: false,
  queued: 0,
  queuedOfPeer: 0,
  queuedOfUnknownPeers: 0,
  storage: { freeBytes: 1e9, peerFreeBytes: 1e9, unknownPeersFreeBytes: 1e9 },
  freeWei: 0n,
}

interface Changes {
  readonly spec?: Partial<TaskSpec>
  readonly bytes?: Uint8Array
  readonly authorization?: Partial<Authorization>
  readonly policy?: Partial<AdmissionPolicy>
  readonly usage?: Partial<AdmissionUsage>
  readonly request?: Partial<AdmissionRequest>
}

function ask(changes: Changes = {}): Admission {
  const spec = changes.bytes ?? bytesOf(taskSpec(changes.spec))
  return admit({
    task: { spec, authorization: authorizationOf(spec, changes.authorization), signature: SIGNATURE },
    peer,
    nowMs,
    payment: { required: false, refusals: [], usage: undefined },
    policy: { ...policy, ...changes.policy },
    usage: { ...usage, ...changes.usage },
    signedTaskIdOf: ({ spec: bytes, authorization }) =>
      authorization.specDigest === specDigestOf(bytes) ? taskIdOf(authorization) : undefined,
    isNonceUsed: () => false,
    readQuote: checkQuote,
    ...changes.request,
  })
}

function accepted(changes?: Changes): Admitted {
  const admission = ask(changes)
  assert(admission.kind === 'accepted', inspect(admission))
  return admission
}

/** The reasons of a refusal, each with what it is about. */
function refused(changes: Changes): readonly string[] {
  const admission = ask(changes)
  assert(admission.kind === 'refused', inspect(admission))
  for (const { message } of admission.reasons) assert(message.length > 10)
  return admission.reasons.map(({ reason, subject }) => (subject === undefined ? reason : `${reason} ${subject}`))
}

function invalid(changes: Changes): readonly string[] {
  const admission = ask(changes)
  assert(admission.kind === 'invalid', inspect(admission))
  return admission.issues.map(({ path, message }) => `${path}: ${message}`)
}

const runtime = (changes: Partial<AvailableRuntime>): Partial<AdmissionPolicy> => ({
  offers: [{ ...offer, capability: { ...wasm, ...changes } }],
})

describe('admission', () => {
  it('accepts a task with the terms that will apply', () => {
    const spec = taskSpec({ retry: 5 })
    assert.deepEqual(accepted({ spec: { retry: 5 } }), {
      kind: 'accepted',
      taskId: taskIdOf(authorizationOf(bytesOf(spec))),
      spec,
      runtime: 'wasm',
      engine: 'test',
      limits: { ...LIMITS, cpuTimeMs: 9000 },
      rates: FREE_RATES,
      maxPriceWei: 0n,
      retriesLeft: 2,
      queueDeadlineMs: nowMs + 30_000,
      totalDeadlineMs: nowMs + 600_000,
    })
    const shorter = accepted({ spec: { queueTimeoutMs: 5, totalTimeoutMs: 7, retry: 1 } })
    assert.deepEqual([shorter.queueDeadlineMs, shorter.totalDeadlineMs, shorter.retriesLeft], [nowMs + 5, nowMs + 7, 1])
  })

  it('accepts what a real key signed, and refuses it altered in any part', () => {
    const { task, taskId } = signTask({
      spec: bytesOf(taskSpec()),
      provider: PROVIDER,
      maxPriceWei: '0',
      chainId: 0,
      key: requesterKey,
      expiryMs: nowMs + 1000,
    })
    const verify = (changed: Partial<typeof task>): Admission =>
      ask({
        request: {
          task: { ...task, ...changed },
          peer: requesterKey.address,
          signedTaskIdOf,
        },
      })
    const admission = verify({})
    assert(admission.kind === 'accepted')
    assert.equal(admission.taskId, taskId)
    const alterations: Partial<typeof task>[] = [
      { spec: bytesOf(taskSpec({ command: ['-w'] })) },
      { signature: SIGNATURE },
      { authorization: { ...task.authorization, expiryMs: nowMs + 1001 } },
      { authorization: { ...task.authorization, provider: ANY_PROVIDER } },
    ]
    for (const changed of alterations) {
      const refusal = verify(changed)
      assert(refusal.kind === 'refused')
      assert.deepEqual(
        refusal.reasons.map(({ reason }) => reason),
        ['BAD_SIGNATURE'],
      )
    }
  })

  describe('names what is no task', () => {
    const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value))

    it('bytes that are too many, not UTF-8, not JSON, too deep', () => {
      assert.match(invalid({ bytes: new Uint8Array(TASK_BOUNDS.specBytes + 1) }).join(), /1048577 bytes/)
      assert.match(invalid({ bytes: new Uint8Array([0x22, 0xff, 0x22]) }).join(), /not UTF-8/)
      assert.match(invalid({ bytes: text('{"version":1') }).join(), /not JSON/)
      assert.match(invalid({ bytes: text('') }).join(), /not JSON/)
      assert.match(invalid({ bytes: text(`\ufeff${JSON.stringify(taskSpec())}`) }).join(), /not JSON/)
      assert.match(invalid({ bytes: text('['.repeat(1_000_000)) }).join(), /nested more than 16/)
      assert.match(invalid({ bytes: text(`${'{"a":'.repeat(17)}1${'}'.repeat(17)}`) }).join(), /nested more than 16/)
      assert.match(invalid({ bytes: text(`[${'1,'.repeat(20_000)}1]`) }).join(), /more than 16384 values/)
      assert.equal(
        accepted({ spec: { command: ['['.repeat(100), '"\\"[[[[[[[[[[[[[[[[[[[[['] } }).spec.command.length,
        2,
      )
    })

    it('values that the schema does not know, all of them, but not a hundred thousand', () => {
      const issues = invalid({ bytes: bytesOf({ ...taskSpec(), version: 2, extra: 1, retry: -1 }) })
      assert.equal(issues.length, 3)
      assert.match(issues.join(), /version: .*retry: .*extra/s)
      const many = invalid({ bytes: bytesOf({ ...taskSpec(), command: Array(4096).fill(1) }) })
      assert.equal(many.length, 51)
      assert.match(many.at(-1) ?? '', /and 4046 more/)
      const long = invalid({ bytes: bytesOf({ ...taskSpec(), ['x'.repeat(500_000)]: 1 }) })
      assert(long.join().length < 1000)
    })

    it('an authorization that promises another price', () => {
      assert.match(
        invalid({ spec: { maxPriceWei: '5' } }).join(),
        /maxPriceWei: is 5, but the signed authorization says 0/,
      )
    })
  })

  it('accepts a task that is as large as the schema allows', () => {
    const source = { sha256: 'ab'.repeat(32), bytes: 1 }
    const numbered = <T>(count: number, make: (index: number) => T): T[] =>
      Array.from({ length: count }, (_, index) => make(index))
    const { spec } = accepted({
      spec: {
        command: numbered(TASK_BOUNDS.arguments, String),
        env: Object.fromEntries(numbered(TASK_BOUNDS.environmentVariables, (index) => [`E${index}`, ','])),
        inputs: numbered(TASK_BOUNDS.inputs, (index) => ({ source, target: `/in/${index}` })),
        outputs: numbered(TASK_BOUNDS.outputs, (index) => ({ path: `/out/${index}` })),
        limits: { cpuCores: 1, wallTimeMs: 1 },
      },
    })
    assert.equal(spec.inputs.length, TASK_BOUNDS.inputs)
  })

  describe('lists every reason', () => {
    it('in the order in which they are documented', () => {
      const reasons = refused({
        spec: {
          limits: { memoryBytes: 9e9, pids: 4, cpuCores: 64 },
          queueTimeoutMs: 31_000,
          maxPriceWei: '3',
          runtime: { module: { sha256: 'ab'.repeat(32), bytes: 2e9 } },
        },
        authorization: { provider: ANY_PROVIDER, chainId: 5, expiryMs: nowMs, maxPriceWei: '3' },
        policy: { prices: pricedAt({ startWei: '4' }) },
        usage: {
          stopping: true,
          queued: 100,
          queuedOfPeer: 25,
          queuedOfUnknownPeers: 50,
          storage: { freeBytes: 1, peerFreeBytes: 1, unknownPeersFreeBytes: 1 },
        },
        request: { signedTaskIdOf: () => undefined },
      })
      assert.deepEqual(reasons, [
        'CAP_ABOVE_OFFER cpuCores',
        'CAP_ABOVE_OFFER memoryBytes',
        'CAP_ABOVE_OFFER queueTimeoutMs',
        'CAP_UNPROVEN pids',
        'QUEUE_FULL queue',
        'PEER_OVER_SHARE queue',
        'PEER_OVER_SHARE storage',
        'UNKNOWN_PEERS_OVER_SHARE queue',
        'UNKNOWN_PEERS_OVER_SHARE storage',
        'BAD_SIGNATURE',
        'FOREIGN_CHAIN chainId',
        'EXPIRED expiryMs',
        'PRICE_REQUIRES_PROVIDER provider',
        'INPUT_TOO_LARGE inputs',
        'STORAGE_FULL storage',
        'STOPPING',
      ])
      const order = Object.keys(REFUSAL_REASONS)
      const positions = reasons.map((reason) => order.indexOf(reason.split(' ')[0] ?? ''))
      assert.deepEqual(
        positions,
        positions.toSorted((a, b) => a - b),
      )
    })

    it('with what was asked and what is offered', () => {
      const admission = ask({ spec: { limits: { memoryBytes: 2_000_000 } } })
      assert.deepEqual(admission, {
        kind: 'refused',
        reasons: [
          {
            reason: 'CAP_ABOVE_OFFER',
            message: 'The task asks for memoryBytes of 2000000, the provider offers at most 1000000',
            subject: 'memoryBytes',
            asked: '2000000',
            offered: '1000000',
          },
        ],
      })
    })
  })

  describe('of a runtime', () => {
    const native: Offer = { ...offer, runtime: 'native', capability: { ...wasm, runtime: 'native' } }
    const docker: Offer = { ...offer, runtime: 'docker', capability: { ...wasm, runtime: 'docker' } }
    const image = { runtime: { image: 'busybox@sha256:ab' } }

    it('refuses one that is not offered, or does not work', () => {
      assert.deepEqual(refused({ spec: { runtime: { type: 'docker', image: 'busybox' } } }), [
        'UNKNOWN_RUNTIME runtime',
      ])
      assert.deepEqual(refused({ policy: { offers: [] } }), ['UNKNOWN_RUNTIME runtime'])
      const broken: Offer = { ...offer, capability: { runtime: 'wasm', available: false, why: 'no worker' } }
      assert.deepEqual(refused({ policy: { offers: [broken] } }), ['RUNTIME_UNAVAILABLE runtime'])
      assert.deepEqual(refused({ policy: { offers: [broken] }, spec: { limits: { openFiles: 17 } } }), [
        'RUNTIME_UNAVAILABLE runtime',
        'CAP_ABOVE_OFFER openFiles',
      ])
    })

    const images: Offer = { ...native, capability: { ...wasm, runtime: 'native', features: ['image'] } }
    const noEngine: Offer = { ...docker, capability: { runtime: 'docker', available: false, why: 'no engine answers' } }

    it('refuses what a runtime does not have besides, every part of it at once', () => {
      const root = { type: 'native', rootfs: { name: 'debian', sha256: 'ab'.repeat(32) }, writable: true } as const
      const mounts = ['data', 'models', 'other'].map((name) => ({ name, target: `/${name}` }))
      const having = (...features: string[]): Changes => ({
        spec: { runtime: { ...root, mounts }, limits: { openFiles: 17 } },
        policy: { offers: [{ ...native, capability: { ...wasm, runtime: 'native', features } }] },
      })
      assert.deepEqual(refused(having('mount:data', 'mount:more')), [
        'CAP_ABOVE_OFFER openFiles',
        'FEATURE_UNPROVEN runtime.writable',
        'UNKNOWN_MOUNT runtime.mounts',
        'UNKNOWN_MOUNT runtime.mounts',
      ])
      const admission = ask(having('writable-root', 'mount:data', 'mount:more'))
      assert(admission.kind === 'refused')
      assert.deepEqual(
        admission.reasons.slice(1).map(({ asked, offered, message }) => ({ asked, offered, message })),
        ['models', 'other'].map((name) => ({
          asked: name,
          offered: 'data, more',
          message: `The task names the folder ${name}; the provider offers data, more`,
        })),
      )
      const all = having('writable-root', ...mounts.map(({ name }) => `mount:${name}`))
      const { runtime: taken } = accepted({ ...all, spec: { ...all.spec, limits: {} } })
      assert.equal(taken, 'native')
    })

    it('takes a task that is to be the same everywhere only where it can be', () => {
      const spec = { runtime: { module: { sha256: 'ab'.repeat(32), bytes: 100 }, deterministic: true } } as const
      const having = (...features: string[]): Changes => ({
        spec,
        policy: { offers: [{ ...offer, capability: { ...wasm, features } }] },
      })
      assert.deepEqual(refused(having('component')), ['FEATURE_UNPROVEN runtime.deterministic'])
      assert.equal(accepted(having('deterministic')).runtime, 'wasm')
    })

    it('meters a task that asks for fuel, and every task where the operator has a cap on it', () => {
      const able: Offer = { ...offer, capability: { ...wasm, proven: [...wasm.proven, proof('fuel')] } }
      const fuelOf = (changes: Changes): number | undefined => accepted(changes).limits.fuel
      assert.equal(fuelOf({ policy: { offers: [able] } }), undefined)
      assert.equal(fuelOf({ spec: { limits: { fuel: 5e12 } }, policy: { offers: [able] } }), 5e12)
      const capped: Offer = { ...able, caps: { ...caps, fuel: 1e9 } }
      assert.equal(fuelOf({ policy: { offers: [capped] } }), 1e9)
      assert.equal(fuelOf({ spec: { limits: { fuel: 1000 } }, policy: { offers: [capped] } }), 1000)
      assert.deepEqual(refused({ spec: { limits: { fuel: 5e12 } }, policy: { offers: [capped] } }), [
        'CAP_ABOVE_OFFER fuel',
      ])
    })

    it('holds a task to what the class that it names has proven, and to no more', () => {
      const { isolation, proven, unproven } = wasm
      const all = [...proven, proof('pids')]
      const docker: AvailableRuntime = {
        runtime: 'docker',
        available: true,
        ...{ isolation, proven: all, unproven: [] },
        classes: [
          { name: 'runc', isolation, proven: all, unproven: [] },
          { name: 'runsc', isolation, proven, unproven, backstops: ['pids'] },
          { name: 'lax', isolation, proven, unproven },
        ],
        features: ['class:runc', 'class:runsc', 'class:lax'],
      }
      const offers: Offer[] = [{ runtime: 'docker', caps, required: ['pids'], capability: docker }]
      const named = (asked: string | undefined, limits: TaskSpec['limits'] = {}): Changes => ({
        spec: {
          runtime: { type: 'docker', image: 'busybox@sha256:ab', ...(asked !== undefined && { class: asked }) },
          limits,
        },
        policy: { offers, defaultRuntime: 'docker' },
      })
      for (const asked of [undefined, 'runc']) assert.equal(accepted(named(asked, { pids: 5 })).limits.pids, 5)
      assert.equal(accepted(named('runsc')).limits.pids, undefined)
      assert.deepEqual(refused(named('runsc', { pids: 5 })), ['CAP_UNPROVEN pids'])
      // Nothing at all keeps its processes from the host.
      assert.deepEqual(refused(named('lax')), ['RUNTIME_UNAVAILABLE runtime'])
    })

    it('refuses a class of runtimes that is not offered, with those that are', () => {
      const named = (asked: string, ...features: string[]): Changes => ({
        spec: { runtime: { type: 'docker', image: 'busybox@sha256:ab', class: asked } },
        policy: { offers: [{ ...docker, capability: { ...wasm, runtime: 'docker', features } }] },
      })
      for (const [features, offered] of [
        [[], 'none'],
        [['class:runc', 'image:runsc', 'class:crun'], 'runc, crun'],
      ] as const) {
        const admission = ask(named('runsc', ...features))
        assert(admission.kind === 'refused')
        const message = `The task names the runtime class runsc; the provider offers ${offered}`
        assert.deepEqual(admission.reasons, [
          {
            reason: 'UNKNOWN_CLASS',
            message,
            subject: 'runtime.class',
            asked: 'runsc',
            offered: features.length === 0 ? '' : offered,
          },
        ])
      }
      assert.equal(accepted(named('crun', 'class:runc', 'class:crun')).runtime, 'docker')
    })

    it('refuses an image that a task brings to Docker before it is sent, where none is taken', () => {
      const archive = { sha256: 'ab'.repeat(32), bytes: 1000 }
      const bringing = (type: 'docker' | 'native', ...features: string[]): Changes => ({
        spec: { runtime: { type, archive, image: `sha256:${'cd'.repeat(32)}` } },
        policy: { offers: [{ ...offer, runtime: type, capability: { ...wasm, runtime: type, features } }] },
      })
      assert.deepEqual(refused(bringing('docker', 'image:busybox')), ['IMAGE_NOT_OFFERED runtime.image'])
      assert.equal(accepted(bringing('docker', 'archive')).runtime, 'docker')
      assert.equal(accepted(bringing('native')).runtime, 'native')
    })

    it('takes the default where several can run a task, the only one that can where one can', () => {
      const taken = (offers: readonly Offer[], defaultRuntime: AdmissionPolicy['defaultRuntime']): string =>
        accepted({ spec: image, policy: { offers, defaultRuntime } }).runtime
      assert.equal(taken([offer, images, docker], 'docker'), 'docker')
      assert.equal(taken([offer, images, docker], 'native'), 'native')
      assert.deepEqual(refused({ spec: image, policy: { offers: [images, docker] } }), ['UNKNOWN_RUNTIME runtime'])
      const blob = { sha256: 'ab'.repeat(32), bytes: 10 }
      const brought = { runtime: { archive: blob, image: `sha256:${'ab'.repeat(32)}` } }
      for (const runtimeName of ['wasm', 'docker', 'native'] as const) {
        // One that a task brings no engine has.
        const admitted = accepted({
          spec: brought,
          policy: { offers: [offer, native, docker], defaultRuntime: runtimeName },
        })
        assert.equal(admitted.runtime, 'native')
        assert.equal(taken([offer, images, noEngine], runtimeName), 'native')
        // A native runtime that says nothing of images runs none.
        assert.equal(taken([offer, native, docker], runtimeName), 'docker')
      }
    })

    it('says why not where none of several can run a task', () => {
      const why = (offers: readonly Offer[]): string => {
        const admission = ask({ spec: image, policy: { offers } })
        assert(admission.kind === 'refused', inspect(admission))
        return admission.reasons.map(({ reason, message }) => `${reason}: ${message}`).join()
      }
      assert.match(why([offer, noEngine, native]), /^RUNTIME_UNAVAILABLE: .*no engine answers/)
      assert.match(why([offer, native]), /^RUNTIME_UNAVAILABLE: .*it runs no images here/)
      const asked = {
        spec: { runtime: { ...image.runtime, type: 'native' as const } },
        policy: { offers: [native, docker] },
      }
      assert.deepEqual(refused(asked), ['RUNTIME_UNAVAILABLE runtime'])
    })

    it('refuses it altogether when a limit that every run has cannot be enforced', () => {
      const without = wasm.proven.filter(({ limit }) => limit !== 'inodes')
      assert.deepEqual(refused({ policy: runtime({ proven: without }) }), ['RUNTIME_UNAVAILABLE runtime'])
      assert.deepEqual(refused({ policy: runtime({ proven: [...without, proof('inodes', { min: 101 })] }) }), [
        'RUNTIME_UNAVAILABLE runtime',
      ])
    })
  })

  describe('of limits', () => {
    it('applies what is asked, else the cap, and only what is proven', () => {
      const { limits } = accepted({
        spec: { limits: { cpuCores: 0.5, diskBytes: 0, idleTimeMs: 77, stackBytes: 1000 } },
      })
      assert.deepEqual(limits, {
        ...LIMITS,
        cpuCores: 0.5,
        diskBytes: 0,
        cpuTimeMs: 9000,
        idleTimeMs: 77,
        stackBytes: 1000,
      })
      assert(!('pids' in limits), 'has a cap, but is not proven')
    })

    it('refuses what is asked and not proven, also outside the proven range', () => {
      assert.deepEqual(refused({ spec: { limits: { pids: 4, fuel: 1000, stackBytes: 999 } } }), [
        'CAP_UNPROVEN stackBytes',
        'CAP_UNPROVEN pids',
        'CAP_UNPROVEN fuel',
      ])
      assert.deepEqual(refused({ spec: { limits: { stackBytes: 9001 } } }), ['CAP_UNPROVEN stackBytes'])
      const admission = ask({ spec: { limits: { pids: 4 } } })
      assert(admission.kind === 'refused')
      assert.match(admission.reasons[0]?.message ?? '', /WebAssembly has no processes/)
    })

    it('lowers the default, but not what is asked, to what the runtime enforces', () => {
      const proven = [
        ...wasm.proven.filter(({ limit }) => limit !== 'memoryBytes'),
        proof('memoryBytes', { max: 500_000 }),
      ]
      assert.equal(accepted({ policy: runtime({ proven }) }).limits.memoryBytes, 500_000)
      assert.deepEqual(refused({ policy: runtime({ proven }), spec: { limits: { memoryBytes: 500_001 } } }), [
        'CAP_UNPROVEN memoryBytes',
      ])
    })

    it('leaves out what nothing holds in degraded mode, and refuses it to who asks for it', () => {
      const waived = ['cpuCores', 'memoryBytes', 'pids'] as const
      const proven = wasm.proven.filter(({ limit }) => !waived.some((each) => each === limit))
      const unproven = waived.map((limit) => ({ limit, why: 'no control group holds it' }))
      const degraded: Offer = {
        ...offer,
        required: ['pids'],
        capability: { ...wasm, proven, unproven, waived },
      }
      const { limits } = accepted({ policy: { offers: [degraded] } })
      assert.deepEqual(
        waived.filter((limit) => limits[limit] !== undefined),
        [],
      )
      assert.equal(limits.diskBytes, LIMITS.diskBytes)
      // That is how a requester keeps off such a provider.
      const spec = { limits: { memoryBytes: 1000, pids: 4 } }
      assert.deepEqual(refused({ policy: { offers: [degraded] }, spec }), [
        'CAP_UNPROVEN memoryBytes',
        'CAP_UNPROVEN pids',
      ])
      const own = accepted({ policy: { offers: [{ ...degraded, waivesAsked: true }] }, spec })
      assert.equal(own.limits.memoryBytes, undefined)
      // More than the cap is refused all the same.
      const above = { limits: { memoryBytes: LIMITS.memoryBytes + 1 } }
      assert.deepEqual(refused({ policy: { offers: [{ ...degraded, waivesAsked: true }] }, spec: above }), [
        'CAP_ABOVE_OFFER memoryBytes',
      ])
    })

    it('runs nothing without bounds on memory and cores that nobody has waived', () => {
      const proven = wasm.proven.filter(({ limit }) => limit !== 'memoryBytes')
      assert.deepEqual(refused({ policy: runtime({ proven }) }), ['RUNTIME_UNAVAILABLE runtime'])
    })

    it('gives no weight against others that the operator does not offer', () => {
      const proven = [...wasm.proven, proof('cpuShares'), proof('ioWeight')]
      const weighted: Offer = { ...offer, caps: { ...caps, cpuShares: 2048 }, capability: { ...wasm, proven } }
      assert.deepEqual(
        refused({ policy: { offers: [weighted] }, spec: { limits: { cpuShares: 2049, ioWeight: 1 } } }),
        ['CAP_ABOVE_OFFER cpuShares', 'CAP_ABOVE_OFFER ioWeight'],
      )
      assert.equal(
        accepted({ policy: { offers: [weighted] }, spec: { limits: { cpuShares: 100 } } }).limits.cpuShares,
        100,
      )
    })

    it('gives GPUs to a task that asks, as many as there are, and to no other', () => {
      const offering = (gpus: number | undefined): Partial<AdmissionPolicy> => ({
        offers: [{ ...offer, caps: { ...caps, ...(gpus !== undefined && { gpus }) } }],
        capacity: { ...policy.capacity, gpus: gpus ?? 0 },
      })
      assert.equal(accepted({ policy: offering(2) }).limits.gpus, undefined)
      assert.equal(accepted({ policy: offering(2), spec: { limits: { gpus: 2 } } }).limits.gpus, 2)
      for (const [offered, asked] of [
        [2, 3],
        [undefined, 1],
      ] as const) {
        const admission = ask({ policy: offering(offered), spec: { limits: { gpus: asked } } })
        assert(admission.kind === 'refused')
        const [reason, ...more] = admission.reasons
        assert.deepEqual(more, [])
        assert.deepEqual(
          [reason?.reason, reason?.subject, reason?.asked, reason?.offered],
          ['CAP_ABOVE_OFFER', 'gpus', String(asked), String(offered ?? 0)],
        )
      }
      const unproven = { ...wasm, proven: wasm.proven.filter(({ limit }) => limit !== 'gpus') }
      assert.deepEqual(
        refused({
          policy: { ...offering(2), offers: [{ ...offer, caps: { ...caps, gpus: 2 }, capability: unproven }] },
          spec: { limits: { gpus: 1 } },
        }),
        ['CAP_UNPROVEN gpus'],
      )
    })

    it('refuses what would never fit the machine', () => {
      const capacity = { ...policy.capacity, memoryBytes: 999_999, cpuMilliCores: 999 }
      assert.deepEqual(refused({ policy: { capacity } }), ['CAP_ABOVE_OFFER cpuCores', 'CAP_ABOVE_OFFER memoryBytes'])
      assert.equal(
        accepted({ policy: { capacity }, spec: { limits: { memoryBytes: 999_999, cpuCores: 0.999 } } }).limits.cpuCores,
        0.999,
      )
    })

    it('bounds both timeouts', () => {
      assert.deepEqual(refused({ spec: { queueTimeoutMs: 30_001, totalTimeoutMs: 600_001 } }), [
        'CAP_ABOVE_OFFER queueTimeoutMs',
        'CAP_ABOVE_OFFER totalTimeoutMs',
      ])
      assert.equal(
        accepted({ spec: { queueTimeoutMs: 30_000, totalTimeoutMs: 600_000 } }).queueDeadlineMs,
        nowMs + 30_000,
      )
    })
  })

  describe('of what was signed', () => {
    it('refuses another peer’s task, another spec, a bad signature', () => {
      assert.deepEqual(refused({ request: { peer: address('somebody') } }), ['BAD_SIGNATURE'])
      assert.deepEqual(refused({ authorization: { specDigest: 'ab'.repeat(32) } }), ['BAD_SIGNATURE'])
      assert.deepEqual(refused({ request: { signedTaskIdOf: () => undefined } }), ['BAD_SIGNATURE'])
    })

    it('refuses a nonce that was used, and tells nobody but its owner', () => {
      const isNonceUsed = (): boolean => true
      assert.deepEqual(refused({ request: { isNonceUsed } }), ['REPLAYED nonce'])
      assert.deepEqual(refused({ request: { isNonceUsed, peer: address('somebody') } }), ['BAD_SIGNATURE'])
      assert.deepEqual(refused({ request: { isNonceUsed, signedTaskIdOf: () => undefined } }), ['BAD_SIGNATURE'])
    })

    it('refuses another provider’s task and another chain’s', () => {
      assert.deepEqual(refused({ authorization: { provider: address('another') } }), ['FOREIGN_PROVIDER provider'])
      assert.deepEqual(refused({ authorization: { chainId: 1 } }), ['FOREIGN_CHAIN chainId'])
      assert.equal(accepted({ authorization: { provider: ANY_PROVIDER } }).kind, 'accepted')
    })

    it('refuses what has expired, or would too late', () => {
      assert.deepEqual(refused({ authorization: { expiryMs: nowMs } }), ['EXPIRED expiryMs'])
      assert.equal(accepted({ authorization: { expiryMs: nowMs + 1 } }).kind, 'accepted')
      assert.equal(accepted({ authorization: { expiryMs: nowMs + MAX_EXPIRY_AHEAD_MS } }).kind, 'accepted')
      assert.deepEqual(refused({ authorization: { expiryMs: nowMs + MAX_EXPIRY_AHEAD_MS + 1 } }), [
        'EXPIRY_TOO_FAR expiryMs',
      ])
    })

    it('refuses a price below its own, and money for anybody', () => {
      const pays = (maxPriceWei: string, provider = PROVIDER): Changes => ({
        spec: { maxPriceWei },
        authorization: { maxPriceWei, provider },
        policy: { prices: pricedAt({ startWei: '10' }) },
      })
      assert.deepEqual(refused(pays('9')), ['PRICE_TOO_LOW priceWei'])
      assert.equal(accepted(pays('10')).maxPriceWei, 10n)
      assert.deepEqual(refused(pays('10', ANY_PROVIDER)), ['PRICE_REQUIRES_PROVIDER provider'])
    })
  })

  describe('of a price', () => {
    const paid = { startWei: '10', cpuSecondWei: '5' }
    // 9 s of CPU time are what the task may use.
    const pays = (maxPriceWei: string, more: Changes = {}): Changes => ({
      ...more,
      spec: { maxPriceWei, ...more.spec },
      authorization: { maxPriceWei },
      policy: { prices: pricedAt(paid), ...more.policy },
    })

    it('sets aside the most that a task can come to, at the rates of its runtime', () => {
      const { rates, maxPriceWei } = accepted(pays('55'))
      assert.deepEqual([rates, maxPriceWei], [{ ...FREE_RATES, ...paid }, 55n])
      assert.deepEqual(refused(pays('54')), ['PRICE_TOO_LOW priceWei'])
    })

    it('asks for a limit on instructions where these are charged for', () => {
      const fuel = pays('99', { policy: { prices: pricedAt({ millionFuelWei: '1' }) } })
      assert.deepEqual(refused(fuel), ['FUEL_LIMIT_REQUIRED fuel'])
    })

    it('is none while there is enough left of what is run for nothing', () => {
      const free = accepted(pays('0', { usage: { freeWei: 55n } }))
      assert.deepEqual(
        [free.rates, free.maxPriceWei, free.allowance],
        [FREE_RATES, 0n, { rates: { ...FREE_RATES, ...paid }, mostWei: 55n }],
      )
      assert.deepEqual(refused(pays('0', { usage: { freeWei: 54n } })), ['PRICE_TOO_LOW priceWei'])
    })
  })

  describe('of a task that brings a quote', () => {
    const spec = bytesOf(taskSpec({ maxPriceWei: '100' }))
    const base: Quote = {
      version: 1,
      specDigest: authorizationOf(spec).specDigest,
      requester: peer,
      provider: providerKey.address,
      chainId: 0,
      runtime: 'wasm',
      engine: 'test',
      limits: { ...LIMITS, cpuTimeMs: 20_000 },
      rates: { ...FREE_RATES, startWei: '3' },
      maxPriceWei: '3',
      expectedStartMs: 0,
      payment: { kind: 'none' },
      issuedAtMs: nowMs - 1000,
      expiryMs: nowMs + 1000,
    }
    const withQuote = (changes: Partial<Quote> = {}, more: Changes = {}): Changes => ({
      ...more,
      bytes: spec,
      authorization: { maxPriceWei: '100', provider: providerKey.address },
      policy: { provider: providerKey.address, prices: pricedAt({ startWei: '1000' }), ...more.policy },
      request: { quote: signQuote({ quote: { ...base, ...changes }, key: providerKey }), ...more.request },
    })

    it('keeps to its rates and limits, whatever is offered by now', () => {
      const { rates, maxPriceWei, limits } = accepted(withQuote())
      assert.deepEqual([rates, maxPriceWei, limits], [base.rates, 3n, base.limits])
    })

    it('refuses one of another provider, requester, task or chain, or that has expired', () => {
      const wrong = (changes: Partial<Quote>) => refused(withQuote(changes)).at(-1)
      assert.equal(wrong({ requester: address('other') }), 'QUOTE_INVALID')
      assert.equal(wrong({ specDigest: 'cd'.repeat(32) }), 'QUOTE_INVALID')
      assert.equal(wrong({ chainId: 7 }), 'QUOTE_INVALID')
      // Signed by a key that is not the one it names.
      assert.equal(wrong({ provider: PROVIDER }), 'QUOTE_INVALID')
      assert.equal(wrong({ expiryMs: nowMs, issuedAtMs: nowMs - 1 }), 'QUOTE_EXPIRED expiryMs')
      const forged = signQuote({ quote: { ...base, provider: requesterKey.address }, key: requesterKey })
      assert.equal(refused(withQuote({}, { request: { quote: forged } })).at(-1), 'QUOTE_INVALID')
      const garbage = { bytes: new Uint8Array([1, 2]), signature: SIGNATURE }
      assert.equal(refused(withQuote({}, { request: { quote: garbage } })).at(-1), 'QUOTE_INVALID')
    })

    it('refuses where it allows more than was signed for', () => {
      assert.deepEqual(refused(withQuote({ maxPriceWei: '101' })), ['PRICE_TOO_LOW priceWei'])
    })

    it('refuses a runtime that has gone since, and limits that the machine never had', () => {
      assert.deepEqual(refused(withQuote({}, { policy: { offers: [] } })), ['UNKNOWN_RUNTIME runtime'])
      assert.deepEqual(refused(withQuote({ limits: { ...LIMITS, memoryBytes: 5_000_000 } })), [
        'CAP_ABOVE_OFFER memoryBytes',
      ])
    })

    it('for nothing holds while there is something left to run for nothing', () => {
      const free = { rates: FREE_RATES, maxPriceWei: '0', allowance: true as const }
      assert.equal(accepted(withQuote(free, { usage: { freeWei: 1000n } })).allowance?.mostWei, 1000n)
      assert.deepEqual(refused(withQuote(free, { usage: { freeWei: 999n } })), ['ALLOWANCE_SPENT allowance'])
    })
  })

  describe('of room', () => {
    it('keeps places in the queue for others', () => {
      assert.equal(accepted({ usage: { queued: 99, queuedOfPeer: 24, queuedOfUnknownPeers: 49 } }).kind, 'accepted')
      assert.deepEqual(refused({ usage: { queued: 100 } }), ['QUEUE_FULL queue'])
      assert.deepEqual(refused({ usage: { queuedOfPeer: 25 } }), ['PEER_OVER_SHARE queue'])
      assert.deepEqual(refused({ usage: { queuedOfUnknownPeers: 50 } }), ['UNKNOWN_PEERS_OVER_SHARE queue'])
      assert.equal(accepted({ usage: { queuedOfUnknownPeers: 50, peerIsKnown: true } }).kind, 'accepted')
      assert.equal(accepted({ policy: { maxQueued: 1 } }).kind, 'accepted', 'a share has at least one place')
    })

    it('counts every blob that the task names', () => {
      const blob = (bytes: number) => ({ sha256: 'ab'.repeat(32), bytes })
      const spec = { stdin: blob(4_000_000), inputs: [{ source: blob(5_999_000), target: '/in' }] }
      assert.equal(accepted({ spec }).kind, 'accepted')
      assert.deepEqual(refused({ spec: { ...spec, stdin: blob(4_000_001) } }), ['INPUT_TOO_LARGE inputs'])
      const room = (storage: Partial<AdmissionUsage['storage']>, peerIsKnown = false): Changes => ({
        spec,
        usage: { peerIsKnown, storage: { ...usage.storage, ...storage } },
      })
      assert.deepEqual(refused(room({ freeBytes: 9_999_999 })), ['STORAGE_FULL storage'])
      assert.deepEqual(refused(room({ peerFreeBytes: 9_999_999 })), ['PEER_OVER_SHARE storage'])
      assert.deepEqual(refused(room({ unknownPeersFreeBytes: 9_999_999 })), ['UNKNOWN_PEERS_OVER_SHARE storage'])
      assert.equal(accepted(room({ unknownPeersFreeBytes: 0 }, true)).kind, 'accepted')
    })
  })
})
