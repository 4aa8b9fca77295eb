/**
 * A cluster inside this process, for trying things out and for tests.
 *
 * @packageDocumentation
 */

export { LocalCluster, type LocalClusterOptions } from './src/local.js'
