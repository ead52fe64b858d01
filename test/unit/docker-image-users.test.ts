import assert from 'node:assert/strict'
import { misleadingName } from '../../src/executors/docker/image-folders.ts'

describe('the users and groups of an image', () => {
  for (const text of [
    '',
    'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:\n',
    '65534:x:65534:\n',
    'a1:x:0:\n1a:x:0:',
    '# 7\n',
  ])
    it(`are taken as they are: ${JSON.stringify(text)}`, () => assert.equal(misleadingName(text), undefined))

  for (const [text, name] of [
    ['65534:x:0:', '65534'],
    ['root:x:0:\n\n 65534 :x:0:\n', '65534'],
    ['65534', '65534'],
    ['0:x:65534:', '0'],
    ['+65534:x:0:', '+65534'],
    ['065534:x:65534:', '065534'],
  ] as const)
    it(`are not where a name is another’s number: ${JSON.stringify(text)}`, () =>
      assert.equal(misleadingName(text), name))
})
