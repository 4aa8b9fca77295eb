/**
 * A session store on Aerospike, for express-session and @fastify/session.
 *
 * @packageDocumentation
 */

export {
  AerospikeSessionStore,
  type SessionData,
  type SessionStoreOptions,
  type StoreClient,
} from './src/adapters/session-store.js'
