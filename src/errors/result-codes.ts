// One table from result code to class (protocol 13): what code, docs and tests read.

import type { AerospikeError, ErrorDetails } from './base.js'
import * as errors from './classes.js'
import { Code } from './codes.js'

type ErrorClass = new (message: string, details?: ErrorDetails) => AerospikeError

/**
 * One row: the code on the wire (negative: the client's own), its class, what it means, and whether trying again can
 * help.
 */
export interface ResultCode {
  readonly code: number
  readonly errorClass: ErrorClass
  readonly meaning: string
  readonly retryable: boolean
}

const RETRY = true

// prettier-ignore
const ROWS: readonly (readonly [code: number, errorClass: ErrorClass, meaning: string, retryable?: boolean])[] = [
  [Code.serverError, errors.ServerError, 'server error'],
  [Code.notFound, errors.RecordNotFoundError, 'record not found'],
  [Code.generation, errors.GenerationError, 'the generation of the record is not the expected one'],
  [Code.parameter, errors.InvalidRequestError, 'the server refused the request as invalid'],
  [Code.recordExists, errors.RecordExistsError, 'the record exists already'],
  [Code.binExists, errors.BinExistsError, 'the bin exists already'],
  [Code.clusterKeyMismatch, errors.ClusterChangeError, 'the cluster changed during the command', RETRY],
  [Code.outOfSpace, errors.ServerFullError, 'the namespace is full and does not take writes'],
  [Code.timeout, errors.TimeoutError, 'timed out', RETRY],
  [Code.alwaysForbidden, errors.AlwaysForbiddenError, 'not allowed by the configuration of the server'],
  [Code.unavailable, errors.ClusterError, 'the partition is not available', RETRY],
  [Code.incompatibleType, errors.BinTypeError, 'the bin holds a value of another type'],
  [Code.recordTooBig, errors.RecordTooBigError, 'the record is too big'],
  [Code.keyBusy, errors.RecordBusyError, 'the record is busy', RETRY],
  [Code.queryAborted, errors.QueryAbortedError, 'the query was stopped'],
  [Code.unsupportedFeature, errors.UnsupportedFeatureError, 'the server does not support this'],
  [Code.binNotFound, errors.BinNotFoundError, 'no such bin'],
  [Code.deviceOverload, errors.DeviceOverloadError, 'the storage of the node is overloaded', RETRY],
  [Code.keyMismatch, errors.RecordKeyMismatchError, 'the record is stored under another key'],
  [Code.namespaceNotFound, errors.NamespaceNotFoundError, 'no such namespace'],
  [Code.binName, errors.BinNameError, 'invalid bin name'],
  [Code.forbidden, errors.ForbiddenError, 'forbidden by the server at this time'],
  [Code.elementNotFound, errors.ElementNotFoundError, 'no such element'],
  [Code.elementExists, errors.ElementExistsError, 'the element exists already'],
  [Code.enterpriseOnly, errors.EnterpriseOnlyError, 'this needs the Enterprise edition'],
  [Code.opNotApplicable, errors.OperationNotApplicableError, 'the operation is not applicable'],
  [Code.filteredOut, errors.FilteredError, 'left out by the filter'],
  [Code.lostConflict, errors.LostConflictError, 'lost against a newer change'],
  [Code.invalidEncoding, errors.InvalidEncodingError, 'the string is not valid UTF-8'],
  [Code.xdrKeyBusy, errors.LostConflictError, 'busy with a change from another datacentre', RETRY],
  [Code.securityNotSupported, errors.SecurityNotSupportedError, 'the server does not support security'],
  [Code.securityNotEnabled, errors.SecurityNotEnabledError, 'security is not enabled on the server'],
  [
    Code.securitySchemeNotSupported,
    errors.SecuritySchemeNotSupportedError,
    'the server does not know this authentication scheme',
  ],
  [Code.invalidCommand, errors.InvalidCommandError, 'invalid administration command'],
  [Code.invalidField, errors.InvalidFieldError, 'invalid field in an administration command'],
  [Code.illegalState, errors.IllegalStateError, 'illegal state'],
  [Code.invalidUser, errors.InvalidUserError, 'no such user'],
  [Code.userAlreadyExists, errors.UserExistsError, 'the user exists already'],
  [Code.invalidPassword, errors.InvalidPasswordError, 'invalid password'],
  [Code.expiredPassword, errors.ExpiredPasswordError, 'the password has expired'],
  [Code.forbiddenPassword, errors.ForbiddenPasswordError, 'the password is not allowed'],
  [Code.invalidCredential, errors.InvalidCredentialError, 'invalid credentials'],
  [Code.expiredSession, errors.ExpiredSessionError, 'the session has expired', RETRY],
  [Code.invalidRole, errors.InvalidRoleError, 'no such role'],
  [Code.roleAlreadyExists, errors.RoleExistsError, 'the role exists already'],
  [Code.invalidPrivilege, errors.InvalidPrivilegeError, 'no such privilege'],
  [Code.invalidWhitelist, errors.InvalidWhitelistError, 'invalid list of addresses'],
  [Code.quotasNotEnabled, errors.QuotasNotEnabledError, 'quotas are not enabled'],
  [Code.invalidQuota, errors.InvalidQuotaError, 'invalid quota'],
  [Code.notAuthenticated, errors.NotAuthenticatedError, 'not authenticated'],
  [Code.roleViolation, errors.RoleViolationError, 'the user has no role for this'],
  [Code.notWhitelisted, errors.NotWhitelistedError, 'the address is not allowed'],
  [Code.quotaExceeded, errors.QuotaExceededError, 'the quota is used up', RETRY],
  [Code.ldapNotConfigured, errors.AdminError, 'LDAP error'],
  [Code.ldapSetup, errors.AdminError, 'LDAP error'],
  [Code.ldapTlsSetup, errors.AdminError, 'LDAP error'],
  [Code.ldapAuthentication, errors.AdminError, 'LDAP error'],
  [Code.ldapQuery, errors.AdminError, 'LDAP error'],
  [Code.udfExecution, errors.UdfError, 'the UDF failed'],
  [Code.mrtBlocked, errors.TransactionBlockedError, 'another transaction holds the record', RETRY],
  [Code.mrtVersionMismatch, errors.TransactionVersionMismatchError, 'a record read in the transaction has changed'],
  [Code.mrtExpired, errors.TransactionExpiredError, 'the transaction has expired'],
  [Code.mrtTooManyWrites, errors.TransactionTooLargeError, 'too many writes in one transaction'],
  [Code.mrtCommitted, errors.TransactionEndedError, 'the transaction is committed already'],
  [Code.mrtAborted, errors.TransactionEndedError, 'the transaction is aborted already'],
  [Code.mrtAlreadyLocked, errors.TransactionBlockedError, 'the record is locked already', RETRY],
  [Code.mrtMonitorExists, errors.TransactionEndedError, 'the transaction exists already'],
  [Code.batchDisabled, errors.BatchDisabledError, 'the server has batches switched off'],
  [Code.batchMaxRequests, errors.BatchTooLargeError, 'the batch has more rows than the server takes'],
  [Code.batchQueuesFull, errors.BatchQueuesFullError, 'the batch queues of the server are full', RETRY],
  [Code.geoInvalidGeojson, errors.InvalidGeoJSONError, 'invalid GeoJSON'],
  [Code.indexFound, errors.IndexExistsError, 'the index exists with another definition'],
  [Code.indexNotFound, errors.IndexNotFoundError, 'no such index'],
  [Code.indexOutOfMemory, errors.IndexOutOfMemoryError, 'the index is out of memory'],
  [Code.indexNotReadable, errors.IndexNotReadableError, 'the index is still being built', RETRY],
  [Code.indexError, errors.IndexError, 'index error'],
  [Code.indexNameTooLong, errors.IndexNameTooLongError, 'the name of the index is too long'],
  [Code.indexMaxCount, errors.IndexLimitError, 'the namespace has its most indexes already'],
  [Code.legacyQueryAborted, errors.QueryAbortedError, 'the query was stopped'],
  [Code.queryQueueFull, errors.QueryQueueFullError, 'the server takes no more queries', RETRY],
  [Code.queryTimeout, errors.QueryTimeoutError, 'the query timed out', RETRY],
  [Code.queryError, errors.QueryError, 'query failed'],
  [Code.udfNotFound, errors.UdfNotFoundError, 'no such UDF'],
  [Code.luaFileNotFound, errors.LuaFileNotFoundError, 'no such Lua file'],
  [Code.client, errors.ClientError, 'client error'],
  [Code.param, errors.InvalidArgumentError, 'invalid argument'],
  [Code.noMoreRecords, errors.ClientError, 'no more records'],
  [Code.invalidHost, errors.InvalidHostError, 'invalid host'],
  [Code.clientAbort, errors.AbortError, 'aborted'],
  [Code.asyncConnection, errors.ConnectionError, 'connection failed', RETRY],
  [Code.noMoreConnections, errors.NoConnectionError, 'no connection became free', RETRY],
  [Code.invalidNode, errors.NodeNotFoundError, 'no such node', RETRY],
  [Code.tls, errors.TlsError, 'TLS failed'],
  [Code.connection, errors.ConnectionError, 'connection failed', RETRY],
  [Code.asyncQueueFull, errors.QueueFullError, 'too many calls are waiting', RETRY],
  [Code.maxRetriesExceeded, errors.MaxRetriesError, 'every attempt failed', RETRY],
  [Code.useNormalRetry, errors.ClientError, 'client error'],
  [Code.maxErrorRate, errors.NodeErrorRateError, 'the node is left alone after too many errors', RETRY],
  [Code.noResponse, errors.NoResponseError, 'no answer for this row', RETRY],
  [Code.txnFailed, errors.TransactionError, 'the transaction failed'],
  [Code.txnAlreadyCommitted, errors.TransactionEndedError, 'the transaction is committed already'],
  [Code.txnAlreadyAborted, errors.TransactionEndedError, 'the transaction is aborted already'],
  [Code.metricsConflict, errors.ClientError, 'metrics setting conflicts'],
  [Code.clientClosed, errors.ClientClosedError, 'the client is closed'],
]

// An error that is made without a code, by a test's stand-in for us or by a program, has that of its class: the first in
// the table.
for (const [code, errorClass, , retryable = false] of ROWS.toReversed()) {
  Object.assign(errorClass, { code, mayRetry: retryable })
}

/** Every known result code. */
export const RESULT_CODES: ReadonlyMap<number, ResultCode> = new Map(
  ROWS.map(([code, errorClass, meaning, retryable = false]) => [code, { code, errorClass, meaning, retryable }]),
)

/** The row of a code; a code from a newer server gets its own number and the class of its side. */
export function resultCode(code: number): ResultCode {
  return (
    RESULT_CODES.get(code) ?? {
      code,
      errorClass: code < 0 ? errors.ClientError : errors.ServerError,
      meaning: `result code ${code}`,
      retryable: false,
    }
  )
}
