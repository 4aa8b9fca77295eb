// Errors: the right class, all the facts, the caller's line, and no secrets.
import { inspect } from 'node:util'
import * as everything from 'aerospike-napi'
import {
  AerospikeError,
  BinNameError,
  BinTypeError,
  ClientError,
  ClusterError,
  connect,
  InvalidArgumentError,
  InvalidHostError,
  NamespaceNotFoundError,
  op,
  RESULT_CODES,
  RecordError,
  RecordNotFoundError,
  ServerError,
} from 'aerospike-napi'
import test from 'ava'
import { another, client, freshKey } from './support/cluster.mjs'

test('an error about a bin has the bin, where only one can be meant', async (t) => {
  const key = freshKey('bins')
  await client().put(key, { n: 5, m: 1 })
  const append = op.append('n', 'x')
  const failing: [string, Promise<unknown>, string | undefined][] = [
    ['append', client().append(key, 'n', 'x'), 'n'],
    ['operate on one bin', client().operate(key, [append, op.read('n')]), 'n'],
    ['operate on several', client().operate(key, [append, op.read('m')]), undefined],
  ]
  for (const [what, call, bin] of failing) {
    const error = await t.throwsAsync(call, { instanceOf: BinTypeError }, what)
    t.is(error.bin, bin, what)
    t.is(error.message.includes('bin "n"'), bin !== undefined, what)
    t.is((error.toJSON() as { bin?: string }).bin, bin)
  }
  const [row] = (await client().batchWrite([{ key, ops: [append] }])).failed
  t.like(row?.error, { name: 'BinTypeError', bin: 'n' })
})

test('a failure says what failed, on which key, where and after how many attempts', async (t) => {
  const key = freshKey('user1')
  const error = await t.throwsAsync(client().get(key), { instanceOf: RecordNotFoundError })
  t.true(
    error instanceof RecordError &&
      error instanceof ServerError &&
      error instanceof AerospikeError &&
      error instanceof Error,
  )
  t.is(error.name, 'RecordNotFoundError')
  t.is(error.code, 2)
  t.is(error.key, key)
  t.is(typeof error.node, 'string')
  t.is(error.attempts, 1)
  t.true(error.elapsed >= 0)
  t.is(error.inDoubt, false)
  t.is(error.retryable, false)
  t.deepEqual(error.subErrors, [])
  t.regex(error.message, /^get \["test", "t\w+", "user1"\]: record not found \(code 2, node \w+, 1 attempt/)
})

test('the stack shows the line of the caller', async (t) => {
  async function aFunctionOfTheUser() {
    return await client().get(freshKey())
  }
  const error = await t.throwsAsync(aFunctionOfTheUser())
  t.regex(error?.stack ?? '', /aFunctionOfTheUser.*errors\.test/)
  async function anotherOne() {
    return await client().put(freshKey(), { bad: (() => 1) as never })
  }
  t.regex((await t.throwsAsync(anotherOne()))?.stack ?? '', /anotherOne/)
  async function manyOfThem() {
    return await client().getMany([['nonesuch', 's', 1]])
  }
  t.regex((await t.throwsAsync(manyOfThem()))?.stack ?? '', /manyOfThem/)
})

test('an error serialises, whatever its key', async (t) => {
  const error = await t.throwsAsync(client().get(['test', 'none', 2n ** 60n]))
  const json = JSON.parse(JSON.stringify(error)) as { name: string; key: unknown[]; code: number; message: string }
  t.is(json.name, 'RecordNotFoundError')
  t.deepEqual(json.key, ['test', 'none', '1152921504606846976'])
  t.is(json.code, 2)
  t.true(json.message.length > 20)
})

test('result codes of the server become their classes', async (t) => {
  const key = freshKey()
  await client().put(key, { text: 'x' })
  await t.throwsAsync(client().increment(key, 'text'), { instanceOf: BinTypeError })
  const error = await t.throwsAsync(client().get(['nonesuch', 's', 1]))
  t.true(error instanceof NamespaceNotFoundError || error instanceof ClusterError, String(error))
})

test('a bin name of 16 bytes is refused before anything is sent, one of 15 is fine', async (t) => {
  const key = freshKey()
  await client().put(key, { ['b'.repeat(15)]: 1, ['é'.repeat(7)]: 2 })
  await t.throwsAsync(client().put(key, { ['b'.repeat(16)]: 1 }), { instanceOf: InvalidArgumentError, message: /15/ })
  await t.throwsAsync(client().put(key, { ['é'.repeat(8)]: 1 }), {
    instanceOf: InvalidArgumentError,
    message: /16 bytes/,
  })
  await t.throwsAsync(client().select(key, ['b'.repeat(16)]), { instanceOf: InvalidArgumentError })
  t.is(new BinNameError('x').name, 'BinNameError')
})

test('every result code has a class that is exported under its name, and every class a place in the hierarchy', (t) => {
  const exported = everything as unknown as { [name: string]: unknown }
  for (const { code, errorClass, meaning } of RESULT_CODES.values()) {
    t.is(exported[errorClass.name], errorClass, errorClass.name)
    t.true(errorClass.prototype instanceof AerospikeError)
    t.true(meaning.length > 3, String(code))
  }
  for (const name of [
    'RecordNotFoundError',
    'RecordExistsError',
    'GenerationError',
    'BinTypeError',
    'TimeoutError',
    'ClusterError',
    'IndexNotFoundError',
    'UdfError',
    'SecurityError',
  ]) {
    t.is(typeof exported[name], 'function', name)
  }
})

test('every failure is a rejection, never a synchronous throw', async (t) => {
  const bad = client() as unknown as { [method: string]: (...args: unknown[]) => Promise<unknown> }
  for (const method of [
    'get',
    'select',
    'exists',
    'put',
    'remove',
    'touch',
    'append',
    'prepend',
    'increment',
    'removeBin',
    'operate',
    'operateOrdered',
    'batchRead',
    'batchWrite',
    'batchOperate',
    'batchRemove',
    'getMany',
    'existsMany',
    'selectMany',
    'info',
  ]) {
    for (const args of [
      [],
      [null],
      [null, null, null, null],
      [{}, {}],
      [['test', 's', 1], null, 'x', 7],
      [Symbol('x')],
    ]) {
      let promise: unknown
      t.notThrows(() => {
        promise = bad[method]?.(...args)
      }, method)
      await t.throwsAsync(promise as Promise<unknown>, { instanceOf: ClientError }, `${method}(${inspect(args)})`)
    }
  }
  await t.throwsAsync(connect(null as never), { instanceOf: InvalidArgumentError })
  await t.throwsAsync(connect({ hosts: [] }), { instanceOf: InvalidArgumentError })
  await t.throwsAsync(connect('127.0.0.1:99999'), { instanceOf: InvalidHostError })
  await t.throwsAsync(connect(['a b']), { instanceOf: InvalidHostError })
})

test('a password appears in no error, however it is printed', async (t) => {
  const password = 'hunter2-very-secret'
  const show = (error: unknown) => {
    const cause = (error as Error).cause
    return [
      inspect(error, { depth: 9, showHidden: true }),
      String(error),
      JSON.stringify(error),
      (error as Error).stack,
      inspect(cause),
    ].join('\n')
  }
  const failures: Promise<unknown>[] = [
    connect({ hosts: ['127.0.0.1:1'], user: 'u', password, connectTimeout: 300 }),
    connect({ hosts: ['127.0.0.1:1'], user: 'u', pasword: password } as never),
    connect({ hosts: ['127.0.0.1:1'], user: 'u', password: { password } as never }),
    connect({ hosts: ['127.0.0.1:1'], user: 'u', password: [password] as never }),
  ]
  for (const failure of failures) {
    const error = await t.throwsAsync(failure)
    t.false(show(error).includes(password))
  }
  const own = await another({ user: 'u', password }).catch((error: unknown) => error)
  t.false(show(own instanceof Error ? own : new Error(inspect(own, { depth: 9, showHidden: true }))).includes(password))
  if (!(own instanceof Error)) await (own as { close(): Promise<void> }).close()
})
