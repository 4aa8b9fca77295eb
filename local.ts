/**
 * A cluster inside this process, for trying things out and for tests.
 *
 * @packageDocumentation
 */

export {
  type Edition,
  type LocalCertificates,
  LocalCluster,
  type LocalClusterOptions,
  type LocalSecurityOptions,
  type LocalTlsOptions,
  type LocalUser,
  type RefuseRowsOptions,
} from './src/local.js'
