// The error classes, one for each thing that can go wrong, in the hierarchy of the classic clients.
// Which result code makes which class, and what it says, is in result-codes.ts. One file, since a hierarchy is read as a whole.

import { nameClasses } from '../identity.js'
import { AerospikeError, type ErrorDetails } from './base.js'
import { Code } from './codes.js'

export { AerospikeError }

/** The client refused or gave up by itself; the parent of all errors that no server sent. */
export class ClientError extends AerospikeError {}

/**
 * An argument, option or value is not acceptable; nothing was sent. The message names the place and, for a misspelt
 * option, the nearest valid name.
 */
export class InvalidArgumentError extends ClientError {
  static override readonly code: number = Code.param
}

/** A host or port is malformed or does not resolve. */
export class InvalidHostError extends ClientError {}

/**
 * The call was cancelled through its `signal`. `cause` is `signal.reason`; `inDoubt` is true when a write may have
 * been sent.
 */
export class AbortError extends ClientError {
  static override readonly code: number = Code.clientAbort
}

/** The client is closed, or was closed while the call was under way. */
export class ClientClosedError extends ClientError {
  static override readonly code: number = Code.clientClosed
}

/**
 * Too many calls are waiting: more than `maxQueued`, longer than `queueTimeout`, or so many that this one's turn could not come
 * within its `totalTimeout`. Nothing was sent.
 */
export class QueueFullError extends ClientError {}

/** Every attempt failed. `subErrors` lists them. */
export class MaxRetriesError extends ClientError {}

/** A server answered with an error; the parent of all result codes without a family of their own. */
export class ServerError extends AerospikeError {}

/** The server found the request malformed, or its parts do not go together. */
export class InvalidRequestError extends ServerError {}

/** The namespace is out of memory or storage and has stopped writes. */
export class ServerFullError extends ServerError {}

/** The configuration of the server does not allow this. */
export class AlwaysForbiddenError extends ServerError {}

/** The server does not know this feature. */
export class UnsupportedFeatureError extends ServerError {}

/** The storage of the node cannot keep up with the writes. Try again after a pause. */
export class DeviceOverloadError extends ServerError {}

/** The cluster has no such namespace. */
export class NamespaceNotFoundError extends ServerError {}

/** Not allowed at this time: for example a TTL on a namespace that does not expire records. */
export class ForbiddenError extends ServerError {}

/** Only Enterprise servers can do this (durable deletes, transactions, strong consistency). */
export class EnterpriseOnlyError extends ServerError {}

/** The filter expression left this record out. */
export class FilteredError extends ServerError {}

/** A newer change of the bin arrived from another datacentre first. */
export class LostConflictError extends ServerError {}

/** A string is not valid UTF-8. */
export class InvalidEncodingError extends ServerError {}

/** The GeoJSON is malformed or of a kind that cannot be indexed. */
export class InvalidGeoJSONError extends ServerError {}

/** The parent of errors that concern one record or one of its bins. */
export class RecordError extends ServerError {}

/** There is no such record. */
export class RecordNotFoundError extends RecordError {}

/** The record has changed since: its generation is not the expected one. */
export class GenerationError extends RecordError {}

/** The record exists already (`exists: 'create'`). */
export class RecordExistsError extends RecordError {}

/** The record would be larger than the namespace allows. */
export class RecordTooBigError extends RecordError {}

/** Too many commands are working on this record at once: a hot key. Try again after a pause. */
export class RecordBusyError extends RecordError {}

/** The key sent is not the key stored with the record: two keys with one digest. */
export class RecordKeyMismatchError extends RecordError {}

/** The parent of errors that concern one bin. */
export class BinError extends RecordError {
  /** The bin, where only one can be meant: servers do not say which of several it was. */
  readonly bin: string | undefined

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details)
    this.bin = details.bin
  }

  override toJSON(): { [name: string]: unknown } {
    return { ...super.toJSON(), bin: this.bin }
  }
}

/** The bin exists already. */
export class BinExistsError extends BinError {}

/** The value in the bin is of a type that this operation cannot work on. */
export class BinTypeError extends BinError {}

/** The record has no such bin. */
export class BinNotFoundError extends BinError {}

/** A bin name is longer than 15 bytes, or there are too many bins. */
export class BinNameError extends BinError {}

/** The list or map has no such element. */
export class ElementNotFoundError extends BinError {}

/** The list or map has this element already. */
export class ElementExistsError extends BinError {}

/** The operation cannot be applied to what is there: an index out of range, an expression without a result. */
export class OperationNotApplicableError extends BinError {}

/** The deadline of the call passed, or the server gave up. `inDoubt` says whether a write may have happened. */
export class TimeoutError extends AerospikeError {}

/** The cluster, or the part of it that owns the record, cannot be reached or cannot answer. */
export class ClusterError extends AerospikeError {}

/** The cluster changed during the command. */
export class ClusterChangeError extends ClusterError {}

/** No node is known for the partition, or none by that name. */
export class NodeNotFoundError extends ClusterError {}

/** A connection could not be made or broke. */
export class ConnectionError extends ClusterError {}

/** No connection became free before the deadline. */
export class NoConnectionError extends ClusterError {}

/** The TLS handshake failed. */
export class TlsError extends ClusterError {}

/** The node failed so often lately that it is left alone for a moment. */
export class NodeErrorRateError extends ClusterError {}

/** The node ended its answer without mentioning this row. */
export class NoResponseError extends ClusterError {}

/** The parent of errors that concern a secondary index. */
export class IndexError extends ServerError {
  /** The name of the index, where it is known. */
  readonly index: string | undefined
  /** The bin that it is over, where that is known. */
  readonly bin: string | undefined

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details)
    this.index = details.index
    this.bin = details.bin
  }

  override toJSON(): { [name: string]: unknown } {
    return { ...super.toJSON(), index: this.index, bin: this.bin }
  }
}

/** An index of that name exists with another definition. */
export class IndexExistsError extends IndexError {}

/** There is no such index. */
export class IndexNotFoundError extends IndexError {}

/** The index is out of memory. */
export class IndexOutOfMemoryError extends IndexError {}

/** The index is still being built. */
export class IndexNotReadableError extends IndexError {}

/** The name of the index is too long. */
export class IndexNameTooLongError extends IndexError {}

/** The namespace has as many indexes as it can have. */
export class IndexLimitError extends IndexError {}

/**
 * Some nodes did not answer an info command. `answers` has what the others said, `errors` why these did not; `cause` is the
 * first of them.
 *
 * @example
 * if (error instanceof PartialInfoError) console.log(error.answers.get('A1'), error.errors.get('A2')?.message)
 */
export class PartialInfoError extends ClusterError {
  /** The answers by the name of the node: as they came, one for each command. */
  readonly answers: ReadonlyMap<string, string>
  /** The errors of the other nodes by their names. */
  readonly errors: ReadonlyMap<string, AerospikeError>

  constructor(
    message: string,
    answers: ReadonlyMap<string, string>,
    errors: ReadonlyMap<string, AerospikeError>,
    details: ErrorDetails = {},
  ) {
    super(message, details)
    this.answers = answers
    this.errors = errors
  }

  override toJSON(): { [name: string]: unknown } {
    const errors = Object.fromEntries([...this.errors].map(([node, error]) => [node, error.toJSON()]))
    return { ...super.toJSON(), answers: Object.fromEntries(this.answers), errors }
  }
}

/** The parent of errors that concern a query or scan. */
export class QueryError extends AerospikeError {}

/** No node knows a background job of that id. */
export class JobNotFoundError extends QueryError {}

/** The query was stopped. */
export class QueryAbortedError extends QueryError {}

/** The server has as many queries as it takes. */
export class QueryQueueFullError extends QueryError {}

/** The query timed out on the server. */
export class QueryTimeoutError extends QueryError {}

/** The parent of errors that concern a batch as a whole. */
export class BatchError extends ServerError {}

/** The server is configured without batches. */
export class BatchDisabledError extends BatchError {}

/** The batch has more rows than the server takes in one request (`maxKeysPerRequest` splits it). */
export class BatchTooLargeError extends BatchError {}

/** The batch queues of the server are full. Try again after a pause. */
export class BatchQueuesFullError extends BatchError {}

/** The parent of errors that concern users, roles and security. */
export class AdminError extends AerospikeError {
  /** The user that the call was about, if it was about one. */
  readonly user: string | undefined
  /** The role that the call was about, if it was about one. */
  readonly role: string | undefined

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details)
    this.user = details.user
    this.role = details.role
  }

  override toJSON(): { [name: string]: unknown } {
    return { ...super.toJSON(), user: this.user, role: this.role }
  }
}

/** The parent of errors of security itself: it is off, unsupported or not permitted. */
export class SecurityError extends AdminError {}

/** The server has no security (Community edition). */
export class SecurityNotSupportedError extends SecurityError {}

/** Security is switched off on the server. */
export class SecurityNotEnabledError extends SecurityError {}

/** The server does not know this kind of authentication. */
export class SecuritySchemeNotSupportedError extends SecurityError {}

/** The server does not know this administration command. */
export class InvalidCommandError extends AdminError {}

/** A field of the administration command is invalid. */
export class InvalidFieldError extends AdminError {}

/** The administration command does not fit the state of the session. */
export class IllegalStateError extends AdminError {}

/** There is no such user. */
export class InvalidUserError extends AdminError {}

/** The user exists already. */
export class UserExistsError extends AdminError {}

/** The password is invalid. */
export class InvalidPasswordError extends AdminError {}

/** The password has expired. */
export class ExpiredPasswordError extends AdminError {}

/** The password is not allowed, for example because it was used before. */
export class ForbiddenPasswordError extends AdminError {}

/** User and password do not match. */
export class InvalidCredentialError extends AdminError {}

/** The session has expired. */
export class ExpiredSessionError extends AdminError {}

/** There is no such role. */
export class InvalidRoleError extends AdminError {}

/** The role exists already. */
export class RoleExistsError extends AdminError {}

/** There is no such privilege. */
export class InvalidPrivilegeError extends AdminError {}

/** The list of allowed addresses is invalid. */
export class InvalidWhitelistError extends AdminError {}

/** Quotas are switched off on the server. */
export class QuotasNotEnabledError extends AdminError {}

/** The quota is invalid. */
export class InvalidQuotaError extends AdminError {}

/** The connection is not authenticated. */
export class NotAuthenticatedError extends SecurityError {}

/** The user lacks a role for this. */
export class RoleViolationError extends SecurityError {}

/** The address of this client is not allowed. */
export class NotWhitelistedError extends SecurityError {}

/** The user has used up its quota for the moment. */
export class QuotaExceededError extends SecurityError {}

/**
 * A user-defined function failed; the message carries what Lua said.
 *
 * @example
 * if (error instanceof UdfError) console.log(`${error.module}.lua:${error.line}: ${error.reason}`)
 */
export class UdfError extends ServerError {
  /** The module in which it failed, or that was called, without the ending of its file. */
  readonly module: string | undefined
  /** The function that was called. */
  readonly function: string | undefined
  /** The line of the module, counted from 1, when Lua said it. */
  readonly line: number | undefined
  /** What Lua, or the server, said; without the place. */
  readonly reason: string

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details)
    this.module = details.udf?.module
    this.function = details.udf?.function
    this.line = details.udf?.line
    this.reason = details.udf?.reason ?? ''
  }

  override toJSON(): { [name: string]: unknown } {
    const { module, function: name, line, reason } = this
    return { ...super.toJSON(), module, function: name, line, reason }
  }
}

/** There is no such module or function. */
export class UdfNotFoundError extends UdfError {}

/** A module was refused when it was registered: it is no valid Lua, or failed while it was loaded. */
export class UdfCompileError extends UdfError {}

/** The Lua file does not exist or cannot be read. */
export class LuaFileNotFoundError extends UdfError {}

/** The parent of errors that concern a transaction. */
export class TransactionError extends AerospikeError {
  static override readonly code: number = -17
}

/** Another transaction holds the record: the whole transaction may succeed when it is run again. */
export class TransactionBlockedError extends TransactionError {}

/** A record that the transaction read has changed since: the whole transaction may succeed when it is run again. */
export class TransactionVersionMismatchError extends TransactionError {}

/** The deadline of the transaction has passed. */
export class TransactionExpiredError extends TransactionError {}

/** The transaction writes more records than it may. */
export class TransactionTooLargeError extends TransactionError {}

/** The transaction is committed or aborted already, or about to be: it takes no more calls. */
export class TransactionEndedError extends TransactionError {
  static override readonly code: number = -19
}

nameClasses({
  ClientError,
  InvalidArgumentError,
  InvalidHostError,
  AbortError,
  ClientClosedError,
  QueueFullError,
  MaxRetriesError,
  ServerError,
  InvalidRequestError,
  ServerFullError,
  AlwaysForbiddenError,
  UnsupportedFeatureError,
  DeviceOverloadError,
  NamespaceNotFoundError,
  ForbiddenError,
  EnterpriseOnlyError,
  FilteredError,
  LostConflictError,
  InvalidEncodingError,
  InvalidGeoJSONError,
  RecordError,
  RecordNotFoundError,
  GenerationError,
  RecordExistsError,
  RecordTooBigError,
  RecordBusyError,
  RecordKeyMismatchError,
  BinError,
  BinExistsError,
  BinTypeError,
  BinNotFoundError,
  BinNameError,
  ElementNotFoundError,
  ElementExistsError,
  OperationNotApplicableError,
  TimeoutError,
  ClusterError,
  ClusterChangeError,
  NodeNotFoundError,
  ConnectionError,
  NoConnectionError,
  TlsError,
  NodeErrorRateError,
  NoResponseError,
  IndexError,
  IndexExistsError,
  IndexNotFoundError,
  IndexOutOfMemoryError,
  IndexNotReadableError,
  IndexNameTooLongError,
  IndexLimitError,
  JobNotFoundError,
  PartialInfoError,
  QueryError,
  QueryAbortedError,
  QueryQueueFullError,
  QueryTimeoutError,
  BatchError,
  BatchDisabledError,
  BatchTooLargeError,
  BatchQueuesFullError,
  AdminError,
  SecurityError,
  SecurityNotSupportedError,
  SecurityNotEnabledError,
  SecuritySchemeNotSupportedError,
  InvalidCommandError,
  InvalidFieldError,
  IllegalStateError,
  InvalidUserError,
  UserExistsError,
  InvalidPasswordError,
  ExpiredPasswordError,
  ForbiddenPasswordError,
  InvalidCredentialError,
  ExpiredSessionError,
  InvalidRoleError,
  RoleExistsError,
  InvalidPrivilegeError,
  InvalidWhitelistError,
  QuotasNotEnabledError,
  InvalidQuotaError,
  NotAuthenticatedError,
  RoleViolationError,
  NotWhitelistedError,
  QuotaExceededError,
  UdfError,
  UdfNotFoundError,
  UdfCompileError,
  LuaFileNotFoundError,
  TransactionError,
  TransactionBlockedError,
  TransactionVersionMismatchError,
  TransactionExpiredError,
  TransactionTooLargeError,
  TransactionEndedError,
})
