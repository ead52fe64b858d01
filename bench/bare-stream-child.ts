/** A libp2p peer that reads what it is sent and answers with how much that was; for bench/bare-stream.ts. */
import { createBareNode, BARE_PROTOCOL } from './bare-stream.ts'

const node = await createBareNode({ listen: ['/ip4/127.0.0.1/tcp/0'] })
await node.handle(BARE_PROTOCOL, (stream) => {
  let bytes = 0
  stream.addEventListener('message', ({ data }) => {
    bytes += data.byteLength
  })
  stream.addEventListener('remoteCloseWrite', () => {
    stream.send(new TextEncoder().encode(String(bytes)))
    void stream.close()
  })
})
process.once('disconnect', () => void node.stop())
process.once('message', () => process.disconnect())
process.send?.({ multiaddr: node.getMultiaddrs()[0]?.toString() })
