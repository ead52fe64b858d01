import assert from 'node:assert/strict'
import { isSoukError } from '../../../src/protocol/errors.ts'
import { concat, name, section } from '../../../src/executors/wasm/module/writer.ts'
import { wasmModule } from '../../fixtures/wasm-module.ts'
import { attackedSandbox } from './sandbox.ts'

describe('escape: WebAssembly modules against a provider that takes little', function () {
  this.timeout(60_000)

  it('refuses a module that takes too long to compile', async () => {
    const hasty = await attackedSandbox({ compileTimeoutMs: 1 })
    try {
      const body = concat([[0], ...Array.from({ length: 20_000 }, () => [0x41, 0, 0x40, 0, 0x1a]), [0x0b]])
      const large = wasmModule({ bodies: Array.from({ length: 20 }, () => body) })
      await assert.rejects(
        hasty.module(large),
        (error) => isSoukError(error, 'MODULE_REFUSED') && /takes longer than 1 ms/.test(error.message),
      )
    } finally {
      await hasty.close()
    }
  })

  it('refuses a module above the size that the provider takes, unread', async () => {
    const small = await attackedSandbox({ maxModuleBytes: 100, prewarm: 0 })
    try {
      const module = wasmModule({ extra: [section(0, [name('padding'), new Uint8Array(100)])] })
      await assert.rejects(small.module(module), (error) => isSoukError(error, 'MODULE_REFUSED'))
    } finally {
      await small.close()
    }
  })
})
