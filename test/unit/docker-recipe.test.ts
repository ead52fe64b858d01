import assert from 'node:assert/strict'
import { containerRecipe, type ContainerPlan } from '../../src/executors/docker/container-recipe.ts'
import type { ImageFacts } from '../../src/executors/docker/engine.ts'
import { mountsOf, planFolders, resultsOf } from '../../src/executors/docker/folders.ts'
import { checkTask } from '../../src/executors/docker/task-checks.ts'
import type { DockerTask } from '../../src/executors/executor.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { ROOMY_LIMITS } from '../conformance/behaviours.ts'

const task = (more: Partial<DockerTask> = {}): DockerTask => ({
  runtime: 'docker',
  image: `sha256:${'a'.repeat(64)}`,
  command: ['sh', '-c', 'true'],
  env: {},
  inputs: [],
  outputs: [],
  ...more,
})
const image = (more: Partial<ImageFacts> = {}): ImageFacts => ({
  id: `sha256:${'a'.repeat(64)}`,
  repoDigests: [],
  os: 'linux',
  architecture: 'amd64',
  entrypoint: [],
  command: [],
  env: [],
  workdir: '',
  volumes: [],
  ...more,
})
const input = (target: string): DockerTask['inputs'][number] => ({
  source: `/store/${target.slice(1)}`,
  bytes: 1,
  target,
})

describe('the recipe of a container', () => {
  const plan = (more: Partial<ContainerPlan> = {}): ContainerPlan => ({
    workdir: undefined,
    limits: ROOMY_LIMITS,
    image: image(),
    mounts: [{ source: '/lease/tmp', target: '/tmp', readOnly: false }],
    init: { program: '/souk/init', folder: '/job/init' },
    user: { uid: 1234, gid: 5678 },
    engine: { product: 'Docker', cgroupNamespaces: true, cgroupVersion: 1, cpus: 4 },
    runtime: { name: 'runc', program: 'runc' },
    seccomp: '{"defaultAction":"SCMP_ACT_ERRNO"}',
    instance: 'one',
    ...more,
  })

  it('is the same for the same plan', () => {
    assert.deepEqual(containerRecipe(plan()), containerRecipe(plan()))
  })

  it('gives the task one process more than it may have, for the first one, and no less to runc than it needs', () => {
    const limits = { ...ROOMY_LIMITS, pids: 7, openFiles: 5, cpuShares: 2048, stackBytes: 1_000_000 }
    const { HostConfig } = containerRecipe(plan({ limits }))
    assert.equal(HostConfig?.PidsLimit, 8)
    assert.equal(HostConfig?.CpuShares, 2048)
    const ulimits = Object.fromEntries((HostConfig?.Ulimits ?? []).map(({ Name, Soft, Hard }) => [Name, [Soft, Hard]]))
    assert.deepEqual(ulimits, {
      core: [1, 1],
      nofile: [64, 64],
      fsize: [ROOMY_LIMITS.diskBytes, ROOMY_LIMITS.diskBytes],
      stack: [1_000_000, 1_000_000],
      memlock: [65_536, 65_536],
      nice: [0, 0],
      rtprio: [0, 0],
    })
  })

  it('keeps to the cores that tasks may run on, and sets none where they may run on all', () => {
    assert.equal(containerRecipe(plan({ cpuset: '0-2,5' })).HostConfig?.CpusetCpus, '0-2,5')
    assert.equal('CpusetCpus' in (containerRecipe(plan()).HostConfig ?? {}), false)
  })

  it('asks for no more cores than there are, and for no swappiness where there is none', () => {
    const { HostConfig } = containerRecipe(
      plan({
        limits: { ...ROOMY_LIMITS, cpuCores: 64 },
        engine: { product: 'Docker', cgroupNamespaces: true, cgroupVersion: 2, cpus: 4 },
      }),
    )
    assert.equal(HostConfig?.NanoCpus, 4e9)
    assert.equal(HostConfig !== undefined && 'MemorySwappiness' in HostConfig, false)
    assert.equal(containerRecipe(plan()).HostConfig?.MemorySwappiness, 0)
  })

  it('knows nothing of the task’s words: what runs first is ours, and the engine passes nothing on', () => {
    const { Entrypoint, Cmd, Env, AttachStdin, AttachStdout, AttachStderr, OpenStdin } = containerRecipe(plan())
    assert.deepEqual(Entrypoint, ['/dev/souk-init', '/dev/souk/control'])
    assert.deepEqual([Cmd, Env], [[], undefined])
    assert.deepEqual([AttachStdin, AttachStdout, AttachStderr, OpenStdin], [false, false, false, false])
  })

  it('asks for the GPUs that the task is given, and keeps every GPU from a task that is given none', () => {
    const given = containerRecipe(plan({ gpus: ['0', 'GPU-ab'] }))
    assert.deepEqual(given.HostConfig?.DeviceRequests, [
      { Driver: '', DeviceIDs: ['0', 'GPU-ab'], Capabilities: [['gpu']] },
    ])
    assert.deepEqual(given.Env, ['NVIDIA_VISIBLE_DEVICES=0,GPU-ab'])
    const none = containerRecipe(plan({ gpus: [] }))
    assert.deepEqual(none.Env, ['NVIDIA_VISIBLE_DEVICES=void'])
    for (const { HostConfig } of [none, containerRecipe(plan())])
      assert.equal(HostConfig !== undefined && 'DeviceRequests' in HostConfig, false)
    assert.equal(containerRecipe(plan()).Env, undefined)
  })

  it('names the runtime, and gives a kernel of its own the processes and the standard input that it needs', () => {
    const runtime = { name: 'sandboxed', program: 'runsc', ownKernel: { seccomp: true } }
    const own = containerRecipe(plan({ runtime }))
    assert.equal(own.HostConfig?.Runtime, 'sandboxed')
    assert.equal(own.HostConfig?.PidsLimit, 2048)
    assert.equal(own.OpenStdin, true, 'it would change whose the /dev/null of this host is')
    assert.equal(containerRecipe(plan()).HostConfig?.Runtime, 'runc')
  })

  it('tells podman what to mask and how many processes a user may have, in its own words', () => {
    const engine = {
      product: 'Podman',
      cgroupNamespaces: false,
      cgroupVersion: 1,
      cpus: 4,
      userProcesses: 32_768,
    } as const
    const { HostConfig } = containerRecipe(plan({ engine }))
    assert.match(String(HostConfig?.SecurityOpt), /mask=.*:\/proc\/acpi:.*\/proc\/interrupts:/)
    assert.deepEqual(
      HostConfig?.Ulimits?.find(({ Name }) => Name === 'nproc'),
      { Name: 'nproc', Soft: 32_768, Hard: 32_768 },
    )
    assert.doesNotMatch(String(containerRecipe(plan()).HostConfig?.SecurityOpt), /mask=/)
  })

  it('mounts what is ours and the inputs read-only', () => {
    const { HostConfig } = containerRecipe(
      plan({
        mounts: [
          { source: '/a:b', target: '/in/x:ro', readOnly: true },
          { source: '/l', target: '/o', readOnly: false },
        ],
      }),
    )
    assert.deepEqual(
      (HostConfig?.Mounts ?? []).map(({ Type, Source, Target, ReadOnly }) => [Type, Source, Target, ReadOnly]),
      [
        ['bind', '/souk/init', '/dev/souk-init', true],
        ['bind', '/job/init', '/dev/souk', true],
        ['bind', '/a:b', '/in/x:ro', true],
        ['bind', '/l', '/o', false],
      ],
    )
  })
})

describe('the folders of a container', () => {
  const lease = { tmp: '/l/tmp', work: '/l/work', outputs: ['/l/o0', '/l/o1', '/l/o2'] }
  const planned = (dockerTask: DockerTask, facts = image(), ownWorkdir = true) => {
    const folders = planFolders({ task: dockerTask, image: facts, ownWorkdir })
    return {
      folders,
      mounts: mountsOf({
        folders,
        lease,
        inputTargets: dockerTask.inputs.map(({ target }) => target),
        inputSources: dockerTask.inputs.map(({ source }) => source),
      }).map(({ source, target }) => `${source} ${target}`),
    }
  }

  it('are /tmp, shared memory, the working folder, outputs and volumes, each once', () => {
    const { mounts } = planned(
      task({ workdir: '/w', outputs: [{ path: '/out' }], inputs: [input('/in/a')] }),
      image({ volumes: ['/data/', '/tmp', '/out', '/w', '/dev/shm', '/in/a'] }),
    )
    assert.deepEqual(mounts, [
      '/l/tmp /tmp',
      '/l/tmp /dev/shm',
      '/l/work /w',
      '/l/o0 /out',
      '/l/o1 /data',
      '/store/in/a /in/a',
    ])
  })

  it('leave a working folder alone that the image has, or that is another one of them', () => {
    assert.equal(planned(task({ workdir: '/etc' }), image(), false).folders.work, undefined)
    assert.equal(planned(task({ workdir: '/tmp' })).folders.work, undefined)
    assert.equal(planned(task({ workdir: '/out', outputs: [{ path: '/out' }] })).folders.work, undefined)
  })

  it('have room for the places that are made in them', () => {
    assert.equal(planned(task()).folders.madeInodes, 0)
    assert.equal(planned(task({ inputs: [input('/in/deep/a')] })).folders.madeInodes, 0)
    // sub, sub/a, sub/b; and out.
    const inside = task({
      workdir: '/w',
      inputs: [input('/w/sub/a'), input('/w/sub/b'), input('/out/c')],
      outputs: [{ path: '/out' }, { path: '/w/out' }],
    })
    assert.equal(planned(inside).folders.madeInodes, 5)
  })

  for (const volume of ['/', 'data', '/proc', '/proc/sys', '/sys/fs', '/dev', '/x/../..', '']) {
    it(`refuse the image with a volume at ${JSON.stringify(volume)}`, () => {
      assert.throws(
        () => planned(task(), image({ volumes: [volume] })),
        (error) => isSoukError(error, 'IMAGE_REFUSED'),
      )
    })
  }

  it('refuse an image with too many volumes', () => {
    const volumes = Array.from({ length: 33 }, (_none, index) => `/v${index}`)
    assert.throws(
      () => planned(task(), image({ volumes })),
      (error) => isSoukError(error, 'IMAGE_REFUSED'),
    )
  })

  it('give as results neither inputs nor what is in volumes', async () => {
    const kept: string[] = []
    const results = resultsOf(task({ inputs: [input('/out/in')], outputs: [{ path: '/out' }] }), {
      collect: async ({ path }) => void kept.push(path),
      refuse: ({ path }) => void kept.push(path),
      outputs: () => [],
    })
    let read = 0
    const content = async function* (): AsyncGenerator<Uint8Array> {
      read += 1
      yield new Uint8Array(1)
    }
    for (const path of ['/out/a', '/out/in', '/data/x', '/outer']) await results.collect({ path, content: content() })
    for (const path of ['/out', '/out/link', '/data/link']) results.refuse({ path, code: 'SYMLINK', message: '' })
    assert.deepEqual(kept, ['/out/a', '/out', '/out/link'])
    assert.equal(read, 3, 'what is not kept is read all the same')
  })
})

describe('the checks of a Docker task', () => {
  const invalid = (more: Partial<DockerTask>): void =>
    assert.throws(
      () => checkTask(task(more), ROOMY_LIMITS),
      (error) => isSoukError(error, 'INVALID_INPUT'),
    )

  it('refuse paths in what the engine makes', () => {
    for (const path of ['/dev', '/dev/souk-init', '/dev/shm/x', '/proc/1', '/sys']) {
      invalid({ inputs: [input(path)] })
      invalid({ outputs: [{ path }] })
      invalid({ workdir: path })
    }
  })

  it('refuse an input in the place of a folder', () => {
    invalid({ inputs: [input('/tmp')] })
    invalid({ inputs: [input('/w')], workdir: '/w/deep' })
    invalid({ inputs: [input('/out')], outputs: [{ path: '/out/x' }] })
  })

  it('refuse an argument that execve(2) does not take', () => {
    invalid({ command: ['x'.repeat(131_072)] })
    invalid({ env: { A: 'x'.repeat(131_070) } })
    checkTask(task({ command: ['x'.repeat(131_071)] }), ROOMY_LIMITS)
  })

  it('refuse limits that Docker does not have', () => {
    for (const limits of [{ ioWeight: 100 }, { fuel: 1 }])
      assert.throws(
        () => checkTask(task(), { ...ROOMY_LIMITS, ...limits }),
        (error) => isSoukError(error, 'REFUSED'),
      )
  })
})
