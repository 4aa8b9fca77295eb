/**
 * A cluster inside this process, for trying things out and for tests.
 *
 * @packageDocumentation
 */

export { LocalCluster } from './src/local/cluster.js'
export type {
  Ailment,
  Edition,
  LocalCertificates,
  LocalClusterOptions,
  LocalSecurityOptions,
  LocalTlsOptions,
  LocalUser,
  RefuseRowsOptions,
} from './src/local/options.js'
export type { Figures, LocalMetrics, LocalNodeMetrics } from './src/telemetry/local-metrics.js'
