/**
 * Aerospike for Node.js on a Rust core.
 *
 * @packageDocumentation
 */

export type { Column, ColumnOptions, ColumnType } from './src/batch/column.js'
export type { BatchCost } from './src/batch/cost.js'
export { BatchPartialError } from './src/batch/error.js'
export type { RowResult } from './src/batch/kinds.js'
export { BatchRecords } from './src/batch/results.js'
export type { RetryOptions } from './src/batch/retry.js'
export type { BatchRow } from './src/batch/row.js'
export type {
  Applied,
  ApplyRow,
  MixedRow,
  OperateRow,
  ReadRow,
  RemoveRow,
  UnprocessedRow,
  WriteRow,
} from './src/batch/rows.js'
export { BatchStream, type BatchStreamOptions, type StreamProgress } from './src/batch/stream.js'
export type { Unprocessed } from './src/batch/unprocessed.js'
export type { NodeReport } from './src/boundary/batch-reply.js'
export type { CommandMessage, CommandPhases } from './src/channels/command.js'
export type {
  BreakerMessage,
  ConnectionMessage,
  NodeChannels,
  NodeMessage,
  RetryMessage,
} from './src/channels/events.js'
export { Client, type CloseOptions } from './src/client/client.js'
export type { ChangeableOptions, ConfigChange } from './src/client/configuration.js'
export { connect } from './src/client/connect.js'
export type {
  AuthMode,
  ClientOptions,
  ConfigProvider,
  ConnectOptions,
  Integers,
  IntegersOf,
} from './src/client/connect-options.js'
export type { ClientEvents, ClientListener, Node, UnreachableNode } from './src/client/events.js'
export type { Health, NodeHealth } from './src/client/health.js'
export type { Host } from './src/client/hosts.js'
export type { Pem, TlsOptions } from './src/client/tls-options.js'
export type { IndexCollection, IndexDefinition, IndexType } from './src/cluster/index-definition.js'
export { IndexJob, type IndexProgress } from './src/cluster/index-job.js'
export type { IndexInfo, IndexStatistics } from './src/cluster/index-list.js'
export type { InfoOptions } from './src/cluster/info-request.js'
export type { Statistics } from './src/cluster/info-text.js'
export type { Latency, NamespaceInfo, SetInfo } from './src/cluster/info-views.js'
export { UdfAdmin, UdfJob, type UdfModule, type UdfProgress, type UdfSource } from './src/cluster/udf-modules.js'
export type { WaitOptions } from './src/cluster/wait.js'
export type { BatchCommands } from './src/commands/batches.js'
export type { ClusterCommands, ListIndexesOptions, NodeInfoOptions, TruncateOptions } from './src/commands/cluster.js'
export type { QueryCommands } from './src/commands/queries.js'
export type { BigInts, Chosen, RecordCommands } from './src/commands/records.js'
export type { AttemptError, ErrorDetails, UdfSite } from './src/errors/base.js'
export * from './src/errors/classes.js'
export { RESULT_CODES, type ResultCode } from './src/errors/result-codes.js'
export type { PathCalls } from './src/expressions/calls.js'
export { Definition, exp, type Functions } from './src/expressions/exp.js'
export type { RegexOptions } from './src/expressions/regex.js'
export { where } from './src/expressions/where/where.js'
export type { Key, UserKey } from './src/key.js'
export {
  type BitArithmeticOptions,
  type BitCalls,
  type BitResizeOptions,
  type BitWriteOptions,
  bits,
} from './src/operations/bits.js'
export type { ContextOptions, ListReturn, ManyOptions, MapReturn, Pattern } from './src/operations/call-types.js'
export { type Context, ContextStep, ctx, type ListStepOptions, type MapStepOptions } from './src/operations/ctx.js'
export {
  type HllCalls,
  type HllCreateOptions,
  type HllUnionOptions,
  type HllWriteOptions,
  hll,
} from './src/operations/hll.js'
export {
  type ListAddOptions,
  type ListCalls,
  type ListOperations,
  type ListOrderOptions,
  type ListSortOptions,
  type ListWriteOptions,
  lists,
} from './src/operations/lists.js'
export {
  type MapCalls,
  type MapOperations,
  type MapOrderOptions,
  type MapWriteOptions,
  maps,
} from './src/operations/maps.js'
export { type ExpReadOptions, type ExpWriteOptions, op } from './src/operations/op.js'
export { Operation } from './src/operations/operation.js'
export { type PathOptions, type PathResult, type PathSelectOptions, paths } from './src/operations/paths.js'
export {
  type BackgroundSettings,
  type BatchSettings,
  Behavior,
  type BehaviorOptions,
  type CallSettings,
  type Category,
  type Explained,
  type Explanation,
  type QuerySettings,
  type ReadSettings,
  type TransactionSettings,
  type Verb,
  type WriteSettings,
} from './src/options/behavior.js'
export { type BehaviorFileOptions, FileBehavior } from './src/options/behavior-file.js'
export type {
  ApplyOptions,
  ApplyRowOptions,
  BatchApplyOptions,
  BatchLimits,
  BatchOptions,
  BatchReadOptions,
  BatchRemoveOptions,
  BatchWriteOptions,
  CallOptions,
  Defaults,
  GetOptions,
  OperateOptions,
  ReadOptions,
  ReadRowOptions,
  RemoveOptions,
  RowOptions,
  TransactionOption,
  WriteOptions,
} from './src/options/types.js'
export { type AggregateOptions, Aggregation } from './src/query/aggregation.js'
export { Job, type JobOptions } from './src/query/job.js'
export type { JobState, JobStatus } from './src/query/job-status.js'
export type { Partitions, QueryOptions, QueryProgress } from './src/query/options.js'
export { Query, type QueryPage, type Selected } from './src/query/query.js'
export {
  filter,
  type GeoRangeOptions,
  type IndexTarget,
  type IndexValue,
  Predicate,
  type RangeOptions,
  range,
} from './src/query/range.js'
export { QueryRecordStream } from './src/query/records.js'
export { QueryStream, type Visit } from './src/query/stream.js'
export { digest, partition } from './src/records/digest.js'
export { OperationResults } from './src/records/message.js'
export type { Meta } from './src/records/meta.js'
export { NEVER_EXPIRES } from './src/records/meta.js'
export type { ExistsResult, MaybeRecord, MissingRecord, OrderedResults, Record } from './src/records/record.js'
export type { BinNames, BinPaths, Parts, Projected, WholeBins } from './src/requests/projection.js'
export type { GlobalPrivilege, Privilege, ScopedPrivilege } from './src/security/privileges.js'
export type { AdminOptions } from './src/security/request.js'
export type { CreateRoleOptions, Quotas, Role, Roles } from './src/security/roles.js'
export type { ChangePasswordOptions, CreateUserOptions, Usage, User, Users } from './src/security/users.js'
export { BackgroundStep, BackgroundTask, BackgroundUdf, BackgroundUpdate } from './src/session/background.js'
export {
  DataSet,
  type DataSetOptions,
  dataSet,
  type IdOf,
  type SetCodecs,
  type SetKey,
  type SetKeys,
} from './src/session/data-set.js'
export type { QueryHint, QueryPlan } from './src/session/index-choice.js'
export { RecordResult } from './src/session/result.js'
export type { ExecuteOptions } from './src/session/run.js'
export type { InferSchema, SchemaIssue, SchemaResult, StandardSchema } from './src/session/schema.js'
export type { Session, SessionInfo, SetIndex } from './src/session/session.js'
export { SetQuery } from './src/session/set-query.js'
export type {
  ExpiringStep,
  KeyStep,
  NamedRows,
  PutRows,
  ReadStep,
  RemoveStep,
  Runnable,
  SetWrite,
  UdfStepOf,
  Verbs,
  WriteStep,
} from './src/session/steps.js'
export { type ErrorHandler, ErrorStrategy } from './src/session/strategy.js'
export { RecordResults, RecordStream } from './src/session/stream.js'
export type { TransactionSession } from './src/session/transaction.js'
export type { LatencyBucket, LatencyHistogram } from './src/telemetry/latency.js'
export type { LogEvent, LogEventName, LogLevel, LogSink } from './src/telemetry/log.js'
export {
  ClientMetrics,
  type CommandKind,
  type CommandMetrics,
  type ConnectionMetrics,
  type FailureCount,
  type NodeMetrics,
  type RequestMetrics,
  type TransactionMetrics,
} from './src/telemetry/metrics.js'
export type { PrometheusOptions } from './src/telemetry/prometheus.js'
export { CommitError, type FailedRead } from './src/transactions/errors.js'
export type { BeginOptions, TransactionOptions } from './src/transactions/options.js'
export type { TransactionCommands } from './src/transactions/run.js'
export type { AbortStatus, CommitStatus, Transaction, TransactionState } from './src/transactions/transaction.js'
export { type AnyCodec, type Codec, type Codecs, codecs } from './src/values/codecs.js'
export {
  type AnyExp,
  type AnyOperand,
  Exp,
  type Literals,
  type Operand,
  type Type,
} from './src/values/expression.js'
export { INFINITY, Placeholder, WILDCARD } from './src/values/placeholders.js'
export { RawCollection } from './src/values/unpack.js'
export type { Bins, MapKey, ReadAs, ReadIntegers, Scalar, Storable, Value, WithBigInts } from './src/values/values.js'
export { Double, GeoJSON, HyperLogLog } from './src/values/wrappers.js'
