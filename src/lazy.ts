// Properties whose values are made when they are first read, of objects that are values all the same: the property is the
// object's own and enumerable from the start, so that comparing, spreading and cloning the object see it.

interface Pending<S> {
  /** What the value is made from, until it is made. */
  from: S | undefined
  value: unknown
}

/**
 * Makes a function that gives an object such a property, once for each kind of object: all that have it share the getter,
 * and with it their hidden class. It costs about 250 ns, so it is for what is much dearer to make.
 */
export function lazyProperty<S>(name: string, make: (from: S) => unknown): (target: object, from: S) => void {
  const PENDING = Symbol(name)
  const settle = (target: object, value: unknown): void => {
    // False for a frozen object, which then goes on asking.
    Reflect.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true })
  }
  const property = {
    enumerable: true,
    configurable: true,
    get(this: { [PENDING]: Pending<S> }): unknown {
      const pending = this[PENDING]
      if (pending.from !== undefined) {
        pending.value = make(pending.from)
        pending.from = undefined
        settle(this, pending.value)
      }
      return pending.value
    },
    set(this: object, value: unknown): void {
      settle(this, value)
    },
  }
  return (target, from) => {
    Object.defineProperty(target, PENDING, { value: { from, value: undefined } satisfies Pending<S> })
    Object.defineProperty(target, name, property)
  }
}
