import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { buildProgram, PROGRAMS_DIR } from '../../scripts/build-programs.ts'
import { startOwnDockerEngine, type OwnDockerEngine } from '../../scripts/own-docker-engine.ts'
import { findProgram } from '../../scripts/toolchain.ts'
import { CONFIG_KEY_NAMES, variableOf } from '../../src/node/config/schema.ts'
import { loadConfig } from '../../src/node/config/config.ts'
import { merged, readCompose, type ComposeService } from '../fixtures/deploy/compose-service.ts'
import {
  buildImage,
  environmentOf,
  execIn,
  hostConfigOf,
  importImage,
  runContainer,
} from '../fixtures/deploy/containers.ts'
import { makeNodeBaseImages } from '../fixtures/deploy/node-base-image.ts'
import { leftoversOf } from '../fixtures/native-launcher.ts'
import { packedPackage } from '../fixtures/packed-package.ts'
import { wasmProgram } from '../fixtures/wasm-program.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..', '..')
const DEPLOY = join(ROOT, 'deploy')
const BASE = 'souk-test-base:1'
const BUILD_BASE = 'souk-test-build-base:1'
const IMAGE = 'souk-test:1'
/** A container is slow to come up on a machine that does other things as well. */
const UP_MS = 60_000

interface Diagnosis {
  readonly ok: boolean
  readonly runtimes: readonly {
    readonly runtime: string
    readonly available: boolean
    readonly why?: string
    readonly proven?: readonly { readonly limit: string }[]
  }[]
}
interface Status {
  readonly pid: number
  readonly address: string
  readonly multiaddrs: readonly string[]
}

/** Values by key; systemd takes a key more than once. */
async function readUnit(name: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const values = new Map<string, string[]>()
  for (const line of (await readFile(join(DEPLOY, 'systemd', name), 'utf8')).split('\n')) {
    if (line === '' || line.startsWith('#') || /^\[(Unit|Service|Install)\]$/.test(line)) continue
    const [, key = '', value = ''] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? assert.fail(`no assignment: ${line}`)
    values.set(key, [...(values.get(key) ?? []), value])
  }
  return values
}

describe('deploy/', function () {
  // A package is packed, installed, and installed again into the image: beside other things that takes minutes.
  this.timeout(600_000)
  let dir: string

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-deploy-'))
  })
  after(() => rm(dir, { recursive: true, force: true }))

  describe('the units of systemd', () => {
    const UNITS = ['souk.service', 'souk-launcher.service']

    it('mean to systemd what they say, where systemd-analyze is here to ask', async () => {
      const analyze = findProgram('systemd-analyze')
      const root = join(dir, 'systemd')
      const units = join(root, 'etc/systemd/system')
      for (const folder of [units, join(root, 'opt/souk/bin'), join(root, 'bin'), join(root, 'usr/lib/systemd')])
        await mkdir(folder, { recursive: true })
      for (const name of UNITS) await cp(join(DEPLOY, 'systemd', name), join(units, name))
      // What ExecStart= names has to be there.
      for (const program of ['opt/souk/bin/souk', 'bin/sh']) {
        await writeFile(join(root, program), '#!/bin/sh\n')
        await chmod(join(root, program), 0o755)
      }
      if (analyze === undefined) {
        for (const name of UNITS) assert.ok((await readUnit(name)).has('ExecStart'))
        return
      }
      await cp('/usr/lib/systemd/system', join(root, 'usr/lib/systemd/system'), {
        recursive: true,
        verbatimSymlinks: true,
      })
      const verify = [`--root=${root}`, '--man=no', '--recursive-errors=no', 'verify', ...UNITS]
      const { stdout, stderr } = await run(analyze, verify)
      assert.equal(stdout + stderr, '')
    })

    it('give the node no privilege, and the launcher no file system of its own', async () => {
      const node = await readUnit('souk.service')
      assert.deepEqual(node.get('User'), ['souk'])
      assert.deepEqual(node.get('CapabilityBoundingSet'), [''])
      assert.deepEqual(node.get('AmbientCapabilities'), [''])
      for (const key of ['NoNewPrivileges', 'RestrictNamespaces', 'PrivateDevices'])
        assert.deepEqual(node.get(key), ['yes'])
      const launcher = await readUnit('souk-launcher.service')
      // Any of these would make systemd give it mounts of its own: systemd.exec(5).
      const own = [...launcher.keys()].filter((key) =>
        /^(Protect|Private|ReadOnly|ReadWrite|Inaccessible|Bind|Root|Temporary)/.test(key),
      )
      assert.deepEqual(own, [])
      assert.ok(!launcher.has('User'))
    })

    it('meet each other and the configuration at the same places', async () => {
      const { config } = await loadConfig({ file: join(DEPLOY, 'souk.yaml'), env: {} })
      const node = await readUnit('souk.service')
      const launcher = await readUnit('souk-launcher.service')
      assert.match(node.get('ExecStart')?.[0] ?? '', /^\/opt\/souk\/bin\/souk up --config \/etc\/souk\/souk\.yaml$/)
      const socket = /--socket (\S+)/.exec(launcher.get('ExecStart')?.[0] ?? '')?.[1]
      assert.equal(config.sandbox.native.launcherSocket, socket)
      assert.equal(socket, `/run/${launcher.get('RuntimeDirectory')?.[0]}/socket`)
      assert.equal(dirname(config.node.dataDir), `/var/lib/${node.get('StateDirectory')?.[0]?.split(' ')[0]}`)
      assert.equal(config.sandbox.native.enabled, true)
      assert.ok(config.timeouts.drainMs < 1_000 * Number(node.get('TimeoutStopSec')?.[0]))
    })
  })

  describe('the compose files', () => {
    it('set what the configuration has, and it is valid', async () => {
      const variables = new Set(['SOUK_HOME', ...CONFIG_KEY_NAMES.map(variableOf)])
      for (const file of ['compose.yaml', 'compose.native.yaml']) {
        const { environment } = (await readCompose(join(DEPLOY, file))).services.souk
        for (const name of Object.keys(environment)) assert.ok(variables.has(name), `${file}: ${name}`)
        const { config } = await loadConfig({ env: environment })
        assert.equal(config.sandbox.native.enabled, file === 'compose.native.yaml')
      }
    })

    it('give WebAssembly nothing that it does not need', async () => {
      const { souk } = (await readCompose(join(DEPLOY, 'compose.yaml'))).services
      assert.deepEqual(souk.cap_drop, ['ALL'])
      assert.deepEqual(souk.cap_add, [])
      assert.deepEqual(souk.security_opt, ['no-new-privileges:true'])
      assert.equal(souk.read_only, true)
      assert.deepEqual(souk.volumes, ['souk:/var/lib/souk'])
      assert.equal(souk.user, undefined)
    })
  })

  describe('the image, built without a network from this machine’s own Node', () => {
    let engine: OwnDockerEngine
    let docker: Docker
    let service: ComposeService
    let native: ComposeService

    before(async () => {
      service = (await readCompose(join(DEPLOY, 'compose.yaml'))).services.souk
      native = merged(service, (await readCompose(join(DEPLOY, 'compose.native.yaml'))).services.souk)
      engine = await startOwnDockerEngine()
      docker = new Docker({ socketPath: engine.socketPath })
      const { tarball, cache } = await packedPackage()
      await mkdir(join(dir, 'base'))
      const images = await makeNodeBaseImages({ dir: join(dir, 'base'), cache })
      await importImage({ docker, tag: BASE, file: images.base })
      await importImage({ docker, tag: BUILD_BASE, file: images.buildBase })
      const dockerfile = join(DEPLOY, 'Dockerfile')
      await buildImage({ docker, tag: IMAGE, dockerfile, files: [tarball], buildargs: { BASE, BUILD_BASE } })
    })
    after(() => engine?.stop())

    const recipe = (of: ComposeService, command: readonly string[]): Docker.ContainerCreateOptions => ({
      Image: IMAGE,
      Cmd: [...command],
      Env: environmentOf(of),
      HostConfig: hostConfigOf(of),
      ...(of.user !== undefined && { User: of.user }),
    })

    it('finds WebAssembly whole with all privileges dropped, as another user than root', async () => {
      const { code, stdout, stderr } = await runContainer(docker, recipe(service, ['doctor', '--json']))
      assert.equal(code, 0, stderr)
      assert.equal((JSON.parse(stdout) as Diagnosis).ok, true)
      assert.equal(runtimeOf(stdout, 'wasm').available, true)
      const { Config } = await docker.getImage(IMAGE).inspect()
      assert.equal(Config.User, '10001:10001')
    })

    it('holds what runs, and nothing that it was made with', async () => {
      const wanted = ['-name', 'souk*.tgz', '-o', '-name', 'typescript', '-o', '-name', 'souk']
      const find = { ...recipe(service, ['/opt', '/tmp', ...wanted]), Entrypoint: ['find'] }
      const { code, stdout } = await runContainer(docker, find)
      assert.equal(code, 0)
      assert.deepEqual(stdout.trim().split('\n').sort(), [
        '/opt/souk',
        '/opt/souk/bin/souk',
        '/opt/souk/lib/node_modules/souk',
        '/opt/souk/lib/node_modules/souk/bin/souk',
      ])
    })

    it('serves tasks, is healthy, ends in peace, and is the same provider with the same volume', async () => {
      const volume = 'souk-test-state'
      const program = await wasmProgram('args')
      const start = async (): Promise<Docker.Container> => {
        const base = recipe(service, service.command)
        const Binds = [`${volume}:/var/lib/souk`, `${program}:/task.wasm:ro`]
        const container = await docker.createContainer({ ...base, HostConfig: { ...base.HostConfig, Binds } })
        await container.start()
        return container
      }
      const addresses: string[] = []
      for (const round of ['first', 'second']) {
        const container = await start()
        try {
          const { address, multiaddrs } = await statusOf(container)
          addresses.push(address)
          const [multiaddr = ''] = multiaddrs
          const command = ['souk', 'run', '--to', multiaddr, '--wasm', '/task.wasm', '--', 'hello', round]
          const task = await execIn(docker, container, { command, env: ['SOUK_HOME=/tmp/requester'] })
          assert.deepEqual([task.code, task.stdout], [0, `[hello]\n[${round}]\n`], task.stderr)
          const { Config } = await container.inspect()
          const [, ...check] = (Config.Healthcheck?.Test ?? []) as readonly string[]
          assert.equal((await execIn(docker, container, { command: check })).code, 0)
          await container.stop({ t: 40 })
          assert.equal((await container.inspect()).State.ExitCode, 0)
        } finally {
          await container.remove({ force: true })
        }
      }
      assert.equal(addresses[0], addresses[1])
      await docker.getVolume(volume).remove()
    })

    it('makes native sandboxes inside with what compose.native.yaml gives, and hits every limit of theirs', async () => {
      const { code, stdout, stderr } = await runContainer(docker, withGroups(recipe(native, ['doctor', '--json'])))
      assert.equal(code, 0, stderr)
      const found = runtimeOf(stdout, 'native')
      assert.equal(found.available, true, found.why)
      const proven = found.proven?.map(({ limit }) => limit) ?? []
      for (const limit of ['wallTimeMs', 'cpuTimeMs', 'memoryBytes', 'pids', 'diskBytes', 'openFiles'])
        assert.ok(proven.includes(limit), limit)
    })

    it('is an ordinary user beside a launcher of root with compose.native.yaml, and serves native tasks', async () => {
      const volume = 'souk-test-native'
      const program = await buildProgram({ file: join(PROGRAMS_DIR, 'args.c'), runtime: 'native' })
      const base = withGroups(recipe(native, native.command))
      const Binds = [...(base.HostConfig?.Binds ?? []), `${volume}:/var/lib/souk`, `${program.source}:/task:ro`]
      const container = await docker.createContainer({ ...base, HostConfig: { ...base.HostConfig, Binds } })
      try {
        await container.start()
        const { multiaddrs, pid } = await statusOf(container)
        const { stdout: status } = await execIn(docker, container, { command: ['cat', `/proc/${pid}/status`] })
        assert.match(status, /^Uid:\t10001\t10001\t10001\t10001$/m)
        for (const set of ['CapPrm', 'CapEff', 'CapAmb']) assert.match(status, new RegExp(`^${set}:\t0{16}$`, 'm'))
        const command = ['souk', 'run', '--to', multiaddrs[0] ?? '', '--native', '/task', '--', 'hello']
        const task = await execIn(docker, container, { command, env: ['SOUK_HOME=/tmp/requester'] })
        assert.deepEqual([task.code, task.stdout], [0, '[hello]\n'], task.stderr)
        await container.stop({ t: 40 })
        assert.equal((await container.inspect()).State.ExitCode, 0)
      } finally {
        await container.remove({ force: true })
        await docker.getVolume(volume).remove()
      }
    })

    it('serves native tasks from a node without privileges beside the launcher, which serves nobody else', async () => {
      const unit = await readUnit('souk-launcher.service')
      const bounded = (unit.get('CapabilityBoundingSet')?.[0] ?? '').split(' ').map((name) => name.replace('CAP_', ''))
      assert.deepEqual(bounded.sort(), native.cap_add.toSorted())
      const [, program = '', socket = ''] = /exec (\S+) --socket (\S+)/.exec(unit.get('ExecStart')?.[0] ?? '') ?? []
      // A launcher clears up what is left under its name: not that of an installation on this machine.
      const instance = `test-${randomBytes(6).toString('hex')}`
      const base = withGroups(recipe(native, ['--socket', socket, '--instance', instance, '--peer-uid', '10001']))
      const Tmpfs = { ...base.HostConfig?.Tmpfs, [dirname(socket)]: `mode=${unit.get('RuntimeDirectoryMode')?.[0]}` }
      const container = await docker.createContainer({
        ...base,
        Entrypoint: [program],
        HostConfig: { ...base.HostConfig, Tmpfs },
      })
      try {
        await container.start()
        const doctor = async (user: string, home: string) => {
          const env = [
            'SOUK_SANDBOX_NATIVE_ENABLED=true',
            `SOUK_SANDBOX_NATIVE_LAUNCHER_SOCKET=${socket}`,
            ...[`HOME=${home}`, `SOUK_HOME=${home}`, `SOUK_NODE_DATA_DIR=${home}/node`],
          ]
          const { stdout } = await execIn(docker, container, { command: ['souk', 'doctor', '--json'], env, user })
          return runtimeOf(stdout, 'native')
        }
        const served = await doctor('10001:10001', '/var/lib/souk')
        assert.equal(served.available, true, served.why)
        const stranger = await doctor('10002:10002', '/tmp/stranger')
        assert.equal(stranger.available, false)
        assert.match(stranger.why ?? '', /launcher/)
        await container.stop({ t: 20 })
        assert.equal((await container.inspect()).State.ExitCode, 0)
        assert.deepEqual(await leftoversOf(instance), [])
      } finally {
        await container.remove({ force: true })
      }
    })

    /** The control groups of the host, as compose.native.yaml mounts them. */
    function withGroups(of: Docker.ContainerCreateOptions): Docker.ContainerCreateOptions {
      const groups = native.volumes.filter((volume) => volume.startsWith('/sys/fs/cgroup:'))
      // The types do not know CgroupnsMode, which the engine's API has.
      const hostConfig = { ...of.HostConfig, Binds: groups, CgroupnsMode: 'host' }
      return { ...of, HostConfig: hostConfig }
    }

    function runtimeOf(stdout: string, name: string): Diagnosis['runtimes'][number] {
      const { runtimes } = JSON.parse(stdout) as Diagnosis
      return runtimes.find(({ runtime }) => runtime === name) ?? assert.fail(`no word of ${name}`)
    }

    /** Of the node in a container, once it answers. */
    async function statusOf(container: Docker.Container): Promise<Status> {
      const deadline = Date.now() + UP_MS
      for (;;) {
        const { code, stdout, stderr } = await execIn(docker, container, {
          command: ['souk', 'node', 'status', '--json'],
        })
        if (code === 0) return JSON.parse(stdout) as Status
        const { State } = await container.inspect()
        if (!State.Running || Date.now() > deadline) {
          const logs = await container.logs({ stdout: true, stderr: true })
          assert.fail(`the node does not answer: ${stderr}\n${logs.toString('utf8')}`)
        }
        await sleep(200)
      }
    }
  })
})
