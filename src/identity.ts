// What our classes are called, and who their instances are. Bundlers rename classes, so their names are data here. A process
// may have several copies of this package (jest's resetModules, ES modules beside CommonJS, two versions in a monorepo):
// what one of them made is an instance for all of them.

type Class = abstract new (...args: never[]) => object

/** The name of a class, on its prototype; the same symbol in every copy and realm. */
const NAME = Symbol.for('aerospike-napi.class')

/** Prototype chains longer than this are a Proxy's. */
const MAX_CHAIN = 32

const isOwnInstance = Function.prototype[Symbol.hasInstance]

/** Gives classes their names, by which `instanceof` recognises the instances of every copy of this package. */
export function nameClasses(classes: { readonly [name: string]: Class }): void {
  for (const [name, given] of Object.entries(classes)) {
    Object.defineProperty(given, 'name', { value: name, configurable: true })
    Object.defineProperty(given.prototype, NAME, { value: name })
    Object.defineProperty(given, Symbol.hasInstance, { value: isInstance, configurable: true })
  }
}

function isInstance(this: Class, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return (
    isOwnInstance.call(this, value) || (Object.hasOwn(this.prototype, NAME) && descends(value, nameOf(this.prototype)))
  )
}

/** Whether an object has a class of that name among its own. */
function descends(value: object, name: string): boolean {
  let prototype = Object.getPrototypeOf(value) as object | null
  for (let depth = 0; prototype !== null && depth < MAX_CHAIN; depth++) {
    if (Object.hasOwn(prototype, NAME) && nameOf(prototype) === name) return true
    prototype = Object.getPrototypeOf(prototype) as object | null
  }
  return false
}

function nameOf(prototype: object): string {
  return (prototype as { [NAME]: string })[NAME]
}
