/**
 * A store of Keyv's on Aerospike: `new Keyv({ store: new KeyvAerospike(client) })`. cache-manager and NestJS take it too.
 *
 * @packageDocumentation
 */

export { KeyvAerospike, type KeyvAerospikeOptions, type StoreClient, type StoredValue } from './src/adapters/keyv.js'
