import type { MadeContainer, MadeMount } from './engine-answers.ts'
import type { ContainerRecipe } from './engine.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * Holds a container that has been made, and not started, against its recipe. Every setting that the recipe has must be
 * as asked, and every other one of `HostConfig` must say nothing, whatever its name: a setting that came from the image,
 * from the engine's own configuration or from a later version of it is found, too. An engine that has not done as it was
 * told has usually said so, in a warning that nobody reads (a limit that its kernel does not have); here it counts. Pure.
 *
 * @returns each difference as a sentence without its full stop; none where the container is what was asked for.
 */
export function differencesOf(recipe: ContainerRecipe, made: MadeContainer): readonly string[] {
  const { HostConfig = {}, Image = '' } = recipe
  return [
    ...(made.Image === Image ? [] : [difference('Image', Image, made.Image)]),
    ...configDifferences(recipe as Fields, made.Config),
    ...hostDifferences(HostConfig as Fields, made.HostConfig),
    ...mountDifferences(HostConfig.Mounts ?? [], made.Mounts),
  ]
}

/** Of `Config`, what decides as whom and as what the container runs. The rest is the image's to say. */
const CONFIG = ['User', 'Entrypoint', 'Cmd', 'Hostname', 'Domainname', 'Tty', 'OpenStdin', 'StopSignal']

function configDifferences(asked: Fields, made: Fields): string[] {
  const found = CONFIG.filter((key) => !holds(asked[key], made[key]))
  if (asked['WorkingDir'] !== undefined && asked['WorkingDir'] !== made['WorkingDir']) found.push('WorkingDir')
  // How often it would be looked at is the image's to say, where nothing is.
  const test = (value: unknown): unknown => fieldsOf(fieldsOf(value)['Healthcheck'])['Test']
  if (!holds(test(asked), test(made))) found.push('Healthcheck')
  // An image adds to them, and takes nothing away.
  const [labels, madeLabels] = [fieldsOf(asked['Labels']), fieldsOf(made['Labels'])]
  if (!Object.keys(labels).every((name) => labels[name] === madeLabels[name])) found.push('Labels')
  return found.map((key) => difference(`Config.${key}`, asked[key], made[key]))
}

type Check = (asked: unknown, made: unknown) => boolean

/** Whatever was asked for is there; there may be more of what only takes away. */
const atLeast: Check = (asked, made) => listOf(asked).every((entry) => listOf(made).some((each) => holds(entry, each)))

/** Settings that are not simply as they were asked for. */
const CHECKS: Readonly<Record<string, Check>> = {
  MaskedPaths: atLeast,
  ReadonlyPaths: atLeast,
  // An operator's own defaults are added to those of the recipe, and replace none.
  Ulimits: atLeast,
  SecurityOpt: (asked, made) => atLeast(asked, made) && atLeast(made, asked),
}

/** Settings that mean nothing, or less than nothing asked for, where the recipe does not have them. */
const HARMLESS = new Set([
  // Of a /dev/shm that no container has which shares it with nobody, itself included (IpcMode none).
  'ShmSize',
  // The engine's own default, which is the operator's to choose.
  'Runtime',
  'CgroupParent',
  'PidsLimit',
  'MaskedPaths',
  'ReadonlyPaths',
  'Ulimits',
])
/** Other words for nothing: a namespace of the container's own. */
const OWN = new Set(['private', 'default'])

function hostDifferences(asked: Fields, made: Fields): string[] {
  return [...new Set([...Object.keys(asked), ...Object.keys(made)])].flatMap((key) => {
    const [want, have] = [asked[key], made[key]]
    const check = CHECKS[key] ?? holds
    if (want === undefined ? HARMLESS.has(key) || isNothing(have) || OWN.has(String(have)) : check(want, have))
      return []
    return [difference(`HostConfig.${key}`, want, have)]
  })
}

/** What is really mounted, the image's volumes included, which the settings do not show. */
function mountDifferences(
  asked: NonNullable<NonNullable<ContainerRecipe['HostConfig']>['Mounts']>,
  made: readonly MadeMount[],
): string[] {
  const wanted = asked.map((mount) =>
    lineOf({
      Type: mount.Type,
      Source: mount.Source,
      Destination: mount.Target,
      RW: mount.ReadOnly !== true,
      Propagation: mount.BindOptions?.Propagation,
    }),
  )
  const had = made.map(lineOf)
  return [
    ...had.filter((line) => !wanted.includes(line)).map((line) => `it has the mount ${line}, which nobody asked for`),
    ...wanted.filter((line) => !had.includes(line)).map((line) => `it lacks the mount ${line}`),
  ]
}

const lineOf = ({ Type, Source = '', Destination, RW, Propagation = '' }: MadeMount): string =>
  `${Type} ${RW ? 'rw' : 'ro'} ${Destination} of ${Source} ${Propagation}`.trimEnd()

/** The same, where all that says nothing is the same: an engine leaves it out, or writes it as null, '', 0, false, []. */
function holds(asked: unknown, made: unknown): boolean {
  if (isNothing(asked)) return isNothing(made)
  if (Array.isArray(asked)) {
    const list = listOf(made)
    return asked.length === list.length && asked.every((each, index) => holds(each, list[index]))
  }
  if (typeof asked !== 'object') return asked === made
  const [want, have] = [fieldsOf(asked), fieldsOf(made)]
  return [...Object.keys(want), ...Object.keys(have)].every((key) => holds(want[key], have[key]))
}

function isNothing(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isNothing)
  // The names are what counts of some: `Tmpfs: {"/scratch": ""}`.
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0
  return value === undefined || value === null || value === '' || value === 0 || value === false
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}

/** Whole profiles of system calls are among the values. */
const SHOWN_CHARACTERS = 120

function difference(what: string, asked: unknown, made: unknown): string {
  const [want, have] = [asked, made].map((value) => {
    const text = JSON.stringify(value) ?? 'nothing'
    return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text
  })
  return `${what} is ${have}, and was to be ${want}`
}
