// Written from local.ts by npm run declarations.

/**
 * An in-memory cluster on loopback ports that speaks the protocol of a real one, with the namespaces `test` (records stay)
 * and `bar` (records expire after 30 days). It can be told to misbehave. Nothing is stored on disk.
 *
 * @example
 * await using cluster = await LocalCluster.start({ nodes: 3 })
 * await using client = await connect(cluster.hosts)
 */
export declare class LocalCluster {
  #private;
  /** The nodes as `host:port`, for `connect`. */
  readonly hosts: readonly string[];
  private constructor();
  /**
   * Starts a cluster and resolves when its nodes accept connections.
   *
   * @throws InvalidArgumentError for options that make no sense
   */
  static start(options?: LocalClusterOptions): Promise<LocalCluster>;
  /** Stops all nodes. Stopping again does nothing. */
  stop(): Promise<void>;
  /** Stops a node, as if its process had been killed. Its data is lost; the replicas take over. */
  stopNode(node: number): Promise<void>;
  /** Starts a stopped node again, on its port. */
  startNode(node: number): Promise<void>;
  /** Makes a node accept everything and answer nothing. */
  freezeNode(node: number): Promise<void>;
  /** Lets a frozen node go on. */
  thawNode(node: number): Promise<void>;
  /** Delays every answer of a node by some milliseconds; 0 ends it. */
  slowNode(node: number, milliseconds: number): Promise<void>;
  /**
   * Makes a node turn rows of batches away instead of running them, as an overloaded one does; `null` ends it.
   *
   * @example
   * await cluster.refuseRows(0, { code: 18, room: 100 }) // no more than 100 rows of a request
   */
  refuseRows(node: number, options: RefuseRowsOptions | null): Promise<void>;
  /** Closes all connections of a node at once; it accepts new ones. */
  dropConnections(node: number): Promise<void>;
  /** `await using cluster = await LocalCluster.start()` stops it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void>;
}
/** Options of `LocalCluster.start`. */
export interface LocalClusterOptions {
  /** Number of nodes, 1 to 8. Default 1. */
  readonly nodes?: number | undefined;
  /** Port of the first node; the others follow. Default 0: free ports. */
  readonly port?: number | undefined;
  /** Copies of every record, the master included. Default 2. */
  readonly replicationFactor?: number | undefined;
  /** The name of the cluster, as `connect({ clusterName })` checks it. */
  readonly clusterName?: string | undefined;
  /**
   * The edition of the nodes. An Enterprise cluster takes durable deletes and what else Community servers refuse with
   * `EnterpriseOnlyError`. Default 'community'.
   */
  readonly edition?: Edition | undefined;
  /**
   * Names of more namespaces, strongly consistent ones: they have transactions and linearizable reads, take durable
   * deletes only, and are unavailable while too many nodes are missing. Only with `edition: 'enterprise'`. Default none.
   */
  readonly strongConsistency?: readonly string[] | undefined;
}
/** Which rows of batches a node turns away, for `refuseRows`. */
export interface RefuseRowsOptions {
  /** The result code it answers, 1 to 255: 18 (device overload), 14 (key busy), 11 (partition unavailable) and the like. */
  readonly code: number;
  /** How likely a row is turned away, 0 to 1. Default 1. */
  readonly probability?: number | undefined;
  /** Rows of each request that run in any case: those that the node has room for. Default 0. */
  readonly room?: number | undefined;
  /** How many rows are turned away before the node is well again. Default: no end. */
  readonly rows?: number | undefined;
}
/** The edition of a server. */
export type Edition = "community" | "enterprise";

export {};
