/** The limits of PROTOCOL.md §9, which gives each one's reason. Units are last in the names. */
export interface Limits {
  readonly chunkBytesMax: number;
  readonly controlBytesMax: number;
  readonly pipeNameBytesMax: number;
  readonly windowBytesMin: number;
  readonly windowBytesMax: number;
  readonly windowGrowMs: number;
  readonly budgetBytes: number;
  readonly maxBufferBytes: number;
  readonly maxLagBytes: number;
  readonly graceMs: number;
  readonly takeoverMs: number;
  readonly midLineMs: number;
  readonly helloMs: number;
  readonly pingMs: number;
  readonly pingBusyMs: number;
  readonly streamsPerReaderMax: number;
  readonly runningStreamsPerPipeMax: number;
  readonly attachmentsPerSessionMax: number;
  readonly sessionsMax: number;
  readonly streamsMax: number;
  readonly pipesMax: number;
  readonly expiredMax: number;
  readonly streamsPerPipeMax: number;
  readonly sharesMax: number;
  readonly sessionsPerShareMax: number;
  readonly requestsPerShareS: number;
  readonly requestsPerShareBurst: number;
  readonly strangersMax: number;
  readonly strangersPerAddressMax: number;
  readonly strangerRequestsS: number;
  readonly strangerRequestsBurst: number;
  readonly failuresPerMin: number;
  readonly failuresBurst: number;
  readonly addressesMax: number;
  readonly headerBytesMax: number;
  readonly headersMax: number;
  readonly headersMs: number;
  readonly requestMs: number;
  readonly keepAliveMs: number;
  readonly linkBytesMax: number;
  readonly sendQueueBytesMax: number;
}

const KiB = 1024;
const MiB = 1024 * KiB;

export const limits: Limits = {
  chunkBytesMax: 64 * KiB,
  controlBytesMax: 128 * KiB,
  pipeNameBytesMax: 200,
  windowBytesMin: 64 * KiB,
  windowBytesMax: 16 * MiB,
  windowGrowMs: 200,
  budgetBytes: 96 * MiB,
  maxBufferBytes: 1024 * MiB,
  maxLagBytes: 256 * MiB,
  graceMs: 60_000,
  takeoverMs: 5_000,
  midLineMs: 5_000,
  helloMs: 10_000,
  pingMs: 20_000,
  pingBusyMs: 5_000,
  streamsPerReaderMax: 1_024,
  runningStreamsPerPipeMax: 1_024,
  attachmentsPerSessionMax: 1_024,
  sessionsMax: 10_000,
  streamsMax: 200_000,
  pipesMax: 100_000,
  expiredMax: 10_000,
  streamsPerPipeMax: 100_000,
  sharesMax: 10_000,
  sessionsPerShareMax: 1_024,
  requestsPerShareS: 500,
  requestsPerShareBurst: 2_048,
  strangersMax: 1_000,
  strangersPerAddressMax: 64,
  strangerRequestsS: 20,
  strangerRequestsBurst: 200,
  failuresPerMin: 12,
  failuresBurst: 24,
  addressesMax: 10_000,
  headerBytesMax: 16 * KiB,
  headersMax: 100,
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 5_000,
  linkBytesMax: 8 * KiB,
  sendQueueBytesMax: MiB,
};

export const PROTOCOL_VERSION = 1;
export const SUBPROTOCOL = "skypipe.v1";
export const WEBSOCKET_PATH = "/ws";
