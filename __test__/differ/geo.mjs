// GeoJSON: shapes that are sound, that cross or touch themselves, that have no area or nearly the whole sphere, text that is
// not quite JSON, and which points lie in them.
import { op } from './frames.mjs'

/** How far apart the corners of a shape are, in degrees: from the whole world down to a centimetre. */
const SCALES = [60, 20, 5, 1, 1, 0.01, 1e-5, 1e-7]
const CENTRES = [[0, 0], [1, 2], [-122.5, 37.25], [180, 0], [45, 35.26], [10, 89], [0, -90], [135, 0], [-179.9, 10]]

const clip = (value, most) => Math.max(-most, Math.min(most, value))
const around = (r, [lng, lat], scale) => [clip(lng + r.between(-3, 3) * scale, r.oneIn(50) ? 200 : 180), clip(lat + r.between(-3, 3) * scale, r.oneIn(50) ? 95 : 90)]

function ring (r, centre, scale) {
  const points = r.weighted([
    [4, () => { // a rectangle, either way around
      const [w, h] = [r.between(0, 3) * scale, r.between(0, 3) * scale]
      const box = [[0, 0], [w, 0], [w, h], [0, h]].map(([x, y]) => [clip(centre[0] + x, 180), clip(centre[1] + y, 90)])
      return r.oneIn(2) ? box : box.reverse()
    }],
    [4, () => r.many(3, 6, () => around(r, centre, scale))],
    [1, () => r.many(0, 3, () => around(r, centre, scale))],
    [1, () => { // out and back
      const way = r.many(2, 4, () => around(r, centre, scale))
      return [...way, ...way.slice(1, -1).reverse()]
    }]
  ])
  if (points.length > 0 && !r.oneIn(12)) points.push(points[0])
  if (r.oneIn(15) && points.length > 0) points.splice(r.below(points.length), 0, r.pick(points))
  if (r.oneIn(60) && points.length > 0) points[r.below(points.length)] = r.pick([[1, 2, 3], [1], [], 'x', null, ['1', 2], [1e400, 0]])
  return points
}

const rings = (r, centre, scale) => r.many(r.oneIn(25) ? 0 : 1, r.oneIn(3) ? 3 : 1, () => ring(r, centre, r.oneIn(3) ? scale / 2 : scale))
const radius = (r, scale) => r.weighted([[6, () => r.between(0, 4) * scale * 1e5], [1, 0], [1, -5], [1, 1e7], [1, 3e7], [1, 0.01]])

function shape (r, centre, scale) {
  return r.weighted([
    [6, () => ({ type: 'Polygon', coordinates: rings(r, centre, scale) })],
    [3, () => ({ type: 'MultiPolygon', coordinates: r.many(r.oneIn(10) ? 0 : 1, 3, () => rings(r, centre, scale)) })],
    [3, () => ({ type: 'AeroCircle', coordinates: [around(r, centre, scale), radius(r, scale)] })],
    [2, () => ({ type: 'Point', coordinates: around(r, centre, scale) })],
    [1, () => ({ type: r.pick(['LineString', 'polygon', 'GeometryCollection', '', 5]), coordinates: rings(r, centre, scale) })]
  ])
}

function text (r, geometry) {
  const json = JSON.stringify(r.oneIn(10) ? { type: 'Feature', geometry, properties: {} } : r.oneIn(10) ? { ...geometry, bbox: [1] } : geometry)
  if (!r.oneIn(12)) return json
  const at = r.below(json.length + 1)
  return r.weighted([
    [2, () => ` ${json}\n`],
    [1, () => json.slice(0, at)],
    [1, () => json.slice(0, at) + r.pick([' ', ',', 'e', '0', '-', '.', '"', '\u0000', '1e5', '[', '}']) + json.slice(at)],
    [1, () => json.replace(':', ' : ')],
    [1, () => json + r.pick(['x', '{}', '\u0000'])],
    [1, () => json.replace('{', '{"type":"Point",')]
  ])
}

/** A record with a shape, of which is asked whether points lie in it; sometimes written in a list, or compared with another. */
export function geo (r) {
  const [centre, scale] = [r.pick(CENTRES), r.pick(SCALES)]
  const value = { g: text(r, shape(r, centre, scale)) }
  const point = () => r.oneIn(12) ? { g: text(r, shape(r, centre, scale)) } : { g: JSON.stringify({ type: 'Point', coordinates: around(r, centre, r.oneIn(2) ? scale : scale / 2) }) }
  const within = () => ({ code: op.EXP_READ, bin: 'r', payload: [r.oneIn(2) ? [8, [81, 8, { s: 'g' }], point()] : [8, point(), [81, 8, { s: 'g' }]], 16] })
  const test = { bins: { g: value }, ops: r.many(0, 3, within) }
  if (r.oneIn(8)) test.bins = { g: value, l: [value, 1] }
  if (r.oneIn(8)) test.filter = [8, point(), r.oneIn(2) ? value : [81, 8, { s: 'g' }]]
  return test
}
