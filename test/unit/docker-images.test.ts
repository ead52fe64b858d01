import assert from 'node:assert/strict'
import { parseImageReference } from '../../src/artifacts/image-reference.ts'
import type { ImageFacts } from '../../src/executors/docker/engine.ts'
import { resolveImage } from '../../src/executors/docker/image-policy.ts'
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
  const asked: string[] = []
  const resolve = (
    image: string,
    allowed: readonly string[],
    found: ImageFacts | undefined = facts(),
  ): Promise<ImageFacts> =>
    resolveImage({
      image,
      allowed,
      engine: {
        image: async (reference) => {
          asked.push(reference)
          return found
        },
      },
    })
  const refused = async (attempt: Promise<ImageFacts>, pattern: RegExp): Promise<void> =>
    assert.rejects(attempt, (error) => isSoukError(error, 'IMAGE_REFUSED') && pattern.test(error.message))
  const pinned = `python@${digest('b')}`

  beforeEach(() => asked.splice(0))

  for (const [how, image, allowed] of [
    ['an image id', digest('a'), digest('a')],
    ['the digest of a manifest', pinned, digest('b')],
    ['a repository', pinned, 'python'],
    ['a repository by its whole name', pinned, 'docker.io/library/python'],
    ['a repository with a digest', pinned, `docker.io/library/python@${digest('b')}`],
  ] as const) {
    it(`allows by ${how}`, async () => {
      assert.equal((await resolve(image, [digest('f'), allowed])).id, digest('a'))
      assert.deepEqual(asked, [image])
    })
  }

  it('allows nothing where nothing is allowed, and does not ask the engine', async () => {
    for (const allowed of [
      [],
      ['python:3'],
      ['other'],
      [digest('c')],
      [`python@${digest('c')}`],
      ['evil/python'],
      [''],
    ]) {
      await refused(resolve(pinned, allowed), /does not allow/)
      await refused(resolve(digest('a'), allowed), /does not allow/)
    }
    assert.deepEqual(asked, [])
  })

  it('refuses tags, whatever is allowed', async () => {
    await refused(resolve('python', ['python']), /named by a tag/)
    await refused(resolve('python:3', ['python', 'python:3']), /named by a tag/)
  })

  it('refuses what the engine does not have, or has as something else', async () => {
    await refused(
      resolveImage({ image: pinned, allowed: ['python'], engine: { image: () => Promise.resolve(undefined) } }),
      /does not have it/,
    )
    await refused(resolve(pinned, ['python'], facts({ repoDigests: [`other@${digest('b')}`] })), /another image/)
    await refused(resolve(digest('c'), [digest('c')]), /another image/)
  })

  it('refuses images for other machines', async () => {
    await refused(resolve(pinned, ['python'], facts({ architecture: 's390x' })), /linux on s390x/)
    await refused(resolve(pinned, ['python'], facts({ os: 'windows' })), /windows/)
  })
})
