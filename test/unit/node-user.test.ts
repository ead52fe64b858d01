import assert from 'node:assert/strict'
import { nodeUserIn, type NodeUser } from '../../src/node/node-user.ts'
import { isSoukError } from '../../src/protocol/errors.ts'

const passwd = `root:x:0:0:root:/root:/bin/bash
souk:x:990:980::/var/lib/souk:/usr/sbin/nologin
admin:x:991:0::/:/bin/sh
wheel:x:992:992::/:/bin/sh
broken:x:many:1::/:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`
const group = `root:x:0:wheel
docker:x:105:alice,souk
souk:x:980:
kvm:x:106:souk
`
const find = (asked: string): NodeUser => nodeUserIn(asked, { passwd, group })

describe('the user of a node', () => {
  it('is found by name or number with its groups, and by two numbers without', () => {
    assert.deepEqual(find('souk'), { uid: 990, gid: 980, groups: [105, 106] })
    assert.deepEqual(find('990'), find('souk'))
    assert.deepEqual(find('990:7'), { uid: 990, gid: 7, groups: [] })
    assert.deepEqual(find('4242:4242'), { uid: 4242, gid: 4242, groups: [] })
  })

  it('is nobody who is root, is in its group, or is a task’s', () => {
    const refused = {
      ...{
        root: /is root/,
        '0:5': /is root/,
        '5:0': /is root/,
        admin: /is root, or in its group/,
        wheel: /in its group/,
      },
      ...{ nobody: /tasks run as those/, '70000:70000': /tasks run as those/, '5:65534': /tasks run as those/ },
      ...{ somebody: /there is no user somebody/, '4242': /there is no user 4242/, broken: /cannot be read/ },
    }
    for (const [asked, expected] of Object.entries(refused))
      assert.throws(
        () => find(asked),
        (error) => isSoukError(error, 'START_FAILED') && expected.test(error.message) && error.hint.length > 10,
        asked,
      )
  })
})
