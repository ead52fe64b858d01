import { localImageId } from '../executors/docker/local-image.ts'
import { loadConfig } from '../node/config/config.ts'
import type { Cli } from './cli.ts'

export interface LocalImage {
  readonly cli: Cli
  readonly configFile?: string
  readonly image: string
}

/**
 * The id of the image that the Docker engine of this host has under a name now. A task names the id, as a tag can come to mean another
 * image.
 * @throws SoukError CONFIG_INVALID, RUNTIME_UNAVAILABLE, IMAGE_REFUSED
 */
export async function idOfLocalImage({ cli, configFile, image }: LocalImage): Promise<string> {
  const { config } = await loadConfig({ ...(configFile !== undefined && { file: configFile }), env: cli.env })
  return localImageId({ socketPath: config.sandbox.docker.socket, image })
}
