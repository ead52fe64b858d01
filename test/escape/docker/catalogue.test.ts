import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { textsOf } from '../../fixtures/test-titles.ts'
import { attacksOn } from '../attacks.ts'
import { ATTACKS_ON_CONTAINERS } from './attacks.ts'
import { HOSTILE_IMAGES } from './hostile-images.ts'

const ROOT = new URL('../../../', import.meta.url)
const PROGRAMS = new URL('./programs/', import.meta.url)
/** Distinct attacks that containers have to survive at the least, besides those by images. */
const LEAST_ATTACKS = 80
const LEAST_IMAGES = 45

/** What is attacked in containers alone, and by what, by its title. */
const CLASSES: Readonly<Record<string, readonly (readonly [file: string, title: string])[]>> = {
  'a volume that an image declares': [
    [
      'test/integration/docker-executor.test.ts',
      'have their volumes capped like everything else, and no part in the result',
    ],
    [
      'test/escape/docker/images.test.ts',
      'one whose volume has something in it: nothing of that is copied, not even to look',
    ],
    [
      'test/integration/docker-hardening.test.ts',
      'are found to be lower by a volume of the image that nothing lies over',
    ],
  ],
  'a tag that has moved, a digest of something else': [
    ['test/escape/docker/images.test.ts', 'one whose tag has come to mean another: what runs is what was named'],
  ],
  'another architecture': [['test/escape/docker/images.test.ts', 'one for another processor']],
  'an engine that dies in mid-task': [
    [
      'test/integration/docker-executor.test.ts',
      'that dies with a task in it costs nothing, is seen, and is used again when it is back',
    ],
  ],
  'a log that fills the disk': [
    ['test/escape/docker/images.test.ts', 'a flood of output: not a byte of it is logged on the host’s disk'],
  ],
  'an engine that does not do as it is told': [
    [
      'test/integration/docker-hardening.test.ts',
      'are held against what was asked for: a container of an engine that did something else is not started',
    ],
  ],
}

describe('escape: the catalogue of attacks on containers', () => {
  const attacks = [...attacksOn('docker'), ...ATTACKS_ON_CONTAINERS]

  for (const [what, tests] of Object.entries(CLASSES)) {
    it(`has a test that stands for ${what}`, async () => {
      for (const [file, title] of tests)
        assert.ok((await textsOf(new URL(file, ROOT))).has(title), `${file} has no: ${title}`)
    })
  }

  it('has attacks that are distinct, by name, and many', () => {
    assert.equal(new Set(attacks.map(({ name }) => name)).size, attacks.length)
    assert.equal(new Set(HOSTILE_IMAGES.map(({ name }) => name)).size, HOSTILE_IMAGES.length)
    assert.ok(attacks.length >= LEAST_ATTACKS, `${attacks.length} attacks`)
    assert.ok(HOSTILE_IMAGES.length >= LEAST_IMAGES, `${HOSTILE_IMAGES.length} images`)
  })

  it('says of every attack how it must end, and of every image what comes of it', () => {
    for (const { name, expected, verify } of ATTACKS_ON_CONTAINERS)
      assert.ok(expected.stdout !== undefined || verify !== undefined, name)
    for (const { name, refused, says } of HOSTILE_IMAGES) assert.ok(refused !== undefined || says !== undefined, name)
  })

  it('tries every program that is there', async () => {
    const used = new Set(ATTACKS_ON_CONTAINERS.map(({ program }) => program))
    for (const source of await readdir(PROGRAMS))
      assert.ok(used.has(source.replace(/\.c$/, '')), `nobody runs ${source}`)
  })
})
