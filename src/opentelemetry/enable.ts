// Spans and metrics of OpenTelemetry, made of what the tracing channel publishes. Above the client: it knows the channel, and what
// the package exports.

import { tracingChannel } from 'node:diagnostics_channel'
import {
  context,
  type Meter,
  type MeterProvider,
  metrics,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import { COMMAND_CHANNEL, type CommandMessage } from '../channels/command.js'
import {
  Attribute,
  DURATION_BOUNDS,
  endAttributes,
  isFailure,
  Metric,
  spanName,
  startAttributes,
} from './conventions.js'

/** A node, as far as its connections are measured. */
export interface MeasuredNode {
  readonly name: string
  readonly present: boolean
  readonly connections: { readonly open: number; readonly inUse: number }
  readonly queued: number
}

/** A client, as far as its connections are measured. */
export interface Measurable {
  metrics(): { readonly nodes: readonly MeasuredNode[] }
}

/** Options of {@link enable}. */
export interface EnableOptions {
  /** Default the global one. */
  readonly tracerProvider?: TracerProvider | undefined
  /** Default the global one. */
  readonly meterProvider?: MeterProvider | undefined
  /** Whether calls become spans. Default true. */
  readonly spans?: boolean | undefined
  /** Make spans only inside of others, such as those of requests. Default false. */
  readonly requireParent?: boolean | undefined
  /** Whether `db.client.operation.duration` is measured. Default true. */
  readonly metrics?: boolean | undefined
  /** Clients whose connections are measured as well, by names of your choice: each node is a pool called `name/node`. */
  readonly clients?: { readonly [name: string]: Measurable } | undefined
}

/** What {@link enable} began. */
export interface Enabled {
  /** Ends it; spans of calls under way still end. */
  disable(): void
  /** The same. */
  [Symbol.dispose](): void
}

const SCOPE = 'aerospike-napi'

/** The subscription there is: two would make every span twice. */
let current: Enabled | undefined

/**
 * Makes a span and a measurement of every call of every client of this copy of the package, from now on. Enabling again ends
 * what was enabled before.
 *
 * @example
 * import { enable } from 'aerospike-napi/opentelemetry'
 * enable()
 */
export function enable(options: EnableOptions = {}): Enabled {
  current?.disable()
  const tracer = (options.tracerProvider ?? trace.getTracerProvider()).getTracer(SCOPE)
  const meter = (options.meterProvider ?? metrics.getMeterProvider()).getMeter(SCOPE)
  const ends = [follow(options, tracer, meter), measureConnections(options.clients ?? {}, meter)]
  const disable = (): void => {
    if (current === enabled) current = undefined
    for (const end of ends.splice(0)) end()
  }
  const enabled: Enabled = { disable, [Symbol.dispose]: disable }
  current = enabled
  return enabled
}

/** Subscribes to calls; what is returned ends that. */
function follow(
  { spans = true, metrics = true, requireParent = false }: EnableOptions,
  tracer: Tracer,
  meter: Meter,
): () => void {
  if (typeof tracingChannel !== 'function' || !(spans || metrics)) return () => {}
  const duration = meter.createHistogram(Metric.duration, {
    description: 'Duration of database client operations.',
    unit: 's',
    advice: { explicitBucketBoundaries: DURATION_BOUNDS },
  })
  const begun = new WeakMap<CommandMessage, Span>()
  const isOver = (message: CommandMessage): void => {
    const span = begun.get(message)
    const attributes = endAttributes(message)
    if (metrics && message.elapsed !== undefined) {
      const { [Attribute.batchSize]: _, ...wanted } = startAttributes(message)
      duration.record(message.elapsed / 1000, { ...wanted, ...attributes })
    }
    if (span === undefined) return
    begun.delete(message)
    span.setAttributes(attributes)
    if (isFailure(message)) {
      const { error } = message
      if (error instanceof Error) span.recordException(error)
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) })
    }
    span.end()
  }
  const listeners = {
    start(message: CommandMessage): void {
      const parent = context.active()
      if (!spans || (requireParent && trace.getSpan(parent) === undefined)) return
      const attributes = startAttributes(message)
      begun.set(message, tracer.startSpan(spanName(message), { kind: SpanKind.CLIENT, attributes }, parent))
    },
    end(message: CommandMessage): void {
      // what could not be sent has no asynchronous end
      if (message.error !== undefined) isOver(message)
    },
    asyncStart(): void {},
    asyncEnd: isOver,
    error(): void {},
  }
  const channel = tracingChannel<string, CommandMessage>(COMMAND_CHANNEL)
  channel.subscribe(listeners as never)
  return () => channel.unsubscribe(listeners as never)
}

/** Measures connections whenever metrics are collected; what is returned ends that. */
function measureConnections(clients: { readonly [name: string]: Measurable }, meter: Meter): () => void {
  const named = Object.entries(clients)
  if (named.length === 0) return () => {}
  const connections = meter.createObservableUpDownCounter(Metric.connections, {
    description: 'The number of connections that are currently in state described by the state attribute.',
    unit: '{connection}',
  })
  const pending = meter.createObservableUpDownCounter(Metric.pending, {
    description: 'The number of current pending requests for an open connection.',
    unit: '{request}',
  })
  const observe = (result: { observe(instrument: unknown, value: number, attributes: object): void }): void => {
    for (const [name, client] of named) {
      for (const node of nodesOf(client)) {
        const pool = { [Attribute.poolName]: `${name}/${node.name}` }
        const { open, inUse } = node.connections
        result.observe(connections, open - inUse, { ...pool, [Attribute.poolState]: 'idle' })
        result.observe(connections, inUse, { ...pool, [Attribute.poolState]: 'used' })
        result.observe(pending, node.queued, pool)
      }
    }
  }
  meter.addBatchObservableCallback(observe as never, [connections, pending])
  return () => meter.removeBatchObservableCallback(observe as never, [connections, pending])
}

/** The nodes of a client; none once it is closed. */
function nodesOf(client: Measurable): readonly MeasuredNode[] {
  try {
    return client.metrics().nodes.filter(({ present }) => present)
  } catch {
    return []
  }
}
