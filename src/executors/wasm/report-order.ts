import type { Report } from './channel.ts'

/** How far a run has come. */
export type Stage = 'feeding' | 'compiling' | 'prepared' | 'running' | 'ended'
/** When each report may come: whoever has taken over the process must not talk a started task into one that has not. */
export const IN_ORDER: Readonly<Record<Report['event'], readonly Stage[]>> = {
  ready: [],
  received: ['feeding'],
  refused: ['compiling', 'prepared'],
  rewritten: ['compiling'],
  compiled: ['compiling'],
  started: ['prepared'],
  memory: ['running'],
  ended: ['running'],
  output: ['ended'],
  unfit: ['ended'],
  complete: ['ended'],
  fault: ['feeding', 'compiling', 'prepared', 'running', 'ended'],
}
