import assert from 'node:assert/strict'
import { exited, MiB, refusedWith, type Attack } from './attack.ts'

const RESULTS = 2000
const UNSAFE = { error: 'UNSAFE_NAME' } as const

/** Results whose names, modes, links and number are meant to mislead whoever collects them. */
export const ATTACKS_BY_FILES: readonly Attack[] = [
  {
    name: 'results that nobody may read, in folders that nobody may enter, with all that a file can have set',
    program: 'odd-modes',
    command: ['/out'],
    outputs: ['/out'],
    expected: {
      outcome: exited(0),
      stdout: 'left\n',
      outputs: {
        '/out/listed': 'x',
        '/out/none': 'x',
        '/out/outer/inner/deep': 'x',
        '/out/set-user-id': 'x',
        '/out/sticky': 'x',
      },
    },
  },
  {
    // As in CVE-2024-28185 of Judge0.
    name: 'the folder of its results can be neither removed, moved nor replaced by a link',
    program: 'replace-output',
    command: ({ file }) => ['/out', file],
    outputs: ['/out'],
    expected: {
      outcome: exited(0),
      stdout: refusedWith('EROFS', 'EXDEV', 'EPERM', 'EEXIST', 'EBUSY'),
      outputs: { '/out/file': '' },
    },
  },
  {
    name: 'results whose names mean something to programs on the way',
    program: 'odd-names',
    command: ['/out'],
    outputs: ['/out'],
    expected: {
      outcome: exited(0),
      stdout: '256 bytes ENAMETOOLONG\n255 bytes DONE\n',
    },
    verify({ execution }) {
      const name = (path: string): string => path.slice('/out/'.length)
      const taken = execution.outputs.filter((output) => 'sha256' in output).map(({ path }) => name(path))
      assert.deepEqual(taken, [
        ...['$(id)', '%s%n', '*', '-rf', '...', '..x', '.hidden', '__proto__', 'a b', 'back\\slash', 'con.txt'],
        ...['e\u0301', 'n'.repeat(255), '\u00e9', '\u202eexe'],
      ])
      const refused = execution.outputs.flatMap((output) => ('error' in output ? [output] : []))
      // A line feed, a carriage return, an escape, and what is not UTF-8.
      assert.deepEqual(
        refused.map(({ error }) => error.code),
        Array.from({ length: 4 }, () => UNSAFE.error),
      )
      // oxlint-disable-next-line no-control-regex -- that there are none is what is tested
      for (const { path } of refused) assert.doesNotMatch(path, /[\u0000-\u001f]/)
    },
  },
  {
    name: 'thousands of small results',
    program: 'many-results',
    command: ['/out', String(RESULTS)],
    outputs: ['/out'],
    only: 'native',
    limits: { inodes: RESULTS + 10, diskBytes: 32 * MiB },
    expected: {
      outcome: exited(0),
      stdout: 'made\n',
      outputs: Object.fromEntries(
        Array.from({ length: RESULTS }, (_, index) => String(index).padStart(5, '0')).map((name) => [
          `/out/${name}`,
          name,
        ]),
      ),
    },
  },
  {
    name: 'more results than there may be inodes',
    program: 'many-results',
    only: 'native',
    command: ['/out', '200'],
    outputs: ['/out'],
    limits: { inodes: 20 },
    expected: { outcome: exited(3), limitsHit: ['inodes'] },
    verify({ files }) {
      assert.equal(Object.keys(files).length, 20)
    },
  },
  {
    name: 'results with several names, across folders, of its input, its program, its streams',
    program: 'linked-results',
    command: ['/out', '/other', '/in/file'],
    inputs: [{ target: '/in/file', content: 'as it was' }],
    outputs: ['/out', '/other'],
    expected: {
      outcome: exited(0),
      outputs: {
        '/out/again': { error: 'HARD_LINK' },
        '/out/late': 'named late',
        '/out/twin': { error: 'HARD_LINK' },
      },
    },
    verify({ stdout }) {
      const done = ['beside it DONE\n', 'a nameless file DONE\n']
      const attempts = done.reduce((text, line) => text.replace(line, ''), stdout.toString())
      assert.match(attempts, refusedWith('EXDEV', 'EPERM', 'ENOENT'))
    },
  },
  {
    name: 'a working folder that is removed leads nowhere but to its own root',
    program: 'deleted-folder',
    only: 'native',
    command: ['/tmp'],
    expected: { outcome: exited(0), stdout: 'where ENOENT\nfile ENOENT\nfolder ENOENT\nits own root\n' },
  },
]
