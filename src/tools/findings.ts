// What doctor finds: each thing has a name that programs can rely on, and words for whoever reads it.

/** What can be wrong. */
export type Trouble =
  | 'host'
  | 'connection'
  | 'tls'
  | 'tls-expired'
  | 'tls-name'
  | 'login'
  | 'cluster-name'
  | 'version'
  | 'address'
  | 'node-missing'
  | 'split'
  | 'partitions'
  | 'migrations'
  | 'stop-writes'
  | 'memory'
  | 'clock'
  | 'silent'

/** Something that is wrong. */
export interface Finding {
  readonly trouble: Trouble
  /** 'error': calls fail because of it. 'warning': they may. */
  readonly severity: 'error' | 'warning'
  /** What is wrong, in a sentence. */
  readonly what: string
  /** What to do about it. */
  readonly advice: string
}

export function problem(trouble: Trouble, what: string, advice: string): Finding {
  return { trouble, severity: 'error', what, advice }
}

export function warning(trouble: Trouble, what: string, advice: string): Finding {
  return { trouble, severity: 'warning', what, advice }
}
