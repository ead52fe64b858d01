import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { onceKeyed, type NoiseCipher } from './noise-cipher.ts'

/** Longer messages are not copied: next to encrypting them, the second write costs nothing. */
const JOINED_BYTES = 16 * 1024

type Noise = ReturnType<typeof noise>

/**
 * Noise with a cipher that is keyed once, and whose messages are handed to the socket whole. By itself it hands over each one's two bytes of length and its
 * body one after the other, which are two system calls, two packets, and two awakenings of the other side.
 */
export function noiseInOneWrite(): (...components: Parameters<Noise>) => ConnectionEncrypter {
  const create = noise()
  return (...components) => {
    const encrypter = create(...components)
    const { secureInbound, secureOutbound } = encrypter
    // It is there for everybody but in the type that the factory says.
    const { crypto } = encrypter as unknown as { readonly crypto: NoiseCipher }
    Object.assign(crypto, onceKeyed({ ...crypto }))
    return Object.assign(encrypter, {
      secureInbound: ((connection, options) =>
        secureInbound.call(encrypter, inOneWrite(connection), options)) satisfies typeof secureInbound,
      secureOutbound: ((connection, options) =>
        secureOutbound.call(encrypter, inOneWrite(connection), options)) satisfies typeof secureOutbound,
    })
  }
}

/** The same connection, which writes the pieces of what it is to send together. */
function inOneWrite(connection: MessageStream): MessageStream {
  const send = connection.send.bind(connection)
  connection.send = (data) =>
    send(data instanceof Uint8Array || data.byteLength > JOINED_BYTES ? data : data.subarray())
  return connection
}
