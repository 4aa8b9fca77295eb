// Spans and metrics of OpenTelemetry, collected by its SDK and compared with the published conventions.

import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import * as published from '@opentelemetry/semantic-conventions/incubating'
import { enable } from 'aerospike-napi/opentelemetry'
import test from 'ava'
import { Attribute, DURATION_BOUNDS, Metric } from '#src/opentelemetry/conventions'
import { client, faultTest, freshSet, local } from './support/cluster.mjs'

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())

const exporter = new InMemorySpanExporter()
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })

/** The spans of what is done, in the order in which they ended. */
async function spansOf(work: () => Promise<unknown>, options = {}): Promise<readonly ReadableSpan[]> {
  exporter.reset()
  using _ = enable({ tracerProvider, metrics: false, ...options })
  await work()
  return exporter.getFinishedSpans()
}

const names = new Set<unknown>(Object.values(published))

test('every name is one of the published convention', (t) => {
  for (const name of [...Object.values(Attribute), ...Object.values(Metric)]) t.true(names.has(name), name)
  t.false(names.has('db.client.operation.length'), 'the test can fail')
  t.deepEqual(DURATION_BOUNDS, [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10])
})

test.serial('calls become spans with the attributes of the convention, inside of the active span', async (t) => {
  const set = freshSet()
  const tracer = tracerProvider.getTracer('test')
  const spans = await spansOf(async () => {
    await tracer.startActiveSpan('request', async (span) => {
      await client().put(['test', set, 'a'], { n: 1 })
      await client().get(['test', set, 'a'])
      span.end()
    })
  })
  const [put, get, request] = spans as [ReadableSpan, ReadableSpan, ReadableSpan]
  t.deepEqual([put.name, get.name, request.name], [`put ${set}`, `get ${set}`, 'request'])
  for (const span of [put, get]) {
    t.is(span.kind, SpanKind.CLIENT)
    t.is(span.parentSpanContext?.spanId, request.spanContext().spanId)
    t.is(span.spanContext().traceId, request.spanContext().traceId)
    t.is(span.status.code, SpanStatusCode.UNSET)
    t.like(span.attributes, { 'db.system.name': 'aerospike', 'db.namespace': 'test', 'db.collection.name': set })
    const ports = client()
      .nodes()
      .map(({ port }) => port)
    t.true(ports.includes(span.attributes['server.port'] as number) || ports.includes(3000))
    t.not(span.attributes['server.address'], undefined)
    for (const name of Object.keys(span.attributes)) t.true(names.has(name), name)
  }
  t.is(get.attributes['db.operation.name'], 'get')
  t.false('db.response.status_code' in get.attributes)
})

test.serial('failures have a status code, a type and an exception; a record that is not there is none', async (t) => {
  const key = ['test', freshSet(), 'a'] as const
  const spans = await spansOf(async () => {
    await client().put(key, { n: 1 })
    await t.throwsAsync(client().put(key, { n: 1 }, { exists: 'create' }))
    await t.throwsAsync(client().get([key[0], key[1], 'none']))
    await t.throwsAsync(client().put(key, { n: Symbol('no') } as never))
  })
  const [, exists, missing, unsendable] = spans as ReadableSpan[]
  t.like(exists?.attributes, { 'db.response.status_code': '5', 'error.type': 'RecordExistsError' })
  t.is(exists?.status.code, SpanStatusCode.ERROR)
  t.is(exists?.events[0]?.name, 'exception')
  t.is(missing?.attributes['db.response.status_code'], '2')
  t.is(missing?.status.code, SpanStatusCode.UNSET)
  t.false('error.type' in (missing?.attributes ?? {}))
  t.is(unsendable?.status.code, SpanStatusCode.ERROR)
  t.is(spans.length, 4)
})

test.serial('batches say how many rows they have, and one row is no batch', async (t) => {
  const set = freshSet()
  const keys = Array.from({ length: 7 }, (_, i) => ['test', set, i] as const)
  const spans = await spansOf(async () => {
    await client().batchWrite(keys.map((key) => ({ key, bins: { n: 1 } })))
    await client().getMany(keys)
    await client().batchRead(keys.slice(0, 1))
    await client().batchRead([...keys, ['test', `${set}b`, 1]])
  })
  const facts = spans.map(({ name, attributes }) => [name, attributes['db.operation.batch.size']])
  t.deepEqual(facts, [
    [`BATCH put ${set}`, 7],
    [`BATCH get ${set}`, 7],
    [`get ${set}`, undefined],
    ['BATCH get', 8],
  ])
})

test.serial('spans can be had inside of others only, and not at all', async (t) => {
  const key = ['test', freshSet(), 'a'] as const
  t.is((await spansOf(() => client().put(key, { n: 1 }), { requireParent: true })).length, 0)
  t.is((await spansOf(() => client().put(key, { n: 1 }), { spans: false })).length, 0)
  exporter.reset()
  await client().put(key, { n: 1 })
  t.is(exporter.getFinishedSpans().length, 0, 'disabled is disabled')
  exporter.reset()
  enable({ tracerProvider })
  enable({ tracerProvider })
  await client().put(key, { n: 1 })
  enable({ tracerProvider }).disable()
  t.is(exporter.getFinishedSpans().length, 1, 'enabled twice is enabled once')
})

test.serial('the duration and the connections are measured', async (t) => {
  const memory = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: memory, exportIntervalMillis: 1_000_000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const set = freshSet()
  const enabled = enable({ meterProvider, spans: false, clients: { main: client() } })
  for (let i = 0; i < 5; i++) await client().put(['test', set, i], { n: i })
  await t.throwsAsync(client().put(['test', set, 1], { n: 1 }, { exists: 'create' }))
  await client().batchRead(Array.from({ length: 5 }, (_, i) => ['test', set, i] as const))
  await reader.forceFlush()
  enabled.disable()
  const all = memory.getMetrics()[0]?.scopeMetrics[0]?.metrics ?? []
  for (const { descriptor } of all) t.true(names.has(descriptor.name), descriptor.name)
  const duration = all.find(({ descriptor }) => descriptor.name === 'db.client.operation.duration')
  t.like(duration?.descriptor, { unit: 's', type: 'HISTOGRAM' as never })
  t.is(duration?.dataPointType, DataPointType.HISTOGRAM)
  const points = (duration?.dataPoints ?? []) as {
    attributes: { [name: string]: unknown }
    value: { count: number; sum: number; buckets: { boundaries: number[] } }
  }[]
  const count = (wanted: object): number =>
    points
      .filter(({ attributes }) => Object.entries(wanted).every(([name, value]) => attributes[name] === value))
      .reduce((sum, { value }) => sum + value.count, 0)
  t.is(count({ 'db.operation.name': 'put', 'db.collection.name': set }), 6)
  t.is(count({ 'db.operation.name': 'put', 'error.type': 'RecordExistsError', 'db.response.status_code': '5' }), 1)
  t.is(count({ 'db.operation.name': 'BATCH get' }), 1)
  t.deepEqual(points[0]?.value.buckets.boundaries, DURATION_BOUNDS)
  t.true((points[0]?.value.sum ?? 100) < 10, 'seconds')
  for (const { attributes } of points) for (const name of Object.keys(attributes)) t.true(names.has(name), name)
  const connections = all.find(({ descriptor }) => descriptor.name === 'db.client.connection.count')
  t.is(connections?.descriptor.unit, '{connection}')
  const states = (connections?.dataPoints ?? []).map(({ attributes }) => attributes['db.client.connection.state'])
  t.deepEqual(new Set(states), new Set(['idle', 'used']))
  t.is(states.length, 2 * client().nodes().length)
  await meterProvider.shutdown()
})

faultTest('a span covers all attempts of its call', async (t) => {
  const set = freshSet()
  const keys = Array.from({ length: 30 }, (_, i) => ['test', set, i] as const)
  for (const key of keys) await client().put(key, { n: 1 })
  await local().freezeNode(2)
  try {
    const spans = await spansOf(() => Promise.allSettled(keys.map((key) => client().get(key, { totalTimeout: 1500 }))))
    t.is(spans.length, 30)
    t.true(spans.some(({ duration: [seconds, nanos] }) => seconds * 1e9 + nanos > 100e6))
  } finally {
    await local().thawNode(2)
  }
})

test('the API of OpenTelemetry alone is enough to enable, and costs no call its result', async (t) => {
  const enabled = enable()
  const key = ['test', freshSet(), 'a'] as const
  await client().put(key, { n: 1 })
  t.deepEqual((await client().get(key)).bins, { n: 1 })
  t.is(trace.getActiveSpan(), undefined)
  enabled.disable()
})
