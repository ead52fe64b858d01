import { readFile } from 'node:fs/promises'
import { SoukError } from '../protocol/errors.ts'

/** An ordinary user of this host, whom the node becomes. */
export interface NodeUser {
  readonly uid: number
  readonly gid: number
  /** Supplementary groups. */
  readonly groups: readonly number[]
}

/** Ids from here up are those of tasks: a node with such an id could not be protected from its tasks. */
const FIRST_TASK_ID = 65_534

interface Accounts {
  /** /etc/passwd (passwd(5)). */
  readonly passwd: string
  /** /etc/group (group(5)). */
  readonly group: string
}

/** @throws SoukError START_FAILED where there is no such user, or one that the node must not be. */
export async function findNodeUser(asked: string): Promise<NodeUser> {
  const [passwd, group] = await Promise.all(
    ['/etc/passwd', '/etc/group'].map((file) => readFile(file, 'utf8').catch(() => '')),
  )
  return nodeUserIn(asked, { passwd: passwd ?? '', group: group ?? '' })
}

/** As {@link findNodeUser}. Two numbers are taken as they are, without supplementary groups. */
export function nodeUserIn(asked: string, { passwd, group }: Accounts): NodeUser {
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(asked) ?? []
  if (uid !== undefined && gid !== undefined) return allowed(asked, { uid: Number(uid), gid: Number(gid), groups: [] })
  const account = rowsOf(passwd).find(([name, , id]) => name === asked || id === asked)
  if (account === undefined)
    throw startFailed(`there is no user ${asked} in /etc/passwd`, 'Make one, or give its numbers: node.user: 990:990.')
  const [name = '', , own, primary] = account
  const groups = rowsOf(group)
    .filter(([, , , members = '']) => members.split(',').includes(name))
    .map(([, , id]) => Number(id))
  return allowed(asked, { uid: Number(own), gid: Number(primary), groups })
}

const rowsOf = (text: string): readonly (readonly string[])[] => text.split('\n').map((line) => line.split(':'))

function allowed(asked: string, user: NodeUser): NodeUser {
  const { uid, gid, groups } = user
  const hint = 'Use a user of its own for the node, as deploy/systemd/souk.sysusers makes it.'
  if (![uid, gid, ...groups].every((id) => Number.isSafeInteger(id) && id >= 0))
    throw startFailed(`the entry of ${asked} in /etc/passwd or /etc/group cannot be read`, hint)
  if (uid === 0 || gid === 0 || groups.includes(0))
    throw startFailed(`${asked} is root, or in its group, which is what the node is not to be`, hint)
  if (uid >= FIRST_TASK_ID || gid >= FIRST_TASK_ID)
    throw startFailed(`${asked} has a number from ${FIRST_TASK_ID} up, and tasks run as those`, hint)
  return user
}

export function startFailed(reason: string, hint: string): SoukError<'START_FAILED'> {
  return new SoukError({
    code: 'START_FAILED',
    message: `The node cannot start: ${reason}.`,
    details: { reason },
    hint,
  })
}
