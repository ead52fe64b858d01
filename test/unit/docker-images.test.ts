import assert from 'node:assert/strict'
import { parseImageReference } from '../../src/artifacts/image-reference.ts'
import type { ImageFacts } from '../../src/executors/docker/engine.ts'
import { allowedReference, checkFacts } from '../../src/executors/docker/images/policy.ts'
import { wantedOf } from '../../src/executors/docker/images/wanted-image.ts'
import { isSoukError } from '../../src/protocol/errors.ts'

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`
const facts = (more: Partial<ImageFacts> = {}): ImageFacts => ({
  id: digest('a'),
  repoDigests: [`python@${digest('b')}`],
  os: 'linux',
  architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
  entrypoint: [],
  command: [],
  env: [],
  workdir: '',
  volumes: [],
  ...more,
})

describe('references to images', () => {
  for (const [text, expected] of Object.entries({
    [digest('a')]: { kind: 'id', digest: digest('a') },
    python: { kind: 'tag', repository: 'docker.io/library/python', tag: 'latest' },
    'python:3.12-slim': { kind: 'tag', repository: 'docker.io/library/python', tag: '3.12-slim' },
    'docker.io/python': { kind: 'tag', repository: 'docker.io/library/python', tag: 'latest' },
    'index.docker.io/someone/tool:1': { kind: 'tag', repository: 'docker.io/someone/tool', tag: '1' },
    'someone/tool': { kind: 'tag', repository: 'docker.io/someone/tool', tag: 'latest' },
    'localhost:5000/tool': { kind: 'tag', repository: 'localhost:5000/tool', tag: 'latest' },
    'ghcr.example/a/b:1': { kind: 'tag', repository: 'ghcr.example/a/b', tag: '1' },
    [`python@${digest('b')}`]: { kind: 'digest', repository: 'docker.io/library/python', digest: digest('b') },
    [`python:3@${digest('b')}`]: { kind: 'digest', repository: 'docker.io/library/python', digest: digest('b') },
  })) {
    it(`are taken apart: ${text.slice(0, 30)}`, () => assert.deepEqual(parseImageReference(text), expected))
  }

  for (const text of [
    '',
    'A',
    'a b',
    '../x',
    './x',
    'a..b/c',
    'a/../b',
    'a//b',
    'a/',
    '.../x',
    'python@sha256:ab',
    `python@sha512:${'b'.repeat(64)}`,
    'a:',
    'a@',
    '-x',
    `${digest('a')}0`,
  ]) {
    it(`are not: ${JSON.stringify(text.slice(0, 30))}`, () => assert.equal(parseImageReference(text), undefined))
  }
})

describe('the policy for images', () => {
  const pinned = `python@${digest('b')}`
  const refused = (attempt: () => unknown, pattern: RegExp): void =>
    assert.throws(attempt, (error) => isSoukError(error, 'IMAGE_REFUSED') && pattern.test(error.message))

  for (const [how, image, allowed] of [
    ['an image id', digest('a'), digest('a')],
    ['the digest of a manifest', pinned, digest('b')],
    ['a repository', pinned, 'python'],
    ['a repository by its whole name', pinned, 'docker.io/library/python'],
    ['a repository with a digest', pinned, `docker.io/library/python@${digest('b')}`],
    ['all that a registry has', `registry.example:5000/a/b@${digest('b')}`, 'registry.example:5000/*'],
    ['all below a name', `registry.example/team/a/b@${digest('b')}`, 'registry.example/team/*'],
    ['all that Docker Hub has', `someone/tool@${digest('b')}`, 'docker.io/*'],
    ['all of somebody at Docker Hub', `someone/tool@${digest('b')}`, 'someone/*'],
    ["Docker Hub's own", pinned, 'library/*'],
  ] as const) {
    it(`allows by ${how}`, () => assert.equal(allowedReference(image, [digest('f'), allowed]).kind !== undefined, true))
  }

  it('allows nothing where nothing is allowed', () => {
    for (const allowed of [
      [],
      ['python:3'],
      ['other'],
      [digest('c')],
      [`python@${digest('c')}`],
      ['evil/python'],
      [''],
      ['*'],
      ['/*'],
      ['pyth/*'],
      ['python/*'],
      ['evil.example/*'],
      ['docker.io/library/pyt/*'],
    ]) {
      refused(() => allowedReference(pinned, allowed), /does not allow/)
      refused(() => allowedReference(digest('a'), allowed), /does not allow/)
    }
    refused(() => allowedReference(`registry.example/teams/a@${digest('b')}`, ['registry.example/team/*']), /does not/)
    refused(() => allowedReference(`registry.example.evil/a@${digest('b')}`, ['registry.example/*']), /does not/)
  })

  it('allows no image by its id because of a name', () =>
    refused(() => allowedReference(digest('a'), ['docker.io/*', 'python']), /does not allow/))

  it('refuses tags, whatever is allowed', () => {
    refused(() => allowedReference('python', ['python']), /named by a tag/)
    refused(() => allowedReference('python:3', ['python', 'python:3', 'docker.io/*']), /named by a tag/)
  })

  it('refuses images for other machines, and those that no program can be started with', () => {
    const check = (more: Partial<ImageFacts>, pattern: RegExp): void =>
      refused(() => checkFacts(pinned, facts(more)), pattern)
    assert.doesNotThrow(() => checkFacts(pinned, facts()))
    check({ architecture: 's390x' }, /linux on s390x/)
    check({ os: 'windows' }, /windows/)
    check({ env: [`A=${'x'.repeat(131_072)}`] }, /argument or variable/)
    check({ env: Array.from({ length: 5 }, (_none, at) => `A${at}=${'x'.repeat(131_000)}`) }, /together/)
    check({ entrypoint: ['a\0b'] }, /NUL/)
    check({ workdir: 'relative' }, /no absolute path/)
  })
})

describe('an image that a task wants', () => {
  const archive = { source: '/blob', sha256: 'e'.repeat(64), bytes: 1 }
  const policy = { allowed: ['python'], archives: true }

  it('is kept apart from others by where it comes from', () => {
    const pulled = wantedOf({ image: `python@${digest('b')}` }, policy)
    const brought = wantedOf({ image: digest('b'), archive }, policy)
    assert.equal(pulled.ownKey, `manifest-${'b'.repeat(64)}`)
    assert.equal(brought.ownKey, `archive-${'b'.repeat(64)}`)
    assert.notEqual(brought.key, wantedOf({ image: digest('b'), archive: { ...archive, sha256: 'f' } }, policy).key)
  })

  it('may come as an archive where the operator says so, and is named by a digest then', () => {
    const want = (image: string, archives: boolean) => () =>
      wantedOf({ image, archive }, { allowed: ['python'], archives })
    assert.throws(want(digest('b'), false), (error) => {
      assert.ok(isSoukError(error, 'IMAGE_REFUSED'))
      assert.match(error.message, /takes no images that tasks bring/)
      assert.match(error.hint, /sandbox\.docker\.archives/)
      return true
    })
    assert.throws(want('python', true), (error) => isSoukError(error, 'IMAGE_REFUSED'))
  })
})
