// Written from local.ts by npm run declarations.

/**
 * An in-memory cluster on loopback ports that speaks the protocol of a real one, with the namespaces `test` (records stay)
 * and `bar` (records expire after 30 days). It can be told to misbehave. Nothing is stored on disk.
 *
 * It runs until it is stopped, or until the process or the worker that started it ends; it does not keep them alive.
 *
 * @example
 * await using cluster = await LocalCluster.start({ nodes: 3 })
 * await using client = await connect(cluster.hosts)
 */
export declare class LocalCluster {
  #private;
  /** The nodes as `host:port`, for `connect`. */
  readonly hosts: readonly string[];
  /** The nodes as `host:port` for plain connections: other than `hosts` where connections are encrypted. */
  readonly plainHosts: readonly string[];
  private constructor();
  /**
   * What the nodes tell of themselves, frozen and stopped ones included: statistics of nodes and namespaces by the names that real
   * servers have, as numbers and as Prometheus text.
   *
   * @example
   * const [node] = cluster.metrics().nodes
   * console.log(node?.statistics.client_connections, node?.namespaces.test?.objects)
   */
  metrics(): LocalMetrics;
  /** What a client needs where the cluster made its certificates; `undefined` where it did not. @example connect({ hosts: cluster.hosts, tls: cluster.certificates }) */
  get certificates(): LocalCertificates | undefined;
  /**
   * A new certificate for a client whose user has a name, with its key: for `authMode: 'pki'`.
   *
   * @throws InvalidArgumentError where the cluster did not make its certificates
   * @example
   * const { cert, key } = cluster.clientCertificate('ann')
   */
  clientCertificate(user: string): {
    readonly cert: string;
    readonly key: string;
  };
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
  /** Makes a node close new connections as soon as they are made, those that are open stay; `false` ends it. */
  rejectConnections(node: number, rejects: boolean): Promise<void>;
  /**
   * Makes a node turn rows of batches away instead of running them, as an overloaded one does; `null` ends it.
   *
   * @example
   * await cluster.refuseRows(0, { code: 18, room: 100 }) // no more than 100 rows of a request
   */
  refuseRows(node: number, options: RefuseRowsOptions | null): Promise<void>;
  /**
   * Has something ail a node although it answers, as operators find it in clusters in trouble; `null` ends it.
   *
   * @example
   * await cluster.ailNode(0, { stopsWrites: true })
   */
  ailNode(node: number, ailment: Ailment | null): Promise<void>;
  /** Closes all connections of a node at once; it accepts new ones. */
  dropConnections(node: number): Promise<void>;
  /** `await using cluster = await LocalCluster.start()` stops it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void>;
}
/** What an embedded cluster tells of itself at one moment. Made by `cluster.metrics()`. */
declare class LocalMetrics {
  /** When this was. Milliseconds since 1970. */
  readonly time: number;
  readonly nodes: readonly LocalNodeMetrics[];
  /**
   * The same in the text format of Prometheus: `aerospike_node_stats_…` and `aerospike_namespace_…`, as the exporter of real
   * servers names them.
   *
   * @throws InvalidArgumentError for a label that Prometheus would not take
   * @example
   * http.createServer((_, response) => response.end(cluster.metrics().toPrometheus())).listen(9145)
   */
  toPrometheus(options?: PrometheusOptions): string;
}
/** What ails a node although it answers, for `ailNode`. */
export interface Ailment {
  /** The version it says it has, such as '4.5.0.1'. */
  readonly build?: string | undefined;
  /** The `host:port` it announces in place of its own, to clients and to its peers. */
  readonly announced?: string | undefined;
  /** Milliseconds that its clock is ahead in what it says of the time; below 0 it is behind. Records expire by the right time. */
  readonly clockAhead?: number | undefined;
  /** Partitions of each namespace that it says are still to be moved. */
  readonly migrating?: number | undefined;
  /** Whether its namespaces take no writes (`ServerFullError`). */
  readonly stopsWrites?: boolean | undefined;
}
/** Statistics by the names of the server. True is 1 and false 0; what is no number is left out. */
export interface Figures {
  readonly [name: string]: number;
}
/** What a client of a cluster with certificates of its own needs: `connect({ hosts: cluster.hosts, tls: cluster.certificates })`. */
export interface LocalCertificates {
  /** The certificate of the authority, PEM. */
  readonly ca: string;
  /** A certificate for the user `admin`, PEM. */
  readonly cert: string;
  /** Its key, PEM. */
  readonly key: string;
  /** The name that the certificate of the nodes has. */
  readonly servername: string;
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
  /** Who may do what: `true` for one user, `admin` with the password `admin`. Enterprise only. Default: anyone may do everything. */
  readonly security?: boolean | LocalSecurityOptions | undefined;
  /**
   * Encrypts connections: 'self-signed' makes the certificates, which are in `cluster.certificates` then. Nodes listen on two
   * ports each: `hosts` and `port` are for encrypted connections, `plainHosts` for plain ones. Enterprise only. Default none.
   */
  readonly tls?: "self-signed" | LocalTlsOptions | undefined;
  /**
   * Names of namespaces that are strongly consistent, `test` and `bar` or more: they have transactions and linearizable
   * reads, take durable deletes only, and are unavailable while too many nodes are missing. Only with
   * `edition: 'enterprise'`. Default none.
   */
  readonly strongConsistency?: readonly string[] | undefined;
}
/** One node of an embedded cluster. */
export interface LocalNodeMetrics {
  readonly name: string;
  /** As the info command `statistics` has them. */
  readonly statistics: Figures;
  /** As `namespace/…` has them, by namespace. */
  readonly namespaces: {
    readonly [namespace: string]: Figures;
  };
}
/** How the access control of a cluster begins. */
export interface LocalSecurityOptions {
  /**
   * Users by name. Default: `admin` with the password `admin`, who may do everything. The `admin` of a real cluster may
   * administer users alone, until it grants itself other roles.
   */
  readonly users?: {
    readonly [name: string]: LocalUser;
  } | undefined;
  /** Users by name whom a directory knows, which stands in for LDAP: for `authMode: 'external'`. */
  readonly external?: {
    readonly [name: string]: LocalUser;
  } | undefined;
  /** Whether quotas can be set, and are kept. Default false. */
  readonly quotas?: boolean | undefined;
  /** Seconds that a session lives, 1 or more. Default 86,400. */
  readonly sessionTtl?: number | undefined;
}
/** How the nodes of a cluster encrypt, with certificates of yours. */
export interface LocalTlsOptions {
  /** The name that nodes announce; their certificate has it. Default 'localhost'. */
  readonly name?: string | undefined;
  /** The certificate of the nodes, PEM. Default: one that the cluster makes. */
  readonly cert?: string | Uint8Array | undefined;
  /** Its key, PEM. */
  readonly key?: string | Uint8Array | undefined;
  /** The authorities that sign the certificates of clients, PEM. Default: the one that the cluster makes. */
  readonly clientCa?: string | Uint8Array | undefined;
  /** Whether clients show a certificate. One that is shown must be valid. Default 'optional' where there is an authority for it. */
  readonly clientCertificates?: "none" | "optional" | "required" | undefined;
}
/** A user that a cluster begins with. */
export interface LocalUser {
  /** Absent for one who logs in by certificate. */
  readonly password?: string | undefined;
  /** Names of roles. Default none. */
  readonly roles?: readonly string[] | undefined;
}
/** Options of `toPrometheus`. */
export interface PrometheusOptions {
  /** Labels that every sample gets, such as `{ client: 'sessions' }` where a process has several clients. */
  readonly labels?: {
    readonly [name: string]: string;
  } | undefined;
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
export type { LocalMetrics };
