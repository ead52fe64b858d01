/** Time limits and buffer sizes of the wire, as docs/PROTOCOL.md gives them. */
export const TASK_PROTOCOL = '/souk/task/1.0.0'
export const BLOB_PROTOCOL = '/souk/blob/1.0.0'
export const QUOTE_PROTOCOL = '/souk/quote/1.0.0'

export const WIRE_LIMITS = {
  /** The stream ends if no byte of a frame that has begun, or of an answer that is due, comes for this long. */
  inactivityTimeoutMs: 30_000,
  /** The stream is reset if the peer takes no byte for this long while there is something to send. */
  writeStallTimeoutMs: 60_000,
  /** A blob stream without a request for this long is closed by who serves it. */
  blobIdleTimeoutMs: 120_000,
  /** The same of a quote stream. */
  quoteIdleTimeoutMs: 300_000,
  /** How long a stream may take to close properly before it is reset. */
  closeTimeoutMs: 5_000,
  /** Negotiating a protocol on a new stream. */
  openStreamTimeoutMs: 10_000,
  /** Beyond the most connections: for peers that the operator knows. */
  connectionsForExpected: 32,
  taskStreamsPerConnection: 4,
  blobStreamsPerConnection: 32,
  quoteStreamsPerConnection: 2,
  /** Requests, follows apart, that are answered at once for one stream; beyond, reading it pauses. */
  openRequestsPerStream: 256,
  /** Complete frames that wait to be read may take this much before the sender is made to wait. */
  readBufferBytes: 256 * 1024,
  /** libp2p buffers this much for a stream that is not read; it resets the stream above 4 MiB. */
  streamWindowBytes: 2 * 1024 * 1024,
  /** Small frames that are ready together are sent together, up to this size. */
  batchBytes: 64 * 1024,
  /** What a follower here grants a provider, and so the most that it buffers. */
  followWindowBytes: 256 * 1024,
  blobChunksOutstanding: 3,
  /** The most that one blob may have over a relayed connection, and that the blobs of one task may have together. */
  relayedBlobBytes: 64 * 1024,
  /** A list longer than this is not taken from a provider. */
  listTasks: 100_000,
} as const
