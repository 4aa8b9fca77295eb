// Written from opentelemetry.ts by npm run declarations.

import { MeterProvider, TracerProvider } from '@opentelemetry/api';

/**
 * Makes a span and a measurement of every call of every client of this copy of the package, from now on. Enabling again ends
 * what was enabled before.
 *
 * @example
 * import { enable } from 'aerospike-napi/opentelemetry'
 * enable()
 */
export declare function enable(options?: EnableOptions): Enabled;
/** Options of {@link enable}. */
export interface EnableOptions {
  /** Default the global one. */
  readonly tracerProvider?: TracerProvider | undefined;
  /** Default the global one. */
  readonly meterProvider?: MeterProvider | undefined;
  /** Whether calls become spans. Default true. */
  readonly spans?: boolean | undefined;
  /** Make spans only inside of others, such as those of requests. Default false. */
  readonly requireParent?: boolean | undefined;
  /** Whether `db.client.operation.duration` is measured. Default true. */
  readonly metrics?: boolean | undefined;
  /** Clients whose connections are measured as well, by names of your choice: each node is a pool called `name/node`. */
  readonly clients?: {
    readonly [name: string]: Measurable;
  } | undefined;
}
/** What {@link enable} began. */
export interface Enabled {
  /** Ends it; spans of calls under way still end. */
  disable(): void;
  /** The same. */
  [Symbol.dispose](): void;
}
/** A client, as far as its connections are measured. */
export interface Measurable {
  metrics(): {
    readonly nodes: readonly MeasuredNode[];
  };
}
/** A node, as far as its connections are measured. */
export interface MeasuredNode {
  readonly name: string;
  readonly present: boolean;
  readonly connections: {
    readonly open: number;
    readonly inUse: number;
  };
  readonly queued: number;
}

export {};
