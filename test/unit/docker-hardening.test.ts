import assert from 'node:assert/strict'
import { containerRecipe } from '../../src/executors/docker/container-recipe.ts'
import { coresIn } from '../../src/executors/docker/cpuset.ts'
import type { ContainerRecipe } from '../../src/executors/docker/engine.ts'
import type { MadeContainer } from '../../src/executors/docker/engine-answers.ts'
import { differencesOf } from '../../src/executors/docker/hardening.ts'
import { ROOMY_LIMITS } from '../conformance/behaviours.ts'

const IMAGE = `sha256:${'a'.repeat(64)}`

describe('a container that the engine has made', () => {
  const recipe = containerRecipe({
    workdir: undefined,
    limits: { ...ROOMY_LIMITS, pids: 7 },
    image: { id: IMAGE },
    mounts: [{ source: '/lease/tmp', target: '/tmp', readOnly: false }],
    init: { program: '/souk/init', folder: '/job/init' },
    user: { uid: 1234, gid: 5678 },
    engine: { product: 'Docker', cgroupNamespaces: true, cgroupVersion: 1, cpus: 2 },
    runtime: { name: 'runc', program: 'runc' },
    seccomp: '{"defaultAction":"SCMP_ACT_ERRNO"}',
    instance: 'one',
  })
  /** As an engine gives back what it was asked for: more fields, and other words for nothing. */
  const made = (): { -readonly [K in keyof MadeContainer]: MadeContainer[K] } => {
    const { HostConfig, Image, ...config } = structuredClone(recipe) as ContainerRecipe & { Image: string }
    return {
      Image,
      Config: {
        ...config,
        Cmd: null,
        Domainname: '',
        Env: ['PATH=/bin'],
        Labels: { ...config.Labels, 'com.docker.compose.project': 'x' },
        ExposedPorts: { '80/tcp': {} },
        OnBuild: null,
        Healthcheck: { Test: ['NONE'], Interval: 1_000_000 },
      },
      HostConfig: {
        ...HostConfig,
        Binds: null,
        CapAdd: [],
        Devices: null,
        PidMode: '',
        UTSMode: 'private',
        Isolation: 'default',
        Runtime: 'runc',
        ConsoleSize: [0, 0],
        DeviceRequests: null,
        RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
        MaskedPaths: [...(HostConfig?.MaskedPaths ?? []), '/proc/more'],
        Ulimits: [...(HostConfig?.Ulimits ?? []), { Name: 'nproc', Soft: 9, Hard: 9 }],
      },
      Mounts: (HostConfig?.Mounts ?? []).toReversed().map((mount) => ({
        Type: mount.Type,
        Source: mount.Source,
        Destination: mount.Target,
        RW: mount.ReadOnly !== true,
        Propagation: 'rprivate',
      })),
    }
  }

  it('as it was asked to differs in nothing', () => {
    assert.deepEqual(differencesOf(recipe, made()), [])
  })

  const HOST: Readonly<Record<string, readonly unknown[]>> = {
    Privileged: [true],
    CapAdd: [['SYS_ADMIN']],
    CapDrop: [null, [], ['NET_RAW']],
    NetworkMode: ['host', 'default', '', 'container:x'],
    PidMode: ['host', 'container:x'],
    UTSMode: ['host'],
    UsernsMode: ['host'],
    IpcMode: ['host', 'shareable', 'private', ''],
    CgroupnsMode: ['host', ''],
    Cgroup: ['container:x'],
    ReadonlyRootfs: [false],
    SecurityOpt: [
      null,
      ['no-new-privileges'],
      ['no-new-privileges', 'seccomp=unconfined'],
      ['no-new-privileges', 'seccomp={"defaultAction":"SCMP_ACT_ERRNO"}', 'apparmor=unconfined'],
    ],
    Devices: [[{ PathOnHost: '/dev/sda', PathInContainer: '/dev/sda', CgroupPermissions: 'rwm' }]],
    DeviceCgroupRules: [['a *:* rwm']],
    DeviceRequests: [[{ Driver: '', Count: -1, Capabilities: [['gpu']] }]],
    Binds: [['/:/host']],
    VolumesFrom: [['other']],
    Tmpfs: [{ '/scratch': '' }],
    Mounts: [null, []],
    GroupAdd: [['docker']],
    Sysctls: [{ 'kernel.msgmax': '1' }],
    Memory: [0, ROOMY_LIMITS.memoryBytes + 1],
    MemorySwap: [-1, 0],
    NanoCpus: [0],
    CpusetCpus: ['0'],
    PidsLimit: [null, 0, -1, 9],
    OomKillDisable: [true],
    OomScoreAdj: [-1000],
    Ulimits: [null, [{ Name: 'core', Soft: -1, Hard: -1 }]],
    LogConfig: [{ Type: 'json-file', Config: {} }],
    RestartPolicy: [{ Name: 'always', MaximumRetryCount: 0 }],
    AutoRemove: [true],
    Init: [true],
    PortBindings: [{ '80/tcp': [{ HostPort: '80' }] }],
    PublishAllPorts: [true],
    ExtraHosts: [['a:1.2.3.4']],
    Links: [['a:b']],
    MaskedPaths: [null, [], ['/proc/kcore']],
    ReadonlyPaths: [null, ['/proc/sys']],
    WhatALaterEngineHas: [true, 'host', { on: 1 }],
  }
  for (const [key, values] of Object.entries(HOST)) {
    for (const value of values) {
      it(`with ${key} ${JSON.stringify(value)} does`, () => {
        const found = made()
        found.HostConfig = { ...found.HostConfig, [key]: value }
        const differences = differencesOf(recipe, found)
        assert.equal(differences.length, 1)
        assert.match(differences[0] ?? '', new RegExp(`^HostConfig\\.${key} is .+, and was to be .+$`))
      })
    }
  }

  const CONFIG: Readonly<Record<string, readonly unknown[]>> = {
    User: ['', '0', 'root', '1234'],
    Entrypoint: [null, ['/bin/sh']],
    Cmd: [['more']],
    Labels: [{}, { 'souk.instance': 'other' }],
    Hostname: ['host'],
    Domainname: ['example.org'],
    Tty: [true],
    StopSignal: ['SIGTERM'],
    Healthcheck: [null, { Test: ['CMD', '/bin/check'] }],
  }
  for (const [key, values] of Object.entries(CONFIG)) {
    for (const value of values) {
      it(`with a ${key} of ${JSON.stringify(value)} does`, () => {
        const found = made()
        found.Config = { ...found.Config, [key]: value }
        assert.deepEqual(
          differencesOf(recipe, found).map((difference) => difference.split(' ')[0]),
          [`Config.${key}`],
        )
      })
    }
  }

  it('of another image does', () => {
    const found = { ...made(), Image: `sha256:${'b'.repeat(64)}` }
    assert.match(differencesOf(recipe, found).join(), /^Image is "sha256:b+", and was to be "sha256:a+"$/)
  })

  it('in another working folder than the task asks for does, and in the image’s where it asks for none does not', () => {
    const elsewhere = { ...made(), Config: { ...made().Config, WorkingDir: '/elsewhere' } }
    assert.deepEqual(differencesOf(recipe, elsewhere), [])
    assert.match(differencesOf({ ...recipe, WorkingDir: '/w' }, elsewhere).join(), /^Config\.WorkingDir/)
  })

  it('with a volume of the image does, and so with any mount that is more, less, or other than asked for', () => {
    const volume = { Type: 'volume', Source: '/var/lib/volumes/x', Destination: '/data', RW: true, Propagation: '' }
    const more = made()
    more.Mounts = [...more.Mounts, volume]
    assert.deepEqual(differencesOf(recipe, more), [
      'it has the mount volume rw /data of /var/lib/volumes/x, which nobody asked for',
    ])
    for (const change of [
      { RW: true, Destination: '/dev/souk-init' },
      { Source: '/', Destination: '/tmp' },
      { Propagation: 'rshared', Destination: '/tmp' },
      { Type: 'volume', Destination: '/tmp' },
    ]) {
      const found = made()
      found.Mounts = found.Mounts.map((mount) =>
        mount.Destination === change.Destination ? { ...mount, ...change } : mount,
      )
      assert.equal(differencesOf(recipe, found).length, 2, JSON.stringify(change))
    }
  })
})

describe('a list of cores', () => {
  for (const [list, cores] of [
    ['0', 1],
    ['0-3', 4],
    ['0-3,6', 5],
    ['1,1,0-1', 2],
    ['', undefined],
    ['3-1', undefined],
    ['0,', undefined],
    ['a', undefined],
    ['0-1-2', undefined],
    ['0 ', undefined],
  ] as const)
    it(`${JSON.stringify(list)} has ${cores}`, () => assert.equal(coresIn(list), cores))
})
