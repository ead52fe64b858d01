import { TASK_BOUNDS } from './task.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** The bounds on what crosses the wire, in bytes unless the name says otherwise; docs/PROTOCOL.md lists them. */
export const WIRE_BOUNDS = {
  specBytes: TASK_BOUNDS.specBytes,
  /** The largest frame a requester may send: a submit with the largest spec and the largest quote, and its envelope. */
  requesterFrameBytes: TASK_BOUNDS.specBytes + 68 * KIB,
  /** The largest frame a provider may send: an event with the largest receipt. */
  providerFrameBytes: 4 * MIB + 64 * KIB,
  receiptBytes: 4 * MIB,
  outputChunkBytes: 64 * KIB,
  errorDetailsBytes: 256 * KIB,
  errorTextCharacters: 10_000,
  listTasksPerFrame: 1000,
  /** The most credit that a follow may have at any time. */
  followCreditBytes: 4 * MIB,
  /** A quote, as JSON. */
  quoteBytes: 64 * KIB,
  /** The largest spec, and its envelope. */
  quoteRequestFrameBytes: TASK_BOUNDS.specBytes + KIB,
  /** A quote or an error, with its details and texts, and its envelope. */
  quoteResponseFrameBytes: 384 * KIB,
  blobRequestFrameBytes: 64,
  blobChunkBytes: MIB,
  /** A chunk of a blob, or an error, and its envelope. */
  blobResponseFrameBytes: MIB + 64,
  /** A signed offer as one message: of the gossip topic, and in a page. */
  signedOfferBytes: 16 * KIB,
  /** The offer in it, next to its signature. */
  offerBytes: 16 * KIB - 128,
  offersPerPage: 16,
  offersRequestFrameBytes: 4 * KIB,
  /** A page of the largest offers and its envelope, or an error. */
  offersResponseFrameBytes: 16 * 16 * KIB + 4 * KIB + 256 * KIB,
} as const
