/**
 * A cluster inside this process, for trying things out and for tests.
 *
 * @packageDocumentation
 */

export { type Edition, LocalCluster, type LocalClusterOptions, type RefuseRowsOptions } from './src/local.js'
