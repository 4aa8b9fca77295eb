// The check of the table of rooms finds what it is there to find.

import test from 'ava'

interface Rooms {
  rooms: { [room: string]: string[] }
  tableProblems(table?: { [room: string]: string[] }): string[]
  roomProblems(files: { [path: string]: string }): string[]
  importProblems(files: { [path: string]: string }): string[]
}

const script = (name: string): string => new URL(`../../scripts/${name}.mjs`, import.meta.url).href
const { rooms, tableProblems, roomProblems, importProblems } = (await import(script('rooms'))) as Rooms
const { typescriptSources, missingSections } = (await import(script('house'))) as {
  typescriptSources(): { [path: string]: string }
  missingSections(texts: { [path: string]: string }, page: string): string[]
}
const sources = typescriptSources()

/** A file of a room with an import of each kind. */
const planted = (room: string, target: string): string[] =>
  importProblems({ ...sources, [`src/${room}/planted.ts`]: `import { x } from '${target}'\n` })

test('the sources have no wrong import, and every room of theirs is in the table', (t) => {
  t.deepEqual(tableProblems(), [])
  t.deepEqual(roomProblems(sources), [])
  t.deepEqual(importProblems(sources), [])
  t.true(Object.keys(sources).length > 90)
})

for (const room of Object.keys(rooms)) {
  test(`a wrong import that is planted in ${room} is found, whatever room it is of`, (t) => {
    const others = Object.keys(rooms).filter((other) => other !== room && !rooms[room]?.includes(other))
    t.true(others.length > 0, 'there is no room that it must not know')
    for (const other of others) {
      const message = `src/${room}/planted.ts imports ../${other}/x.js: ${room} must not know ${other}`
      t.deepEqual(planted(room, `../${other}/x.js`), [message])
      t.deepEqual(importProblems({ [`src/${room}/a.ts`]: `let x: import('../${other}/x.js').X` }).length, 1)
    }
  })

  test(`${room} imports no package, no entry and, unless it is the boundary, no addon`, (t) => {
    t.is(planted(room, 'lodash').length, 1)
    t.is(planted(room, '../../index.js').length, 1)
    t.is(planted(room, '#binding').length, room === 'boundary' || room === 'host' ? 0 : 1)
    t.is(planted(room, '../../../binding.cjs').length, room === 'boundary' ? 0 : 1)
    t.is(
      importProblems({ [`src/${room}/a.ts`]: "const x = require('../../../binding.cjs')" }).length,
      room === 'boundary' ? 0 : 1,
    )
  })
}

test('a room that is not in the table is a problem, with imports and without', (t) => {
  t.deepEqual(roomProblems({ 'src/attic/a.ts': '' }), ['the room attic is not in the table of scripts/rooms.mjs'])
  t.is(importProblems({ 'src/attic/a.ts': "import '../key.js'" }).length, 1)
  t.is(importProblems({ 'src/values/a.ts': "import '../attic/a.js'" }).length, 1)
})

test('the session takes from other rooms what the package exports, and nothing else', (t) => {
  t.deepEqual(planted('session', '../records/record.js'), [])
  t.deepEqual(planted('session', '../checks/check.js'), [])
  t.is(planted('session', '../records/shapes.js').length, 1)
})

test('entries re-export src', (t) => {
  t.is(importProblems({ 'index.ts': "export { x } from './other/x.js'" }).length, 1)
})

test('a row of the table that names a room below its own is a problem', (t) => {
  t.is(tableProblems({ a: ['b'], b: [] }).length, 1)
  t.is(tableProblems({ a: ['a'] }).length, 1)
  t.deepEqual(tableProblems({ b: [], a: ['b'] }), [])
})

test('a section of the protocol that is cited and not there is found', (t) => {
  const page = '## 2. Commands\n### 2.1 Header\n'
  const texts = { a: '(protocol 2.1)', b: 'protocol section 2', c: 'protocol 2.1 and 2.2', d: 'protocol 3, servers' }
  t.deepEqual(missingSections(texts, page), [
    'c cites section 2.2, which docs/internal/protocol.md does not have',
    'd cites section 3, which docs/internal/protocol.md does not have',
  ])
})
