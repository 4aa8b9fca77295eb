// The native addon: loading it, and its types, which the napi CLI writes from the Rust code into binding.d.cts.

import type * as addon from '#binding'
import { ClientError } from '../errors/classes.js'
import { serveFrom } from '../host.js'

export type {
  NativeAdminCall,
  NativeAdminReply,
  NativeAggregation,
  NativeAilment,
  NativeChange,
  NativeClient,
  NativeCluster,
  NativeClusterOptions,
  NativeCommitFailure,
  NativeConfig,
  NativeCounted,
  NativeEvents,
  NativeJobReply,
  NativeJobSpec,
  NativeLatency,
  NativeLocalTls,
  NativeLocalUser,
  NativeMetrics,
  NativeNode,
  NativeNodeMetrics,
  NativePrivilege,
  NativeQuery,
  NativeQuerySpec,
  NativeQueryStep,
  NativeReach,
  NativeRefusal,
  NativeRole,
  NativeSecurity,
  NativeSettings,
  NativeTls,
  NativeTransaction,
  NativeUsage,
  NativeUser,
} from '#binding'

type Addon = typeof addon

let loaded: Addon | undefined

/** The addon. Loaded when first needed, so that importing the package never fails for want of it. */
export function binding(): Addon {
  if (loaded !== undefined) return loaded
  try {
    // From dist/src/boundary/addon.js.
    loaded = require('../../../binding.cjs') as Addon
    serveFrom(loaded)
    return loaded
  } catch (cause) {
    throw new ClientError(loadingFailed(cause), { cause })
  }
}

/** The loader tries a dozen files at most. */
const MAX_CAUSES = 32

/** Why there is no addon: none is installed, or one is and the loader says what is wrong with it. */
export function loadingFailed(cause: unknown): string {
  const system = `${process.platform}-${process.arch}, Node ${process.version}`
  const reasons = new Set<string>()
  for (let error = cause, depth = 0; error instanceof Error && depth < MAX_CAUSES; error = error.cause, depth++) {
    const { code, message } = error as Error & { code?: string }
    // What is not there says nothing about what is, and the outermost error only sums up.
    if (depth > 0 && code !== 'MODULE_NOT_FOUND') {
      reasons.add((message.split('\n', 1)[0] as string).trim())
    }
  }
  if (reasons.size > 0) {
    return `the native addon of aerospike-napi for ${system} cannot be loaded: ${[...reasons].join('; ')}`
  }
  return `aerospike-napi has no native addon for ${system}: reinstall it with optional dependencies, or build it with npm run build`
}
