import assert from 'node:assert/strict'
import { containerRecipe } from '../../src/executors/docker/container-recipe.ts'
import type { MadeContainer } from '../../src/executors/docker/engine-answers.ts'
import { differencesOf } from '../../src/executors/docker/hardening.ts'
import { inDockersWords } from '../../src/executors/docker/podman-answers.ts'
import { ROOMY_LIMITS } from '../conformance/behaviours.ts'

describe('a container that podman has made', () => {
  const recipe = containerRecipe({
    workdir: undefined,
    limits: { ...ROOMY_LIMITS, pids: 7, cpuCores: 0.5 },
    image: { id: `sha256:${'a'.repeat(64)}` },
    mounts: [{ source: '/lease/tmp', target: '/tmp', readOnly: false }],
    init: { program: '/souk/init', folder: '/job/init' },
    user: { uid: 1234, gid: 5678 },
    engine: { product: 'Podman', cgroupNamespaces: false, cgroupVersion: 1, cpus: 2, userProcesses: 100 },
    runtime: { name: 'runc', program: 'runc' },
    seccomp: '/souk/seccomp.json',
    instance: 'one',
  })
  /** As podman 4.3 describes what it has made of it. */
  const made = (HostConfig: object = {}): MadeContainer => {
    const { HostConfig: asked = {}, Image = '', ...config } = recipe
    return {
      Image,
      Config: { ...config, StopSignal: '9' },
      HostConfig: {
        ...asked,
        Mounts: undefined,
        Runtime: 'oci',
        IpcMode: 'shareable',
        CgroupnsMode: '',
        CapDrop: ['AUDIT_WRITE', 'CHOWN'],
        SecurityOpt: ['no-new-privileges', 'seccomp=/souk/seccomp.json'],
        MaskedPaths: null,
        ReadonlyPaths: null,
        Ulimits: asked.Ulimits?.map((limit) => ({ ...limit, Name: `RLIMIT_${limit.Name?.toUpperCase()}` })),
        Binds: ['/lease/tmp:/tmp:rprivate,bind,rw,nosuid,nodev'],
        CpuPeriod: 100_000,
        CpuQuota: 50_000,
        ...HostConfig,
      },
      Mounts: (asked.Mounts ?? []).map(({ Type, Source, Target, ReadOnly }) => ({
        ...{ Type, Source, Destination: Target, RW: ReadOnly !== true },
        Propagation: 'rprivate',
      })),
    }
  }
  const differences = (container: MadeContainer): readonly string[] => {
    const said = inDockersWords(recipe, container)
    return differencesOf(said.recipe, said.made)
  }

  it('as it was asked to differs in nothing but words', () => {
    assert.deepEqual(differences(made()), [])
    assert.notDeepEqual(differencesOf(recipe, made()), [])
  })

  it('differs where anything else does', () => {
    for (const [name, value] of Object.entries({
      Privileged: true,
      CapAdd: ['SYS_ADMIN'],
      NetworkMode: 'host',
      IpcMode: 'host',
      PidMode: 'host',
      UsernsMode: 'host',
      ReadonlyRootfs: false,
      SecurityOpt: ['no-new-privileges'],
      Memory: 0,
      PidsLimit: 0,
      CpuQuota: 200_000,
      Ulimits: [],
      Devices: [{ PathOnHost: '/dev/sda' }],
    }))
      assert.match(differences(made({ [name]: value })).join('\n'), new RegExp(`HostConfig\\.${name} is `), name)
    const { Mounts, ...rest } = made()
    const more = { Type: 'bind', Source: '/', Destination: '/host', RW: true, Propagation: 'rprivate' }
    assert.match(differences({ ...rest, Mounts: [...Mounts, more] }).join(), /has the mount bind rw \/host of \//)
    assert.match(differences({ ...rest, Mounts: Mounts.slice(1) }).join(), /lacks the mount/)
  })
})
