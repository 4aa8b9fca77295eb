// A checker of histories: were the transactions of a run serialisable? Transactions read lists and append to them, and every
// value is appended once, so a list tells in which order its writers came, and a read tells between which of them it was.
// From that follow who must have come before whom; a circle means that no order of one after another explains the run.

/** What a transaction did with one list. */
export type Step =
  | { readonly kind: 'read'; readonly key: number; readonly list: readonly number[] }
  | { readonly kind: 'append'; readonly key: number; readonly value: number }

/** A transaction as its client knows it. */
export interface Attempt {
  readonly name: string
  readonly steps: readonly Step[]
  /** `unknown`: its client never learnt whether it was committed. */
  readonly outcome: 'committed' | 'aborted' | 'unknown'
  /** When it began and ended, in milliseconds. */
  readonly began: number
  readonly ended: number
}

/** What is wrong with a history; nothing if it is serialisable. `last` has every list as it was in the end. */
export function problemsOf(history: readonly Attempt[], last: ReadonlyMap<number, readonly number[]>): string[] {
  const writers = new Map<number, Attempt>()
  for (const attempt of history) {
    for (const step of attempt.steps) if (step.kind === 'append') writers.set(step.value, attempt)
  }
  const seen = new Set([...last.values()].flat())
  const counts = history.filter(
    ({ outcome, steps }) =>
      outcome === 'committed' ||
      (outcome === 'unknown' && steps.some((step) => step.kind === 'append' && seen.has(step.value))),
  )
  return [
    ...lists(last, writers),
    ...counts.flatMap((attempt) => writes(attempt, last)),
    ...counts.flatMap((attempt) => reads(attempt, last)),
    ...circles(counts, last, writers),
  ]
}

/** Every value in a list was appended by a transaction that may have been committed, and once. */
function lists(last: ReadonlyMap<number, readonly number[]>, writers: ReadonlyMap<number, Attempt>): string[] {
  const problems: string[] = []
  for (const [key, list] of last) {
    if (new Set(list).size !== list.length) problems.push(`list ${key} has a value twice: ${list}`)
    for (const value of list) {
      const writer = writers.get(value)
      if (writer === undefined) problems.push(`list ${key} has ${value}, which nobody appended`)
      else if (writer.outcome === 'aborted')
        problems.push(`list ${key} has ${value} of ${writer.name}, which was aborted`)
    }
  }
  return problems
}

/** A transaction that counts has written everything. */
function writes({ name, steps }: Attempt, last: ReadonlyMap<number, readonly number[]>): string[] {
  const lost = steps.filter((step) => step.kind === 'append' && last.get(step.key)?.includes(step.value) !== true)
  return lost.map((step) => `${name} was committed, but its write to list ${step.key} is lost`)
}

/** What a transaction saw of a list, apart from what it had appended itself before. */
function foreign(steps: readonly Step[], at: number): readonly number[] {
  const step = steps[at] as Step & { kind: 'read' }
  const own = new Set(steps.slice(0, at).flatMap((s) => (s.kind === 'append' && s.key === step.key ? [s.value] : [])))
  return step.list.filter((value) => !own.has(value))
}

/** A read is the beginning of the list, followed by what the transaction itself had appended. */
function reads({ name, steps }: Attempt, last: ReadonlyMap<number, readonly number[]>): string[] {
  return steps.flatMap((step, at) => {
    if (step.kind !== 'read') return []
    const others = foreign(steps, at)
    const own = steps.slice(0, at).flatMap((s) => (s.kind === 'append' && s.key === step.key ? [s.value] : []))
    const whole = last.get(step.key) ?? []
    const isPrefix = others.every((value, i) => whole[i] === value)
    const isWhole =
      step.list.length === others.length + own.length && own.every((v, i) => step.list[others.length + i] === v)
    return isPrefix && isWhole ? [] : [`${name} read [${step.list}] of list ${step.key}, which became [${whole}]`]
  })
}

/** Transactions that each must have come before the other. */
function circles(
  history: readonly Attempt[],
  last: ReadonlyMap<number, readonly number[]>,
  writers: ReadonlyMap<number, Attempt>,
): string[] {
  const after = new Map<Attempt, Map<Attempt, string>>(history.map((attempt) => [attempt, new Map()]))
  const order = (before: Attempt | undefined, later: Attempt | undefined, why: string): void => {
    if (before === undefined || later === undefined || before === later) return
    if (after.has(later)) after.get(before)?.set(later, why)
  }
  for (const [key, list] of last) {
    list.forEach((value, i) => {
      if (i > 0) order(writers.get(list[i - 1] as number), writers.get(value), `wrote to list ${key} before`)
    })
  }
  for (const attempt of history) {
    attempt.steps.forEach((step, at) => {
      if (step.kind !== 'read') return
      const others = foreign(attempt.steps, at)
      const whole = last.get(step.key) ?? []
      order(writers.get(others[others.length - 1] as number), attempt, `was read by, in list ${step.key},`)
      const own = new Set(attempt.steps.flatMap((s) => (s.kind === 'append' ? [s.value] : [])))
      const next = whole.slice(others.length).find((value) => !own.has(value))
      if (next !== undefined) order(attempt, writers.get(next), `did not see, in list ${step.key}, what was written by`)
    })
  }
  // who ended before another began came before it
  for (const before of history) {
    if (before.outcome !== 'committed') continue
    for (const later of history) if (before.ended < later.began) order(before, later, 'ended before')
  }
  return circle(after)
}

/** One circle in a graph, if there is one, in words. */
function circle(after: ReadonlyMap<Attempt, ReadonlyMap<Attempt, string>>): string[] {
  const state = new Map<Attempt, 'open' | 'done'>()
  const path: Attempt[] = []
  const visit = (attempt: Attempt): string[] => {
    state.set(attempt, 'open')
    path.push(attempt)
    for (const next of after.get(attempt)?.keys() ?? []) {
      if (state.get(next) === 'open') {
        const loop = [...path.slice(path.indexOf(next)), next]
        const words = loop
          .slice(1)
          .map((to, i) => `${loop[i]?.name} ${after.get(loop[i] as Attempt)?.get(to)} ${to.name}`)
        return [`a circle: ${words.join('; ')}`]
      }
      const found = state.has(next) ? [] : visit(next)
      if (found.length > 0) return found
    }
    path.pop()
    state.set(attempt, 'done')
    return []
  }
  for (const attempt of after.keys()) {
    const found = state.has(attempt) ? [] : visit(attempt)
    if (found.length > 0) return found
  }
  return []
}
