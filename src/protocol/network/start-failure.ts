import { SoukError } from '../errors.ts'

const WHY: Readonly<Record<string, { readonly reason: string; readonly hint: string }>> = {
  EADDRINUSE: {
    reason: 'another process has that port already',
    hint: 'Stop the other process, or listen on another port: network.listen, or `souk up --listen`; port 0 takes a free one.',
  },
  EADDRNOTAVAIL: {
    reason: 'this machine has no such address',
    hint: 'Listen on an address of this machine (network.listen), or on /ip4/0.0.0.0/tcp/PORT for all of them; what others dial is for network.announce.',
  },
  EACCES: {
    reason: 'this user may not have that port',
    hint: 'Listen on a port from 1024 up (network.listen).',
  },
}

/** Why libp2p did not start, for a person: it puts each address into one text, with the stack of each error. */
export function startFailed(cause: unknown): SoukError<'START_FAILED'> {
  const text = cause instanceof Error ? cause.message : String(cause)
  const [first] = [...text.matchAll(/^ +(\/\S+): .*?\b(E[A-Z]+)\b/gm)].flatMap(([, multiaddr, code = '']) => {
    const why = WHY[code]
    return why === undefined ? [] : [{ ...why, reason: `${multiaddr} cannot be listened on: ${why.reason} (${code})` }]
  })
  const reason = first?.reason ?? text
  return new SoukError({
    code: 'START_FAILED',
    message: `The network could not be started: ${reason}.`,
    details: { reason },
    ...(first !== undefined && { hint: first.hint }),
    cause,
  })
}
