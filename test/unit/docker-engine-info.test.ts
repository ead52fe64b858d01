import assert from 'node:assert/strict'
import { describeEngine, hostUserOf } from '../../src/executors/docker/engine-info.ts'
import { isolationOf } from '../../src/executors/docker/isolation.ts'
import { checkClass, runtimeClasses } from '../../src/executors/docker/runtime-classes.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { ROOMY_LIMITS } from '../conformance/behaviours.ts'

/** As Docker 20.10 answers, but for what nobody reads. */
const info = (more: object = {}): object => ({
  CgroupVersion: '1',
  NCPU: 2,
  SwapLimit: true,
  SecurityOptions: ['name=seccomp,profile=default'],
  Runtimes: {
    runc: { path: 'runc' },
    crun: { path: '/usr/bin/crun' },
    runsc: { path: '/usr/bin/runsc', runtimeArgs: ['--host-uds=open', '--oci-seccomp'] },
    lax: { path: '/opt/runsc' },
    shim: { runtimeType: 'io.containerd.runsc.v1' },
  },
  DefaultRuntime: 'runc',
  DockerRootDir: '/var/lib/docker',
  ...more,
})
const version = {
  Version: '20.10.24+dfsg1',
  Components: [
    { Name: 'Engine', Version: '20.10.24+dfsg1' },
    { Name: 'runc', Version: '1.1.5+ds1' },
  ],
}
/** As podman 4.3 answers. */
const podmanVersion = {
  Version: '4.3.1',
  Components: [
    { Name: 'Podman Engine', Version: '4.3.1' },
    { Name: 'Conmon', Version: 'conmon version 2.1.6, commit: unknown' },
    { Name: 'OCI Runtime (crun)', Version: 'crun version 1.8.1\ncommit: f8a096be\nspec: 1.0.0' },
  ],
}
const user = { uid: 65_534, gid: 65_534 }
const isolated = async (name: string | undefined, rawInfo = info(), rawVersion: object = version) => {
  const engine = await describeEngine(rawInfo, rawVersion)
  const runtime = runtimeClasses(engine, name === undefined ? [] : [name]).usual
  return isolationOf({ info: engine, runtime, uid: user.uid })
}

describe('what an engine says of itself', () => {
  it('names Docker, and its runtime with the version that it tells', async () => {
    assert.equal((await isolated(undefined)).engine, 'Docker 20.10.24, runc 1.1.5')
    assert.equal((await isolated('crun')).engine, 'Docker 20.10.24, crun')
  })

  it('names podman and what it starts containers with, where it tells all of it in sentences', async () => {
    const { engine, layers, missing } = await isolated(undefined, info({ DefaultRuntime: 'crun' }), podmanVersion)
    assert.equal(engine, 'Podman 4.3.1, crun 1.8.1')
    assert.ok(missing.includes('cgroup-namespace'), 'with control groups of version 1 podman makes none')
    assert.ok(!layers.includes('cgroup-namespace'))
    const second = await isolated(undefined, info({ CgroupVersion: '2' }), podmanVersion)
    assert.ok(second.layers.includes('cgroup-namespace') && second.layers.includes('cgroup-v2'))
  })

  it('finds gVisor by its program, whatever it is called, and whether our filter holds inside', async () => {
    const seccomp = async (name: string): Promise<readonly [boolean, boolean, boolean]> => {
      const { layers, missing } = await isolated(name)
      return [layers.includes('gvisor'), layers.includes('seccomp-allow-list'), missing.includes('seccomp-allow-list')]
    }
    assert.deepEqual(await seccomp('runsc'), [true, true, false])
    assert.deepEqual(await seccomp('lax'), [true, false, true])
    assert.deepEqual(await seccomp('shim'), [true, false, true])
    assert.deepEqual(await seccomp('runc'), [false, true, false])
  })

  it('recognises userns-remap, and who users of containers are on this host', async () => {
    const remapped = info({
      SecurityOptions: ['name=seccomp,profile=default', 'name=userns'],
      DockerRootDir: '/var/lib/docker/200000.300000',
    })
    const { layers, missing } = await isolated(undefined, remapped)
    assert.equal(layers[0], 'user-namespace')
    assert.ok(missing.includes('rootless-engine'))
    assert.deepEqual(hostUserOf(await describeEngine(remapped, version), user), { uid: 265_534, gid: 365_534 })
    assert.deepEqual(hostUserOf(await describeEngine(info(), version), user), user)
  })

  it('recognises a rootless engine', async () => {
    const rootless = info({ SecurityOptions: ['name=seccomp,profile=default', 'name=rootless', 'name=cgroupns'] })
    const { layers } = await isolated(undefined, rootless)
    assert.deepEqual(layers.slice(0, 2), ['rootless-engine', 'user-namespace'])
  })
})

describe('classes of runtimes', () => {
  const engine = () => describeEngine(info(), version)

  it('are the engine’s own default where the operator names none, and nobody else can name it', async () => {
    const classes = runtimeClasses(await engine(), [])
    assert.deepEqual([classes.usual.name, classes.named, classes.unknown], ['runc', [], []])
    assert.equal(classes.of(undefined).name, 'runc')
    assert.throws(
      () => classes.of('runc'),
      (error) => isSoukError(error, 'REFUSED'),
    )
  })

  it('are those that he names, the first for tasks that name none', async () => {
    const classes = runtimeClasses(await engine(), ['runsc', 'runc', 'youki'])
    assert.equal(classes.of(undefined).name, 'runsc')
    assert.equal(classes.of('runc').name, 'runc')
    assert.deepEqual(
      classes.unknown.map(({ name }) => name),
      ['youki'],
    )
    assert.throws(
      () => classes.of('crun'),
      (error) =>
        isSoukError(error, 'REFUSED') &&
        error.details.reasons[0]?.reason === 'UNKNOWN_CLASS' &&
        error.details.reasons[0].offered === 'runsc, runc',
    )
  })

  it('are none at all where the engine does not have the first', async () => {
    const found = await engine()
    assert.throws(
      () => runtimeClasses(found, ['kata', 'runc']),
      (error) => isSoukError(error, 'RUNTIME_UNAVAILABLE') && /no runtime kata, but runc, crun/.test(error.details.why),
    )
  })

  it('hold no task to what they cannot count', async () => {
    const { usual, of } = runtimeClasses(await engine(), ['runsc', 'runc'])
    const limits = { ...ROOMY_LIMITS, pids: 5, memoryBytes: 16 * 1024 * 1024 }
    assert.throws(
      () => checkClass(usual, limits),
      (error) =>
        isSoukError(error, 'REFUSED') &&
        error.details.reasons.map(({ subject }) => subject).join() === 'pids,memoryBytes',
    )
    checkClass(usual, ROOMY_LIMITS)
    checkClass(of('runc'), limits)
  })
})
