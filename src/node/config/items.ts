import { isIPv4, isIPv6 } from 'node:net'
import { isAbsolute, resolve } from 'node:path'
import type { OfferedRegistry } from '../../executors/docker/images/registries.ts'
import type { OfferedImage } from '../../native/images.ts'
import { addressOfPeerId } from '../../identity/peer-id.ts'
import { excerpt } from '../../protocol/issues.ts'
import type { Item } from './kinds.ts'

const MULTIADDR = /^\/(ip4|ip6|dns|dns4|dns6)\/([^/]{1,253})\/tcp\/(\d{1,5})$/

/** A TCP multiaddr, without the peer id, which is not the operator's to choose. */
export const tcpMultiaddr: Item = {
  accepts: 'multiaddrs such as `/ip4/127.0.0.1/tcp/4150`',
  parse(item) {
    const [, family = '', host = '', port = ''] = MULTIADDR.exec(item) ?? []
    const known =
      (family === 'ip4' && isIPv4(host)) ||
      (family === 'ip6' && isIPv6(host)) ||
      (family.startsWith('dns') && /^[A-Za-z0-9.-]+$/.test(host))
    if (!known || Number(port) > 65_535)
      throw new Error(`must be a multiaddr such as /ip4/127.0.0.1/tcp/4150, not ${excerpt(item)}`)
    return item
  },
}

/** The address of a peer, whose key is thereby known. */
export const peerMultiaddr: Item = {
  accepts: 'multiaddrs with a peer id, such as `/ip4/192.0.2.1/tcp/4150/p2p/16Uiu2HA…`',
  parse(item) {
    const [, address = '', peerId = ''] = /^(.*)\/p2p\/([^/]*)$/.exec(item) ?? []
    if (addressOfPeerId(peerId) === undefined)
      throw new Error(
        `must end in /p2p/ and the peer id of a secp256k1 key, as souk up prints addresses, not ${excerpt(item)}`,
      )
    return `${tcpMultiaddr.parse(address)}/p2p/${peerId}`
  },
}

export const ethereumAddress: Item = {
  accepts: 'Ethereum addresses (`0x` and 40 hex digits)',
  parse(item) {
    if (!/^0x[0-9a-fA-F]{40}$/.test(item))
      throw new Error(`must be an Ethereum address, 0x and 40 hex digits, not ${excerpt(item)}`)
    return item.toLowerCase()
  },
}

/** A root file system that the operator offers to native tasks. */
export interface OfferedRoot {
  readonly name: string
  /** What the operator declares it to be: a task names it with this, and is refused where it says another. */
  readonly sha256: string
  /** An absolute folder of this host; absent for {@link HOST_USR} alone. */
  readonly path?: string
}

const ROOTFS = /^([a-z0-9][a-z0-9._-]{0,62})@sha256:([0-9a-f]{64})(?:=(.+))?$/
/** The one root that is no folder of its own: this host's /usr, read-only, with the links to it that the host has. */
export const HOST_USR = 'host-usr'

/** What an item of {@link rootfs} says. */
export function parseRootfs(item: string): OfferedRoot {
  const [, name = '', sha256 = '', path] = ROOTFS.exec(item) ?? []
  return { name, sha256, ...(path !== undefined && { path }) }
}

export const rootfs: Item = {
  accepts: '`NAME@sha256:DIGEST=/FOLDER`, and `host-usr@sha256:DIGEST` for the /usr of this host',
  parse(item) {
    const { name, path } = parseRootfs(item)
    if (name === '')
      throw new Error(
        `must be NAME@sha256:DIGEST=/FOLDER, with a name of lower-case letters, digits, ".", "_", "-" and 64 lower-case hex digits, not ${excerpt(item)}`,
      )
    if (name === HOST_USR && path !== undefined)
      throw new Error(`must have no folder: ${HOST_USR} is the /usr of this host; not ${excerpt(item)}`)
    if (name !== HOST_USR && (path === undefined || !isAbsolute(path) || path.includes('\0')))
      throw new Error(
        `must have an absolute folder after its digest, as in ${name}@sha256:…=/srv/roots/${name}, not ${excerpt(item)}`,
      )
    return item
  },
}

/** A folder of this host that the operator lets native tasks read. */
export interface OfferedMount {
  readonly name: string
  readonly path: string
}

const MOUNT = /^([a-z0-9][a-z0-9._-]{0,62})=(\/.*)$/

/** What an item of {@link mount} says. */
export function parseMount(item: string): OfferedMount {
  const [, name = '', path = ''] = MOUNT.exec(item) ?? []
  return { name, path }
}

export const mount: Item = {
  accepts: '`NAME=/FOLDER`',
  parse(item) {
    const { name, path } = parseMount(item)
    if (name === '' || path.includes('\0'))
      throw new Error(
        `must be NAME=/FOLDER, with a name of lower-case letters, digits, ".", "_", "-" and an absolute folder, not ${excerpt(item)}`,
      )
    if (resolve(path) === '/') throw new Error(`must not be the whole of this host: ${excerpt(item)}`)
    return item
  },
}

const NATIVE_IMAGE = /^([a-z0-9][a-z0-9._:/-]{0,254})@(sha256:[0-9a-f]{64})=(.+)$/

/** What an item of {@link nativeImage} says. */
export function parseNativeImage(item: string): OfferedImage {
  const [, name = '', digest = '', path = ''] = NATIVE_IMAGE.exec(item) ?? []
  return { name, digest, path }
}

export const nativeImage: Item = {
  accepts: '`NAME@sha256:DIGEST=/PATH`',
  parse(item) {
    const { name, path } = parseNativeImage(item)
    if (name === '' || !isAbsolute(path) || path.includes('\0'))
      throw new Error(
        `must be NAME@sha256:DIGEST=/PATH, with the digest of a manifest and the absolute path of an image layout or an archive, not ${excerpt(item)}`,
      )
    return item
  },
}

/** What `nvidia-smi -L` prints: an index (of a slice, `0:1`), or a UUID. No word, for `all` would be every GPU. */
const GPU = /^(?:\d{1,3}(?::\d{1,3})?|(?:GPU|MIG)-[0-9A-Za-z/-]{1,100})$/

export const gpu: Item = {
  accepts: 'GPUs by their index (`0`) or UUID (`GPU-…`, `MIG-…`)',
  parse(item) {
    if (!GPU.test(item))
      throw new Error(`must be the index of a GPU, such as 0, or its UUID, GPU-… or MIG-…, not ${excerpt(item)}`)
    return item
  },
}

const RUNTIME_CLASS = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

export const runtimeClass: Item = {
  accepts: "names of the engine's runtimes, such as `runc` and `runsc`",
  parse(item) {
    if (!RUNTIME_CLASS.test(item))
      throw new Error(`must be the name of a runtime of the engine, such as runc, not ${excerpt(item)}`)
    return item
  },
}

const IMAGE_ID = /^sha256:[0-9a-f]{64}$/
const REPOSITORY = /^[a-z0-9][a-z0-9._:/-]{0,254}$/

/** What an operator allows: one image, by the engine's id or pinned, or every pinned image of a repository, or of all below. */
export const image: Item = {
  accepts:
    'image ids (`sha256:DIGEST`), pinned images (`NAME@sha256:DIGEST`), repositories (`NAME`, for each pinned image of it) and all repositories below a name (`registry.example/team/*`)',
  parse(item) {
    const at = item.indexOf('@')
    const [name, digest] = at === -1 ? [item, undefined] : [item.slice(0, at), item.slice(at + 1)]
    const below = item.endsWith('/*') && isPrefix(item.slice(0, -2))
    const known =
      digest === undefined
        ? below || IMAGE_ID.test(item) || isRepository(name)
        : isRepository(name) && IMAGE_ID.test(digest)
    if (!known)
      throw new Error(
        `must be an image id sha256:…, a pinned image name@sha256:… (64 hex digits), the name of a repository without a tag, or one with /* behind it for all below, not ${excerpt(item)}`,
      )
    return item
  },
}

/** A colon may only be that of a registry's port: behind the last slash it would be a tag. */
function isRepository(name: string): boolean {
  return REPOSITORY.test(name) && !name.slice(name.lastIndexOf('/') + 1).includes(':')
}

/** A registry with an optional port, with or without a part of the names there. */
function isPrefix(name: string): boolean {
  return REPOSITORY.test(`${name}/x`) && isRepository(name.replace(/^[^/]*:\d+$/, 'registry'))
}

const REGISTRY = /^(http:\/\/)?([A-Za-z0-9][A-Za-z0-9.-]{0,252}(?::\d{1,5})?)(?:=(.+))?$/

/** What an item of {@link registry} says. */
export function parseRegistry(item: string): OfferedRegistry {
  const [, plain, host = '', credentialsFile] = REGISTRY.exec(item) ?? []
  return { host, insecure: plain !== undefined, ...(credentialsFile !== undefined && { credentialsFile }) }
}

export const registry: Item = {
  accepts: '`HOST`, `HOST:PORT` or either with `=/FILE`, the file with its login; `http://` before the host',
  parse(item) {
    const { host, credentialsFile } = parseRegistry(item)
    if (host === '')
      throw new Error(
        `must be the host of a registry as images are named by it, as in docker.io or registry.example:5000=/etc/souk/login.json, not ${excerpt(item)}`,
      )
    if (credentialsFile !== undefined && (!isAbsolute(credentialsFile) || credentialsFile.includes('\0')))
      throw new Error(`must have the absolute path of the file with the login after =, not ${excerpt(item)}`)
    return item
  },
}
