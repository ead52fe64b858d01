/**
 * Runs guest.ts as mocha's command line would with `--reporter json-stream`. Loading that takes the emulated processor longer than
 * loading everything else.
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import Mocha from 'mocha'

const settings = await readFile(new URL('../../.mocharc.json', import.meta.url), 'utf8')
const mocha = new Mocha({ ...(JSON.parse(settings) as Mocha.MochaOptions), reporter: 'json-stream' })
mocha.addFile(fileURLToPath(new URL('./guest.ts', import.meta.url)))
await mocha.loadFilesAsync()
mocha.run((failures) => {
  process.exitCode = failures === 0 ? 0 : 1
})
