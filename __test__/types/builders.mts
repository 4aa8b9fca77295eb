// What the compiler must accept, infer and refuse of operations and expressions. Compiled with the tests; never run.
import {
  bits,
  type Client,
  ctx,
  Double,
  type Exp,
  exp,
  hll,
  type Key,
  lists,
  maps,
  op,
  paths,
  WILDCARD,
  where,
} from 'aerospike-napi'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function exactly<_T extends true>(): void {}

declare const client: Client
declare const key: Key

function operations() {
  interface Visit {
    page: string
    at: number
  }
  const visit: Visit = { page: '/', at: 1 }
  lists.append('l', visit)
  lists.append('l', [1, 'x', null], { addUnique: true, order: 'ordered' })
  lists.getByIndexRange('l', 0, { return: 'count' })
  lists.getByIndexRange('l', 0, 2, { return: 'index', inverted: true })
  lists.getByValue('l', ['a', WILDCARD])
  maps.put('m', 1, visit, { write: 'create', noFail: true })
  maps.getByKeyRange('m', null, 'z', { return: 'keyValue' })
  bits.add('b', 0, 8, 1, { overflow: 'wrap', signed: true })
  hll.add('h', ['a', 1], { indexBits: 12 })
  paths.modify('m', [ctx.all()], exp.path.remove())
  // @ts-expect-error a Date cannot be stored
  lists.append('l', new Date())
  // @ts-expect-error an index is a number
  lists.getByIndex('l', 'first')
  // @ts-expect-error there is no such flag
  lists.append('l', 1, { addUniqe: true })
  // @ts-expect-error there is no such return type
  lists.getByIndex('l', 0, { return: 'valu' })
  // @ts-expect-error lists have no keys
  lists.getByIndex('l', 0, { return: 'key' })
  // @ts-expect-error true is no key of a map
  maps.put('m', true, 1)
  // @ts-expect-error nor is a list
  maps.put('m', ['a'], 1)
  // @ts-expect-error nor null
  maps.increment('m', null, 1)
  // @ts-expect-error nor a fraction in a Double
  maps.put('m', new Double(1.5), 1)
  // @ts-expect-error nor an object
  maps.putItems('m', new Map([[{}, 1]]))
  // @ts-expect-error one element cannot be inverted
  maps.getByKey('m', 'a', { inverted: true })
  // @ts-expect-error there is no such order
  maps.create('m', { order: 'ordered' })
  // @ts-expect-error sorting has no order
  lists.sort('l', { order: 'ordered' })
  // @ts-expect-error bytes are needed
  bits.set('b', 0, 8, 255)
  // @ts-expect-error a bin name is needed
  maps.size(5)
  // @ts-expect-error a wildcard cannot be stored
  op.write('l', [WILDCARD])
  // @ts-expect-error a rank does not say what to create
  ctx.listRank(0, { create: 'ordered' })
  // @ts-expect-error maps have other orders
  ctx.mapKey('a', { create: 'padded' })
}

function expressions() {
  const age = exp.bin.int('age')
  const name = exp.bin.string('name')
  exactly<Same<typeof age, Exp<'int'>>>()
  const sum = exp.add(age, 1, exp.ttl())
  exactly<Same<typeof sum, Exp<'int'>>>()
  const test = exp.and(exp.gt(age, 18), exp.eq(name, 'x'), true)
  exactly<Same<typeof test, Exp<'bool'>>>()
  const size = exp.lists.size(exp.bin.list('l'))
  exactly<Same<typeof size, Exp<'int'>>>()
  const changed = exp.lists.append(exp.bin.list('l'), age)
  exactly<Same<typeof changed, Exp<'list'>>>()
  const one = exp.maps.getByKey(exp.bin.map('m'), 'a', { type: 'float' })
  exactly<Same<typeof one, Exp<'float'>>>()
  const rank = exp.maps.getByKey(exp.bin.map('m'), 'a', { return: 'rank' })
  exactly<Same<typeof rank, Exp<'int'>>>()
  const many = exp.maps.getByValue(exp.bin.map('m'), 5, { return: 'keyValue' })
  exactly<Same<typeof many, Exp<'map'>>>()
  const word = exp.cond(exp.lt(age, 18), 'minor', 'adult')
  exactly<Same<typeof word, Exp<'string'>>>()
  const x = exp.let(exp.def('x', age), exp.mul(exp.var('x', 'int'), 2))
  exactly<Same<typeof x, Exp<'int'>>>()
  exp.cond(exp.lt(age, 18), age, exp.unknown())
  exp.toInt(exp.bin.float('f'))
  // @ts-expect-error an integer cannot be added to text
  exp.add(age, name)
  // @ts-expect-error nor text to an integer
  exp.add(age, 'x')
  // @ts-expect-error an integer and a float do not mix
  exp.add(age, exp.bin.float('f'))
  // @ts-expect-error values of two types cannot be compared
  exp.eq(age, name)
  // @ts-expect-error nor a bin with a value of another type
  exp.gt(age, 'x')
  // @ts-expect-error geometries cannot be compared
  exp.eq(exp.bin.geo('a'), exp.bin.geo('b'))
  // @ts-expect-error only what is true or false
  exp.and(age, test)
  // @ts-expect-error a list is needed
  exp.lists.size(age)
  // @ts-expect-error both answers have one type
  exp.cond(test, age, 'none')
  // @ts-expect-error in expressions nothing is answered about what was removed
  exp.lists.removeByIndex(exp.bin.list('l'), 0, { return: 'value' })
  // @ts-expect-error pop is for operations
  exp.lists.pop(exp.bin.list('l'), 0)
  // @ts-expect-error there is no such flag
  op.expWrite('a', age, { create: true })
}

async function filters() {
  const filter = where`$.age > ${5} and $.name == ${'x'}`
  exactly<Same<typeof filter, Exp<'bool'>>>()
  await client.get(key, { filter })
  await client.put(key, { a: 1 }, { filter })
  await client.remove(key, { filter })
  await client.operate(key, [op.touch()], { filter })
  await client.batchRead([key, { key, bins: ['a'], filter }], { filter })
  await client.batchWrite([{ key, bins: { a: 1 }, filter }])
  await client.batchRemove([{ key, filter }])
  // @ts-expect-error a filter is true or false
  await client.get(key, { filter: exp.bin.int('age') })
  // @ts-expect-error a filter is an expression
  await client.get(key, { filter: '$.age > 5' })
  // @ts-expect-error a Date is no value
  where`$.at > ${new Date()}`
}

export { expressions, filters, operations }
