// Seeded chance: a case is known by its seed and its number, and comes out the same on every machine.

/** A generator of numbers (mulberry32) with the choices that cases are made of. */
export class Random {
  #state

  constructor (seed) {
    this.#state = seed >>> 0
  }

  /** 32 random bits. */
  bits () {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }

  /** A whole number of 0..n-1. */
  below (n) {
    return this.bits() % n
  }

  /** A whole number from least to most, both included. */
  between (least, most) {
    return least + this.below(most - least + 1)
  }

  /** True once in n times. */
  oneIn (n) {
    return this.below(n) === 0
  }

  pick (list) {
    return list[this.below(list.length)]
  }

  /** One of the pairs [weight, value]; a value that is a function is called. */
  weighted (pairs) {
    let left = this.below(pairs.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, value] of pairs) {
      left -= weight
      if (left < 0) return typeof value === 'function' ? value() : value
    }
  }

  /** `make` called between `least` and `most` times. */
  many (least, most, make) {
    return Array.from({ length: this.between(least, most) }, make)
  }
}

/** The chance of one case: seeds and numbers that are close give cases that have nothing in common. */
export const chanceOf = (seed, number) => {
  const mixed = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b))
  return new Random(mixed.bits() ^ mixed.bits())
}
