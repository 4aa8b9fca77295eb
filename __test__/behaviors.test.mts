// Behaviors: derivation, what each kind of call uses, files that are followed, and what sessions make of them.
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Behavior, dataSet, InvalidArgumentError, TimeoutError } from 'aerospike-napi'
import test, { type ExecutionContext } from 'ava'
import { OPTIONS, Takes } from '#src/options/table'
import { another, client, faultTest, freshSet, local, sleep } from './support/cluster.mjs'

test('what is said later, and of a smaller group, counts; explain says where it is from', (t) => {
  const parent = Behavior.DEFAULT.derive('parent', {
    all: { totalTimeout: 900 },
    reads: { totalTimeout: 300, batch: { totalTimeout: 50, concurrency: 4 } },
    writes: { maxRetries: 1 },
  })
  const child = parent.derive('child', { reads: { maxRetries: 7 } })
  t.deepEqual(child.explain('query'), {
    category: 'reads.point',
    options: {
      totalTimeout: { value: 300, from: 'parent: reads' },
      maxRetries: { value: 7, from: 'child: reads' },
    },
  })
  t.deepEqual(child.explain('query', 'batch').options.totalTimeout, { value: 50, from: 'parent: reads.batch' })
  t.is(child.explain('query', 'set').category, 'reads.query')
  t.deepEqual(child.explain('insert').options, {
    totalTimeout: { value: 900, from: 'parent: all' },
    maxRetries: { value: 1, from: 'parent: writes' },
  })
  t.deepEqual(child.explain('upsert').options, {
    maxRetries: { value: 1, from: 'parent: writes' },
    idempotent: { value: true, from: 'DEFAULT: writes.retryable' },
    totalTimeout: { value: 900, from: 'parent: all' },
  })
  const grandchild = child.derive('grandchild', { all: { totalTimeout: 5 } })
  t.is(grandchild.explain('query', 'batch').options.totalTimeout?.value, 5)
})

test('presets', (t) => {
  t.is(Behavior.READ_FAST.explain('query').options.replica?.value, 'any')
  t.is(Behavior.FAST_RACK_AWARE.explain('query').options.replica?.value, 'preferRack')
  t.is(Behavior.FAST_RACK_AWARE.explain('query').options.socketTimeout?.from, 'READ_FAST: reads')
  t.is(Behavior.STRICTLY_CONSISTENT.explain('query').options.readModeSC?.value, 'linearize')
  t.is(Behavior.STRICTLY_CONSISTENT.explain('query', 'set').options.readModeSC, undefined)
  t.deepEqual(Object.keys(Behavior.DEFAULT.explain('query').options), [])
})

test('what does not exist or makes no sense is refused, with the place and the nearest name', (t) => {
  const refuse = (options: object, message: RegExp) =>
    t.throws(() => Behavior.DEFAULT.derive('feed', options), { instanceOf: InvalidArgumentError, message })
  refuse({ raeds: {} }, /'feed': there is no option 'raeds'; did you mean 'reads'/)
  refuse({ reads: { batch: { totalTimout: 5 } } }, /'feed': reads\.batch: there is no option 'totalTimout'/)
  refuse({ reads: { point: { concurrency: 5 } } }, /reads\.point: there is no option 'concurrency'/)
  refuse({ all: { totalTimeout: -1 } }, /all: option 'totalTimeout' must be/)
  refuse({ reads: { replica: 'some' } }, /option 'replica' must be/)
  refuse({ transaction: { attempts: 0 } }, /option 'attempts' must be/)
  refuse({ reads: 5 }, /reads: options must be a plain object, not 5/)
  t.throws(() => Behavior.DEFAULT.derive('' as never), { instanceOf: InvalidArgumentError })
  t.throws(() => Behavior.DEFAULT.explain('querry' as never), { message: /did you mean 'query'/ })
  t.throws(() => client().session({} as never), { instanceOf: InvalidArgumentError })
})

faultTest('a behavior decides how long reads and batches of a session take', async (t) => {
  const own = await another()
  t.teardown(() => own.close())
  const set = dataSet('test', freshSet())
  const hasty = Behavior.DEFAULT.derive('hasty', {
    reads: { totalTimeout: 60, maxRetries: 0, batch: { totalTimeout: 30 } },
  })
  const slow = (ms: number) => Promise.all([0, 1, 2].map((node) => local().slowNode(node, ms)))
  await slow(300)
  t.teardown(() => slow(0))
  const began = performance.now()
  await t.throwsAsync(own.session(hasty).query(set.id(1)).execute(), { instanceOf: TimeoutError })
  const rows = await own.session(hasty).query(set.ids(1, 2)).execute()
  t.deepEqual(
    [...rows].map(({ error }) => error instanceof TimeoutError),
    [true, true],
  )
  t.true(performance.now() - began < 250)
})

async function file(t: ExecutionContext, name: string, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'behavior-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

const YAML = `
name: feed
parent: READ_FAST
reads:
  batch: { totalTimeout: 50 }
`

test('a file is followed, and so are behaviors that were derived from it', async (t) => {
  const path = await file(t, 'feed.yaml', YAML)
  const errors: Error[] = []
  const changed: string[] = []
  const feed = await Behavior.fromFile(path, {
    onError: (error) => errors.push(error),
    onChange: ({ name }) => changed.push(name),
  })
  t.teardown(() => feed.close())
  const child = feed.derive('child', { reads: { maxRetries: 9 } })
  const total = () => child.explain('query', 'batch').options.totalTimeout
  t.is(feed.name, 'feed')
  t.deepEqual(total(), { value: 50, from: 'feed: reads.batch' })
  const until = async (holds: () => boolean) => {
    for (let i = 0; i < 200 && !holds(); i++) await sleep(10)
    t.true(holds())
  }
  await writeFile(path, YAML.replace('50', '70'))
  await until(() => total()?.value === 70)
  await writeFile(path, 'reads: { replica: nobody }')
  await until(() => errors.length > 0)
  t.regex(String(errors[0]?.message), /option 'replica' must be/)
  t.is(total()?.value, 70)
  // As many editors do: another file takes the place of the old one.
  await writeFile(`${path}.new`, YAML.replace('50', '90'))
  await rename(`${path}.new`, path)
  await until(() => total()?.value === 90)
  t.true(changed.length >= 2)
  feed.close()
  await writeFile(path, YAML)
  await sleep(100)
  t.is(total()?.value, 90)
})

test('a session uses what the file says now', async (t) => {
  const path = await file(t, 'feed.json', JSON.stringify({ writes: { ttl: 300 } }))
  const feed = await Behavior.fromFile(path)
  t.teardown(() => feed.close())
  t.is(feed.name, 'feed')
  const session = client().session(feed)
  const set = dataSet<{ a: number }>('test', freshSet())
  const ttl = async () => {
    await session.upsert(set.id(1)).put({ a: 1 }).execute()
    return (await session.query(set.id(1)).firstOrThrow()).meta.ttl
  }
  const first = await ttl()
  t.true(first > 200 && first <= 300)
  await writeFile(path, JSON.stringify({ writes: { ttl: 900 } }))
  for (let i = 0; i < 200 && feed.explain('upsert').options.ttl?.value !== 900; i++) await sleep(10)
  t.true((await ttl()) > 800)
})

test('files that are no behaviors are refused', async (t) => {
  const refuse = async (name: string, text: string, message: RegExp) => {
    const path = await file(t, name, text)
    await t.throwsAsync(Behavior.fromFile(path), { instanceOf: InvalidArgumentError, message })
  }
  await refuse('a.json', '{', /could not be read/)
  await refuse('a.yaml', 'a: [', /could not be read/)
  await refuse('a.yml', '5', /expected the options of a behavior/)
  await refuse('a.json', '{"parent": "READ_FATS"}', /did you mean 'READ_FAST'/)
  await t.throwsAsync(Behavior.fromFile('/does/not/exist.json'), { instanceOf: InvalidArgumentError })
})

test('behaviors take every option of reads and writes that may be a default', (t) => {
  const missing = (group: 'reads' | 'writes', call: number): string[] =>
    Object.entries(OPTIONS)
      .filter(([, { takes }]) => (takes & call) !== 0 && (takes & Takes.defaults) !== 0)
      .map(([name]) => name)
      .filter((name) => {
        const error = t.throws(() => Behavior.DEFAULT.derive('x', { [group]: { [name]: Symbol('wrong') } } as never))
        return /there is no option/.test(error?.message ?? '')
      })
  t.deepEqual(missing('reads', Takes.read), [])
  // What must exist is what the verb says, and a session leaves out what is undefined.
  t.deepEqual(missing('writes', Takes.write), ['undefined', 'exists'])
})

test('a behavior can hedge its reads', async (t) => {
  const careful = Behavior.DEFAULT.derive('careful', { reads: { hedge: { after: 20, budget: 0.1 } } })
  t.deepEqual(careful.explain('query').options.hedge, { value: { after: 20, budget: 0.1 }, from: 'careful: reads' })
  const users = dataSet<{ n: number }>('test', freshSet())
  const session = client().session(careful)
  await session.upsert(users.id(1)).put({ n: 1 }).execute()
  t.is((await session.query(users.id(1)).firstOrThrow()).bins.n, 1)
})
