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
  readonly attachmentsPerShareMax: number;
  readonly readersPerShareMax: number;
  readonly busyMsPerS: number;
  readonly shareMsPerS: number;
  readonly strangersMax: number;
  readonly strangersPerAddressMax: number;
  readonly strangerRequestsS: number;
  readonly strangerRequestsBurst: number;
  readonly failuresPerMin: number;
  readonly failuresBurst: number;
  readonly addressesMax: number;
  readonly headersMax: number;
  readonly headersMs: number;
  readonly keepAliveMs: number;
  readonly linkBytesMax: number;
  readonly sendQueueBytesMax: number;
  readonly headerBytesMax: number;
  readonly closeMs: number;
  readonly lingerMs: number;
  readonly refusedMs: number;
  readonly idempotencyKeysMax: number;
  readonly idempotencyMs: number;
  readonly feedsMax: number;
  readonly feedMs: number;
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
  attachmentsPerShareMax: 512,
  readersPerShareMax: 16,
  busyMsPerS: 750,
  shareMsPerS: 250,
  strangersMax: 1_000,
  strangersPerAddressMax: 64,
  strangerRequestsS: 20,
  strangerRequestsBurst: 200,
  failuresPerMin: 12,
  failuresBurst: 24,
  addressesMax: 10_000,
  headersMax: 100,
  headersMs: 10_000,
  keepAliveMs: 5_000,
  linkBytesMax: 8 * KiB,
  sendQueueBytesMax: MiB,
  headerBytesMax: 16 * KiB,
  closeMs: 1_000,
  lingerMs: 1_200_000,
  refusedMs: 2_000,
  idempotencyKeysMax: 10_000,
  idempotencyMs: 86_400_000,
  feedsMax: 100,
  feedMs: 1_000,
};

export const PROTOCOL_VERSION = 1;
export const SUBPROTOCOL = "skypipe.v1";
export const WEBSOCKET_PATH = "/ws";
