// One table from result code to class (protocol 13): what code, docs and tests read.

import type { AerospikeError, ErrorDetails } from './base.js'
import * as errors from './classes.js'

type ErrorClass = new (message: string, details?: ErrorDetails) => AerospikeError

/** One row: the code on the wire (negative: the client's own), its class, what it means, and whether trying again can help. */
export interface ResultCode {
  readonly code: number
  readonly errorClass: ErrorClass
  readonly meaning: string
  readonly retryable: boolean
}

const RETRY = true

// prettier-ignore
const ROWS: readonly (readonly [code: number, errorClass: ErrorClass, meaning: string, retryable?: boolean])[] = [
  [1, errors.ServerError, 'server error'],
  [2, errors.RecordNotFoundError, 'record not found'],
  [3, errors.GenerationError, 'the generation of the record is not the expected one'],
  [4, errors.InvalidRequestError, 'the server refused the request as invalid'],
  [5, errors.RecordExistsError, 'the record exists already'],
  [6, errors.BinExistsError, 'the bin exists already'],
  [7, errors.ClusterChangeError, 'the cluster changed during the command', RETRY],
  [8, errors.ServerFullError, 'the namespace is full and does not take writes'],
  [9, errors.TimeoutError, 'timed out', RETRY],
  [10, errors.AlwaysForbiddenError, 'not allowed by the configuration of the server'],
  [11, errors.ClusterError, 'the partition is not available', RETRY],
  [12, errors.BinTypeError, 'the bin holds a value of another type'],
  [13, errors.RecordTooBigError, 'the record is too big'],
  [14, errors.RecordBusyError, 'the record is busy', RETRY],
  [15, errors.QueryAbortedError, 'the query was stopped'],
  [16, errors.UnsupportedFeatureError, 'the server does not support this'],
  [17, errors.BinNotFoundError, 'no such bin'],
  [18, errors.DeviceOverloadError, 'the storage of the node is overloaded', RETRY],
  [19, errors.RecordKeyMismatchError, 'the record is stored under another key'],
  [20, errors.NamespaceNotFoundError, 'no such namespace'],
  [21, errors.BinNameError, 'invalid bin name'],
  [22, errors.ForbiddenError, 'forbidden by the server at this time'],
  [23, errors.ElementNotFoundError, 'no such element'],
  [24, errors.ElementExistsError, 'the element exists already'],
  [25, errors.EnterpriseOnlyError, 'this needs the Enterprise edition'],
  [26, errors.OperationNotApplicableError, 'the operation is not applicable'],
  [27, errors.FilteredError, 'left out by the filter'],
  [28, errors.LostConflictError, 'lost against a newer change'],
  [29, errors.InvalidEncodingError, 'the string is not valid UTF-8'],
  [32, errors.LostConflictError, 'busy with a change from another datacentre', RETRY],
  [51, errors.SecurityNotSupportedError, 'the server does not support security'],
  [52, errors.SecurityNotEnabledError, 'security is not enabled on the server'],
  [53, errors.SecuritySchemeNotSupportedError, 'the server does not know this authentication scheme'],
  [54, errors.InvalidCommandError, 'invalid administration command'],
  [55, errors.InvalidFieldError, 'invalid field in an administration command'],
  [56, errors.IllegalStateError, 'illegal state'],
  [60, errors.InvalidUserError, 'no such user'],
  [61, errors.UserExistsError, 'the user exists already'],
  [62, errors.InvalidPasswordError, 'invalid password'],
  [63, errors.ExpiredPasswordError, 'the password has expired'],
  [64, errors.ForbiddenPasswordError, 'the password is not allowed'],
  [65, errors.InvalidCredentialError, 'invalid credentials'],
  [66, errors.ExpiredSessionError, 'the session has expired', RETRY],
  [70, errors.InvalidRoleError, 'no such role'],
  [71, errors.RoleExistsError, 'the role exists already'],
  [72, errors.InvalidPrivilegeError, 'no such privilege'],
  [73, errors.InvalidWhitelistError, 'invalid list of addresses'],
  [74, errors.QuotasNotEnabledError, 'quotas are not enabled'],
  [75, errors.InvalidQuotaError, 'invalid quota'],
  [80, errors.NotAuthenticatedError, 'not authenticated'],
  [81, errors.RoleViolationError, 'the user has no role for this'],
  [82, errors.NotWhitelistedError, 'the address is not allowed'],
  [83, errors.QuotaExceededError, 'the quota is used up', RETRY],
  [90, errors.AdminError, 'LDAP error'],
  [91, errors.AdminError, 'LDAP error'],
  [92, errors.AdminError, 'LDAP error'],
  [93, errors.AdminError, 'LDAP error'],
  [94, errors.AdminError, 'LDAP error'],
  [100, errors.UdfError, 'the UDF failed'],
  [120, errors.TransactionBlockedError, 'another transaction holds the record', RETRY],
  [121, errors.TransactionVersionError, 'a record read in the transaction has changed'],
  [122, errors.TransactionExpiredError, 'the transaction has expired'],
  [123, errors.TransactionTooLargeError, 'too many writes in one transaction'],
  [124, errors.TransactionEndedError, 'the transaction is committed already'],
  [125, errors.TransactionEndedError, 'the transaction is aborted already'],
  [126, errors.TransactionBlockedError, 'the record is locked already', RETRY],
  [127, errors.TransactionEndedError, 'the transaction exists already'],
  [150, errors.BatchDisabledError, 'the server has batches switched off'],
  [151, errors.BatchTooLargeError, 'the batch has more rows than the server takes'],
  [152, errors.BatchQueuesFullError, 'the batch queues of the server are full', RETRY],
  [160, errors.InvalidGeoJSONError, 'invalid GeoJSON'],
  [200, errors.IndexExistsError, 'the index exists with another definition'],
  [201, errors.IndexNotFoundError, 'no such index'],
  [202, errors.IndexOutOfMemoryError, 'the index is out of memory'],
  [203, errors.IndexNotReadableError, 'the index is still being built', RETRY],
  [204, errors.IndexError, 'index error'],
  [205, errors.IndexNameTooLongError, 'the name of the index is too long'],
  [206, errors.IndexLimitError, 'the namespace has its most indexes already'],
  [210, errors.QueryAbortedError, 'the query was stopped'],
  [211, errors.QueryQueueFullError, 'the server takes no more queries', RETRY],
  [212, errors.QueryTimeoutError, 'the query timed out', RETRY],
  [213, errors.QueryError, 'query failed'],
  [1301, errors.UdfNotFoundError, 'no such UDF'],
  [1302, errors.LuaFileNotFoundError, 'no such Lua file'],
  [-1, errors.ClientError, 'client error'],
  [-2, errors.InvalidArgumentError, 'invalid argument'],
  [-3, errors.ClientError, 'no more records'],
  [-4, errors.InvalidHostError, 'invalid host'],
  [-5, errors.AbortError, 'aborted'],
  [-6, errors.ConnectionError, 'connection failed', RETRY],
  [-7, errors.NoConnectionError, 'no connection became free', RETRY],
  [-8, errors.NodeNotFoundError, 'no node for the partition', RETRY],
  [-9, errors.TlsError, 'TLS failed'],
  [-10, errors.ConnectionError, 'connection failed', RETRY],
  [-11, errors.QueueFullError, 'too many calls are waiting', RETRY],
  [-12, errors.MaxRetriesError, 'every attempt failed', RETRY],
  [-13, errors.ClientError, 'client error'],
  [-14, errors.NodeErrorRateError, 'the node is left alone after too many errors', RETRY],
  [-15, errors.NoResponseError, 'no answer for this row', RETRY],
  [-17, errors.TransactionError, 'the transaction failed'],
  [-18, errors.TransactionError, 'the transaction is committed already'],
  [-19, errors.TransactionError, 'the transaction is aborted already'],
  [-20, errors.ClientError, 'metrics setting conflicts'],
  [-21, errors.ClientClosedError, 'the client is closed'],
]

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
