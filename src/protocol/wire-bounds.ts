import { TASK_BOUNDS } from './task.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** The bounds on what crosses the wire, in bytes unless the name says otherwise; docs/PROTOCOL.md lists them. */
export const WIRE_BOUNDS = {
  specBytes: TASK_BOUNDS.specBytes,
  /** The largest frame a requester may send: a submit with the largest spec, and its envelope. */
  requesterFrameBytes: TASK_BOUNDS.specBytes + 4 * KIB,
  /** The largest frame a provider may send: an event with the largest receipt. */
  providerFrameBytes: 4 * MIB + 64 * KIB,
  receiptBytes: 4 * MIB,
  outputChunkBytes: 64 * KIB,
  errorDetailsBytes: 256 * KIB,
  errorTextCharacters: 10_000,
  listTasksPerFrame: 1000,
  /** The most credit that a follow may have at any time. */
  followCreditBytes: 4 * MIB,
  blobRequestFrameBytes: 64,
  blobChunkBytes: MIB,
  /** A chunk of a blob, or an error, and its envelope. */
  blobResponseFrameBytes: MIB + 64,
} as const
