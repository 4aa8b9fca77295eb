// The shape of the native addon, as docs/internal/boundary.md has it. Types only.

import type { HostBinding } from '../host.js'

/** What the core needs to connect: everything is resolved, checked and given. */
export interface NativeConfig {
  readonly hosts: readonly string[]
  /** Names that certificates of hosts have, by `host:port`. */
  readonly tlsNames: { readonly [host: string]: string }
  readonly clusterName?: string
  readonly user?: string
  readonly password?: string
  /** How to log in; absent for not at all. */
  readonly authMode?: string
  /** ms */
  readonly loginTimeout: number
  /** ms */
  readonly connectTimeout: number
  /** ms */
  readonly tendInterval: number
  readonly minConnectionsPerNode: number
  readonly maxConnectionsPerNode: number
  /** ms */
  readonly maxIdle: number
  readonly useAlternateServices: boolean
  readonly wholeCluster: boolean
  readonly addressMap: { readonly [announced: string]: string }
  readonly maxErrorRate: number
  readonly errorRateWindow: number
  readonly appId: string
  readonly rackIds: readonly number[]
  readonly tls?: NativeTls
  readonly metrics: boolean
}

/** PEM, as bytes. */
export interface NativeTls {
  readonly ca?: Uint8Array
  readonly cert?: Uint8Array
  readonly key?: Uint8Array
  readonly serverName?: string
  readonly minVersion?: string
  readonly ciphers?: readonly string[]
  readonly crl?: Uint8Array
}

export interface NativePrivilege {
  readonly code: number
  /** '' for all, here and below. */
  readonly namespace: string
  readonly set: string
}

/** A call on users or roles: `verb` says which, and what it does not need is absent. */
export interface NativeAdminCall {
  readonly verb: string
  readonly name?: string
  readonly password?: string
  readonly oldPassword?: string
  readonly roles?: readonly string[]
  readonly privileges?: readonly NativePrivilege[]
  /** Comma separated; '' for everywhere. */
  readonly allowlist?: string
  readonly readQuota?: number
  readonly writeQuota?: number
}

export interface NativeUsage {
  readonly quota: number
  readonly singleRecordTps: number
  readonly queryRpsLimited: number
  readonly queryLimitless: number
}

export interface NativeUser {
  readonly user: string
  readonly roles: readonly string[]
  readonly connections: number
  readonly reads?: NativeUsage | null
  readonly writes?: NativeUsage | null
}

export interface NativeRole {
  readonly role: string
  readonly privileges: readonly NativePrivilege[]
  readonly allowlist: string
  readonly readQuota: number
  readonly writeQuota: number
}

export interface NativeAdminReply {
  readonly users: readonly NativeUser[]
  readonly roles: readonly NativeRole[]
}

export interface NativeNode {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly active: boolean
  readonly connections: { readonly open: number; readonly inUse: number }
  readonly build: string
}

/** What an aggregation needs on this side, where the last steps of its stream run. */
export interface NativeAggregation {
  /** Text of the module. */
  readonly source: string
  readonly module: string
  readonly function: string
  /** A MessagePack list. */
  readonly args: Uint8Array
}

/** A query, encoded as far as it has a meaning (docs/internal/boundary.md). */
export interface NativeQuerySpec {
  readonly namespace: string
  readonly set?: string
  /** Fields beyond those of the names, the task, the limits and the partitions, in wire form. */
  readonly fields: Uint8Array
  readonly fieldCount: number
  /** Read operations in wire form. */
  readonly ops: Uint8Array
  readonly opCount: number
  /** Goes over a secondary index: records carry the value they were found by, and resuming sends it back. */
  readonly hasRange: boolean
  readonly respondAll: boolean
  readonly noBins: boolean
  /** 0 long, 1 short, 2 long with relaxed consistency */
  readonly duration: number
  /** 0 is no limit, here and in what follows. */
  readonly maxRecords: number
  readonly recordsPerSecond: number
  /** Nodes asked at once, 0 for all. */
  readonly concurrency: number
  readonly partitionBegin: number
  readonly partitionCount: number
  /** Where to go on: in place of the range of partitions. */
  readonly cursor?: Uint8Array
  readonly nodes?: readonly string[]
  readonly replica: number
  /** ms */
  readonly totalTimeout: number
  /** ms */
  readonly socketTimeout: number
  readonly maxRetries: number
  /** ms */
  readonly sleepBetweenRetries: number
  readonly aggregation?: NativeAggregation
}

/** One step of a query: a page of results, its end, or its failure. */
export interface NativeQueryStep {
  /** 0 a page, 1 the end, 2 a failure */
  readonly kind: number
  /** Whole messages back to back; of an aggregation, operations with a value each. */
  readonly page?: Buffer
  /** Records or values in the page. */
  readonly count: number
  /** Partitions that are done, of `total`. */
  readonly done: number
  readonly total: number
  /** The failure as in a completion. */
  readonly failure?: Buffer
  /** At the end: `maxRecords` ended it, and its cursor leads on. */
  readonly more?: boolean
}

export interface NativeQuery {
  /** The next step; one call at a time. Work begins with the first. */
  next(): Promise<NativeQueryStep>
  /** Where the query was before the page handed out last. */
  cursor(): Buffer
  progress(): { done: number; total: number }
  /** Ends the query: its connections are closed, and a step that is waited for becomes the end. */
  close(): void
}

/** Work that the servers do by themselves, on all records of a query. */
export interface NativeJobSpec {
  readonly namespace: string
  readonly set?: string
  readonly fields: Uint8Array
  readonly fieldCount: number
  readonly ops: Uint8Array
  readonly opCount: number
  readonly info2: number
  readonly recordTtl: number
  readonly recordsPerSecond: number
  readonly taskId?: bigint
  /** ms */
  readonly totalTimeout: number
  /** ms */
  readonly socketTimeout: number
  readonly maxRetries: number
  /** ms */
  readonly sleepBetweenRetries: number
}

export interface NativeJobReply {
  readonly taskId: bigint
  readonly failure?: Buffer
}

/** A node that others list, and to which none of its addresses leads. */
export interface NativeUnreachable {
  readonly name: string
  readonly tried: readonly { readonly address: string; readonly reason: string }[]
}

/** A change of the cluster; `kind` is the name of the event. */
export interface NativeChange {
  readonly kind: string
  readonly node?: NativeNode | null
  readonly unreachable?: NativeUnreachable | null
}

/** How long things took: ms of all of them, and for each bucket its end in ms and how many are in it, one after the other. */
export interface NativeLatency {
  readonly sum: number
  readonly buckets: readonly number[]
}

export interface NativeCounted {
  readonly kind: string
  readonly latency: NativeLatency
  readonly rows: number
  readonly missing: number
  readonly bytesOut: number
  readonly bytesIn: number
  readonly retries: number
  readonly inDoubt: number
  readonly failures: readonly { readonly code: number; readonly count: number }[]
}

export interface NativeNodeMetrics {
  readonly name: string
  readonly present: boolean
  readonly host?: string | null
  readonly port?: number | null
  readonly build?: string | null
  readonly requests: readonly NativeCounted[]
  readonly open: number
  readonly inUse: number
  readonly opened: number
  readonly closed: number
  readonly failed: number
  readonly queued: number
  readonly batchRequests: number
  readonly breakerOpen: boolean
  readonly breakerErrors: number
  readonly breakerOpened: number
  readonly silent: boolean
  readonly fellSilent: number
  readonly tends: number
  readonly failedTends: number
}

export interface NativeMetrics {
  readonly enabled: boolean
  readonly calls: readonly NativeCounted[]
  readonly inFlight: number
  readonly resumeDelay: NativeLatency
  readonly transactions: {
    readonly begun: number
    readonly committed: number
    readonly aborted: number
    readonly inDoubt: number
    readonly failed: number
  }
  readonly nodes: readonly NativeNodeMetrics[]
}

export interface NativeClient {
  /**
   * Has commands need no other thread while they are few; false where that is not possible. `wake` is then called in place
   * of the one of `connect`, with -1, and also when such commands completed: with the number of bytes of completions that
   * are in `target`, or 0 when the next one is larger than that.
   */
  inline(wake: (filled: number) => void, target: Uint8Array): boolean
  /** `few`: not many calls are in flight. True when the `wake` of `inline` will announce all that completes. */
  submit(entries: Uint8Array, length: number, few?: boolean): boolean
  drain(target: Uint8Array): number
  table(ticket: number, target: Uint8Array): void
  page(ticket: number, index: number, target: Uint8Array): void
  release(ticket: number): void
  cancel(ticket: number): boolean
  ref(): void
  unref(): void
  close(timeoutMs: number): Promise<void>
  isConnected(): boolean
  nodes(): NativeNode[]
  metrics(): NativeMetrics
  /** Calls `changed` for every node that comes or goes until `unwatch`; does not keep the process alive. */
  watch(changed: (change: NativeChange) => void): void
  unwatch(): void
  /** `node` '*' is all of them, '' any. */
  info(node: string, command: string, timeoutMs: number): Promise<{ node: string; response: string }[]>
  reloadTls(tls: NativeTls): void
  admin(call: NativeAdminCall, timeoutMs: number): Promise<NativeAdminReply>
  openQuery(spec: NativeQuerySpec): NativeQuery
  /** `timeout` in seconds, 0 for what the server gives. */
  beginTransaction(timeout: number): NativeTransaction
  startJob(spec: NativeJobSpec): Promise<NativeJobReply>
}

/** Collecting it undoes what was not committed. */
export interface NativeTransaction {
  /** What entries name it by. */
  readonly number: number
  readonly id: bigint
  /** 0 open, 1 verified, 2 committed, 3 undone, 4 in doubt. */
  readonly state: number
  commit(): Promise<NativeCommit>
  abort(): Promise<number>
}

export interface NativeCommit {
  readonly status: number
  readonly state: number
  readonly failure?: NativeCommitFailure | null
}

export interface NativeCommitFailure {
  /** 0 it had ended before, 1 verifying, 2 marking. */
  readonly stage: number
  readonly code: number
  readonly detail: string
  readonly node?: string | null
  readonly attempts: number
  readonly elapsed: number
  readonly inDoubt: boolean
  readonly failed: readonly {
    readonly namespace: string
    readonly set: string
    readonly digest: Buffer
    readonly code: number
  }[]
}

export interface NativeClusterOptions {
  readonly nodes: number
  readonly port?: number
  readonly replicationFactor?: number
  readonly clusterName?: string
  readonly edition?: string
  readonly security?: NativeSecurity
  readonly tls?: NativeLocalTls
  readonly strongConsistency?: string[]
}

/** PEM; without a certificate the cluster makes one, and an authority that signs it. */
export interface NativeLocalTls {
  readonly name: string
  readonly cert?: Uint8Array
  readonly key?: Uint8Array
  readonly clientCa?: Uint8Array
  /** 'none', 'optional' or 'required' */
  readonly clientCertificates: string
}

/** A user that a cluster begins with. */
export interface NativeLocalUser {
  readonly name: string
  /** Absent for one who logs in by certificate. */
  readonly password?: string
  readonly roles: readonly string[]
}

export interface NativeSecurity {
  readonly users?: readonly NativeLocalUser[]
  readonly external: readonly NativeLocalUser[]
  readonly quotas: boolean
  /** s */
  readonly sessionTtl?: number
}

export interface NativeRefusal {
  readonly code: number
  readonly probability: number
  readonly room: number
  readonly rows?: number
}

export interface NativeCluster {
  readonly hosts: readonly string[]
  readonly plainHosts: readonly string[]
  /** The certificate of the authority that signed those that the cluster made. */
  readonly authority: string | null
  clientCertificate(user: string): { cert: string; key: string }
  stop(): Promise<void>
  stopNode(index: number): Promise<void>
  startNode(index: number): Promise<void>
  freezeNode(index: number): Promise<void>
  thawNode(index: number): Promise<void>
  slowNode(index: number, delayMs: number): Promise<void>
  refuseRows(index: number, refusal?: NativeRefusal): Promise<void>
  dropConnections(index: number): Promise<void>
}

export interface Binding extends HostBinding {
  readonly NativeClient: { connect(config: NativeConfig, wake: () => void): Promise<NativeClient> }
  readonly NativeCluster: { start(options: NativeClusterOptions): Promise<NativeCluster> }
  digest(set: string, keyType: number, key: Uint8Array): Buffer
}
