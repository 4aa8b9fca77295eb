// What lanes compare: which number of a measurement, whether more of it is better, and how it is written.

const whole = n => Math.round(n).toLocaleString('en')

const figures = {
  speed: { of: 'perSecond', more: true, text: n => `${whole(n)}/s` },
  stall: { of: 'stallMillis', more: false, text: n => `${n.toFixed(1)} ms` },
  memory: { of: 'bytesHeld', more: false, text: n => `${whole(n)} B` },
  cpu: { of: 'cpuMicros', more: false, text: n => `${n.toFixed(2)} µs` },
  js: { of: 'jsMicros', more: false, text: n => `${n.toFixed(2)} µs` }
}

const figureOf = ({ figure = 'speed' }) => figures[figure]

/** The figure of a client in a lane; a dash for one that was not in it. */
export const figureText = (lane, result) => result === null ? '-' : figureOf(lane).text(result[figureOf(lane).of])

/** How many times better ours is, above 1 whatever is measured; null when there is nothing to compare with. */
export function ratioOf (lane, { official, ours }) {
  if (official === null) return null
  const { of, more } = figureOf(lane)
  return more ? ours[of] / official[of] : official[of] / ours[of]
}

export const ratioText = (ratio, digits) => ratio === null ? '-' : `${ratio.toFixed(digits)}x`

/** Lanes that a picture of speeds has a bar for. */
export const hasBar = (lane, { ratio }) => (lane.figure ?? 'speed') === 'speed' && ratio !== null

export const median = numbers => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]

/** The median of each figure. */
export const medians = runs => Object.fromEntries(Object.keys(runs[0]).map(key => [key, median(runs.map(run => run[key]))]))
