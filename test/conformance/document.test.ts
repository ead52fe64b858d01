import { checkDocument } from './document.ts'

describe('docs/CONFORMANCE.md', () => {
  it('says what the conformance tests say', async () => {
    // Every test file has been loaded by now, so every runtime has noted what it is tested for.
    await checkDocument()
  })
})
