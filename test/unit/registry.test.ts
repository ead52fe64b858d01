import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseChallenge, type Challenge } from '../../src/artifacts/registry/challenge.ts'
import { readRegistryLogin, type RegistryLogin } from '../../src/artifacts/registry/read-login.ts'
import { isLoopbackHost, registryUrl, urlFromRegistry } from '../../src/artifacts/registry/registry-url.ts'
import { SoukError } from '../../src/protocol/errors.ts'

describe('what a registry asks for', () => {
  const HUB = { scheme: 'bearer', realm: 'https://auth.docker.io/token', service: 'registry.docker.io' } as const
  const understood: readonly [string, Challenge][] = [
    ['Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull"', HUB],
    ['bearer REALM="https://auth.docker.io/token" , service=registry.docker.io', HUB],
    ['Basic realm="Registry Realm"', { scheme: 'basic' }],
    ['basic', { scheme: 'basic' }],
    ['Basic realm="a, Bearer realm=b", charset="UTF-8"', { scheme: 'basic' }],
    ['Negotiate abc==, Basic realm="x"', { scheme: 'basic' }],
    ['Basic realm="x", Bearer realm="https://r.example/t"', { scheme: 'bearer', realm: 'https://r.example/t' }],
    [
      String.raw`Bearer realm="https://r.example/\"q\\"`,
      { scheme: 'bearer', realm: String.raw`https://r.example/"q\ `.trim() },
    ],
    ['Bearer service="x", Basic realm="y"', { scheme: 'basic' }],
  ]
  for (const [header, expected] of understood)
    it(`is understood: ${header.slice(0, 60)}`, () => assert.deepEqual(parseChallenge(header), expected))

  const not: readonly string[] = [
    '',
    'Negotiate',
    'Bearer',
    'Bearer realm="https://r.example',
    'Bearer realm="a", realm="b"',
    'realm="https://r.example/t"',
    'Bearer realm="a"; service="b"',
    `Bearer realm="${'a'.repeat(5000)}"`,
    `Bearer realm="a"${',x=y'.repeat(2)}`.repeat(40),
  ]
  for (const header of not) it(`is not: ${header.slice(0, 50)}`, () => assert.equal(parseChallenge(header), undefined))

  it('is read in no time, whatever it is', () => {
    const before = performance.now()
    for (const header of [' '.repeat(4000), ','.repeat(4000), `Bearer a="${'\\'.repeat(4000)}`, 'a '.repeat(2000)])
      assert.equal(parseChallenge(header.slice(0, 4096)), undefined)
    assert.ok(performance.now() - before < 2_000)
  })
})

describe('where a registry sends us', () => {
  const secure = registryUrl({ host: 'registry.example', insecure: false })
  const plain = registryUrl({ host: 'registry.example:5000', insecure: true })
  const here = registryUrl({ host: '127.0.0.1:5000', insecure: true })
  const inside = registryUrl({ host: '10.1.2.3:5000', insecure: true })
  const go = (registry: URL, target: string): string =>
    urlFromRegistry({ what: 'a blob', target, base: new URL('/v2/x/blobs/y', registry), registry }).href

  it('is followed where it is safe', () => {
    assert.equal(go(secure, '/elsewhere?a=b'), 'https://registry.example/elsewhere?a=b')
    assert.equal(go(secure, 'https://cdn.example/blob'), 'https://cdn.example/blob')
    assert.equal(go(plain, 'https://cdn.example/blob'), 'https://cdn.example/blob')
    assert.equal(go(plain, 'http://registry.example:81/blob'), 'http://registry.example:81/blob')
    assert.equal(go(here, 'http://localhost:81/blob'), 'http://localhost:81/blob')
    assert.equal(go(here, 'https://127.0.0.1/blob'), 'https://127.0.0.1/blob')
    assert.equal(go(inside, 'https://10.9.9.9/blob'), 'https://10.9.9.9/blob')
  })

  const unsafe: readonly [URL, string][] = [
    [secure, 'http://registry.example/blob'],
    [secure, 'file:///etc/passwd'],
    [secure, 'data:text/plain,hello'],
    [secure, 'https://user:password@cdn.example/blob'],
    [secure, 'https://['],
    [secure, `https://cdn.example/${'a'.repeat(9000)}`],
    [plain, 'http://cdn.example/blob'],
    [plain, 'http://169.254.169.254/latest/meta-data'],
    [here, 'http://169.254.169.254/latest/meta-data'],
    [here, 'http://10.0.0.1/'],
    ...[
      '127.0.0.1',
      'localhost',
      'a.localhost',
      '2130706433',
      '0x7f.1',
      '0.0.0.0',
      '10.0.0.1',
      '172.31.0.1',
      '100.64.0.1',
    ].map((host): [URL, string] => [secure, `https://${host}/`]),
    ...[
      '192.168.0.1',
      '169.254.169.254',
      '255.255.255.255',
      '[::1]',
      '[::]',
      '[::ffff:10.0.0.1]',
      '[fd00::1]',
      '[fe80::1]',
    ].map((host): [URL, string] => [secure, `https://${host}/`]),
  ]
  for (const [registry, target] of unsafe)
    it(`is not followed from ${registry.protocol} to ${target.slice(0, 50)}`, () =>
      assert.throws(() => go(registry, target), /the registry names an address for a blob/))

  it('has its own address for Docker Hub', () => {
    assert.equal(registryUrl({ host: 'docker.io', insecure: false }).href, 'https://registry-1.docker.io/v2/')
    assert.equal(registryUrl({ host: 'localhost:5000', insecure: true }).href, 'http://localhost:5000/v2/')
    assert.throws(() => registryUrl({ host: 'x:99999', insecure: false }), /no address of a registry/)
  })

  it('is this machine, or not', () => {
    for (const host of ['localhost', 'localhost:5000', '127.0.0.1:80', '127.1:5000', 'x.localhost'])
      assert.equal(isLoopbackHost(host), true, host)
    for (const host of ['docker.io', '127.0.0.1.example', '10.0.0.1:5000', 'localhost.example', 'x:99999'])
      assert.equal(isLoopbackHost(host), false, host)
  })
})

describe('a file with logins for registries', () => {
  let dir: string
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-logins-'))
  })
  after(() => rm(dir, { recursive: true, force: true }))

  const read = async (content: unknown, host = 'registry.example:5000'): Promise<RegistryLogin> => {
    const file = join(dir, 'config.json')
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
    return readRegistryLogin({ file, host })
  }
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const credentials = { username: 'me', password: 'my:pässword' }
  const auth = base64('me:my:pässword')

  it('has one login, or is docker’s', async () => {
    assert.deepEqual(await read(credentials), { credentials })
    assert.deepEqual(await read({ auths: { 'registry.example:5000': { auth } } }), { credentials })
    assert.deepEqual(await read({ auths: { 'https://registry.example:5000/v2/': { auth } } }), { credentials })
    assert.deepEqual(await read({ auths: { 'registry.example:5000': credentials } }), { credentials })
    const hub = { auths: { 'https://index.docker.io/v1/': { auth } }, HttpHeaders: { 'User-Agent': 'x' } }
    assert.deepEqual(await read(hub, 'docker.io'), { credentials })
  })

  it('says why there is none', async () => {
    const why = async (content: unknown): Promise<string> => {
      const login = await read(content)
      return 'withoutLogin' in login ? login.withoutLogin : assert.fail('there is one')
    }
    assert.match(await why({}), /has no login for registry\.example:5000; `docker login/)
    assert.match(await why({ auths: { 'registry.example': { auth } } }), /has no login for/)
    assert.match(await why({ auths: { 'registry.example:5000': {} }, credsStore: 'desktop' }), /credential helper/)
    assert.match(await why({ credHelpers: { 'registry.example:5000': 'ecr-login' } }), /credential helper/)
    assert.match(await why({ auths: { 'registry.example:5000': { identitytoken: 'x' } } }), /identity token/)
  })

  const wrong: readonly [string, unknown][] = [
    ['no JSON', '{"username": "me", "password": hunter2'],
    ['a list', []],
    ['an empty password', { username: 'me', password: '' }],
    ['a name with a colon', { username: 'm:e', password: 'hunter2' }],
    ['a line break', { username: 'me', password: 'hunter2\r\nX-Other: header' }],
    ['an auth without a colon', { auths: { 'registry.example:5000': { auth: base64('hunter2') } } }],
    ['auths that are none', { auths: 'hunter2' }],
    ['too much', `{"x": "${'a'.repeat(1024 * 1024)}"}`],
  ]
  for (const [what, content] of wrong)
    it(`is refused with ${what}, and nothing of it is told`, async () => {
      const error = await read(content).then(
        () => assert.fail('it was taken'),
        (thrown: unknown) => thrown,
      )
      assert.ok(error instanceof SoukError && error.code === 'CONFIG_INVALID', String(error))
      assert.doesNotMatch(`${JSON.stringify(error)} ${error.stack} ${String(error.cause)}`, /hunter2|X-Other|aHVudGVy/)
    })

  it('has to be there', () =>
    assert.rejects(readRegistryLogin({ file: join(dir, 'none'), host: 'x' }), /cannot be read: there is no such file/))
})
