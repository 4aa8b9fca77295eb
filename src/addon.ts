// The shape of the native addon, as docs/internal/boundary.md has it. Types only.

/** What the core needs to connect: everything is resolved, checked and given. */
export interface NativeConfig {
  readonly hosts: readonly string[]
  readonly clusterName?: string
  readonly user?: string
  readonly password?: string
  /** ms */
  readonly connectTimeout: number
  /** ms */
  readonly tendInterval: number
  readonly minConnectionsPerNode: number
  readonly maxConnectionsPerNode: number
  /** ms */
  readonly maxIdle: number
  readonly useAlternateServices: boolean
  readonly addressMap: { readonly [announced: string]: string }
  readonly maxErrorRate: number
  readonly errorRateWindow: number
  readonly appId: string
  readonly rackIds: readonly number[]
  readonly tls?: NativeTls
}

export interface NativeTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly serverName?: string
}

export interface NativeNode {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly active: boolean
  readonly connections: { readonly open: number; readonly inUse: number }
  readonly build: string
}

/** A change of the cluster; `kind` is the name of the event. */
export interface NativeChange {
  readonly kind: string
  readonly node?: NativeNode | null
}

export interface NativeClient {
  /** Calls `wake` for lone commands, which then need no other thread; false where that is not possible. */
  express(wake: () => void): boolean
  /** `alone`: one entry, and nothing else under way. True when the `wake` of `express` will announce its completion. */
  submit(entries: Uint8Array, length: number, alone?: boolean): boolean
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
  /** Calls `changed` for every node that comes or goes until `unwatch`; does not keep the process alive. */
  watch(changed: (change: NativeChange) => void): void
  unwatch(): void
  /** `node` '*' is all of them, '' any. */
  info(node: string, command: string, timeoutMs: number): Promise<{ node: string; response: string }[]>
}

export interface NativeClusterOptions {
  readonly nodes: number
  readonly port?: number
  readonly replicationFactor?: number
  readonly clusterName?: string
}

export interface NativeRefusal {
  readonly code: number
  readonly probability: number
  readonly room: number
  readonly rows?: number
}

export interface NativeCluster {
  readonly hosts: readonly string[]
  stop(): Promise<void>
  stopNode(index: number): Promise<void>
  startNode(index: number): Promise<void>
  freezeNode(index: number): Promise<void>
  thawNode(index: number): Promise<void>
  slowNode(index: number, delayMs: number): Promise<void>
  refuseRows(index: number, refusal?: NativeRefusal): Promise<void>
  dropConnections(index: number): Promise<void>
}

export interface Binding {
  readonly NativeClient: { connect(config: NativeConfig, wake: () => void): Promise<NativeClient> }
  readonly NativeCluster: { start(options: NativeClusterOptions): Promise<NativeCluster> }
  digest(set: string, keyType: number, key: Uint8Array): Buffer
}
