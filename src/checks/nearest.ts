// The nearest of several names to a misspelt one.

/** The name that `word` most likely meant, or `undefined` when none is close. Case does not count. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const lower = word.toLowerCase().slice(0, 64)
  let best: string | undefined
  // Up to a third of the letters may be wrong, at least two.
  let least = Math.max(2, Math.floor(lower.length / 3)) + 1
  for (const name of names) {
    const distance = editDistance(lower, name.toLowerCase())
    if (distance < least) {
      least = distance
      best = name
    }
  }
  return best
}

/** How many letters must be added, dropped, changed or swapped with their neighbour to get from `a` to `b`. */
export function editDistance(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min((last[j] as number) + 1, (row[j - 1] as number) + 1, (last[j - 1] as number) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] as number) + 1)
      row.push(cost)
    }
    before = last
    last = row
  }
  return last[b.length] as number
}
