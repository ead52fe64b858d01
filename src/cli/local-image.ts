import { loadConfig } from '../node/config/config.ts'
import { localImageId } from '../node/create-node.ts'
import type { Cli } from './cli.ts'

export interface LocalImage {
  readonly cli: Cli
  readonly configFile?: string
  readonly image: string
}

/**
 * The id of what the engine of this host has under a name now: a task says what it runs, and a tag can come to mean
 * something else.
 * @throws SoukError CONFIG_INVALID, RUNTIME_UNAVAILABLE, IMAGE_REFUSED
 */
export async function idOfLocalImage({ cli, configFile, image }: LocalImage): Promise<string> {
  const { config } = await loadConfig({ ...(configFile !== undefined && { file: configFile }), env: cli.env })
  return localImageId({ config, image })
}
