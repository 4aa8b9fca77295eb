// Two servers that are asked the same, and what they answered.
import { once } from 'node:events'
import { connect } from 'node:net'
import { alone, digestOf, Frames, KEYS, ONE_ANSWER, requests } from './frames.mjs'

const SILENCE = 20_000

/** How long a server that should close a connection, or say something on it, is listened to: a real one closes some in turns. */
const QUIET = 1_500

/** How often an answer that is waited for is asked for, and how long between. */
const [TRIES, BETWEEN] = [1_000, 5]

/** A server that has gone, or says nothing. */
export class Lost extends Error {}

/** A connection on which requests are answered in their order. With a list in `kept`, every answer's frames go there. */
export class Server {
  #socket
  #frames = new Frames()
  #answers = []
  #sent = []
  #rows = []
  #whole = []
  #wake
  #lost

  static async open (name, address) {
    const at = address.lastIndexOf(':')
    const server = new Server()
    server.name = name
    const socket = connect(Number(address.slice(at + 1)), address.slice(0, at)).setNoDelay(true)
    await once(socket, 'connect')
    socket.on('data', data => {
      for (const frame of server.#frames.add(data)) server.#take(frame)
      server.#wake?.()
    })
    socket.on('error', () => {})
    socket.once('close', () => {
      server.#lost = new Lost(`${name} closed the connection`)
      server.#wake?.()
    })
    server.#socket = socket
    return server
  }

  /** Takes a frame: an answer, or a part of one that has rows. */
  #take ({ type, body, bytes }) {
    const { isOver, told } = this.#sent[this.#answers.length]?.answer ?? ONE_ANSWER
    this.#rows.push(body)
    this.#whole.push(bytes)
    if (!isOver(body)) return
    this.#answers.push(told(this.#rows, type))
    this.kept?.push(this.#whole)
    this.#rows = []
    this.#whole = []
  }

  /** Sends requests and resolves with as many answers; fewer when the server is lost, which is in `lost` then. */
  async ask (frames) {
    const answers = []
    for (let at = 0; at < frames.length && this.#lost === undefined;) {
      const { until, onItsOwn } = frames[at]
      const same = frame => until === undefined && frame.until === undefined && frame.onItsOwn === onItsOwn
      let end = at + 1
      while (end < frames.length && same(frames[end])) end++
      const part = frames.slice(at, end)
      if (until !== undefined) answers.push(await this.#waitFor(frames[at]))
      else if (onItsOwn) for (const frame of part) answers.push(await this.#askAlone(frame))
      else answers.push(...await this.#exchange(part))
      at = end
    }
    return answers
  }

  /** Asks until the answer is as it is waited for; that it never came is an answer as well. */
  async #waitFor (frame) {
    const kept = this.kept?.length
    for (let left = TRIES; left > 0 && this.#lost === undefined; left--) {
      const [answer] = await this.#exchange([frame])
      // how often it was asked is not to be kept
      this.kept?.splice(kept, Infinity, [])
      if (answer !== undefined && frame.until.test(answer)) return 'came'
      await new Promise(resolve => setTimeout(resolve, BETWEEN))
    }
    return 'never came'
  }

  /** What a server says to bytes on a connection of their own, and whether it closes it. */
  async #askAlone (bytes) {
    const frames = new Frames()
    const said = []
    const [host, port] = [this.#socket.remoteAddress, this.#socket.remotePort]
    const socket = connect(port, host).setNoDelay(true)
    const end = await new Promise(resolve => {
      const timer = setTimeout(resolve, QUIET, 'silent')
      const over = how => {
        clearTimeout(timer)
        resolve(how)
      }
      socket.on('error', () => over('closed')).on('close', () => over('closed'))
      socket.on('data', data => {
        for (const frame of frames.add(data)) said.push(frame)
        if (said.at(-1)?.body.includes(alone.LAST)) over('open')
      })
      socket.write(Buffer.concat([bytes, alone.last]))
    })
    socket.destroy()
    // what stands before the answer to the last request
    this.kept?.push(said.slice(0, -1).map(frame => frame.bytes))
    return bytes.answer === undefined ? alone.told(said, end) : bytes.answer.told()
  }

  async #exchange (frames) {
    this.#answers = []
    this.#sent = frames
    this.#socket.write(Buffer.concat(frames))
    while (this.#answers.length < frames.length && this.#lost === undefined) {
      await new Promise(resolve => {
        const timer = setTimeout(() => {
          this.#lost = new Lost(`${this.name} has not answered for ${SILENCE / 1000} s`)
          resolve()
        }, SILENCE)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    return this.#answers
  }

  get lost () {
    return this.#lost
  }

  close () {
    this.#socket.destroy()
  }
}

const DIGEST = digestOf('case')

/** Both servers, and what of their answers to cases differs. */
export class Pair {
  constructor (real, ours) {
    this.real = real
    this.ours = ours
  }

  /** What both say to requests, in order. */
  ask (frames) {
    return Promise.all([this.real.ask(frames), this.ours.ask(frames)])
  }

  /** Cases in which something takes its time, each with a record of its own: all begin, then the rest of all is done. */
  async #askInTwoParts (sent) {
    const [real, ours] = [sent.map(() => []), sent.map(() => [])]
    for (const isLater of [false, true]) {
      const parts = sent.map(frames => frames.filter(frame => (frame.later !== undefined) === isLater))
      if (isLater) await new Promise(resolve => setTimeout(resolve, Math.max(...parts.flat().map(frame => frame.later))))
      const [theirs, mine] = await this.ask(parts.flat())
      let at = 0
      parts.forEach((part, i) => {
        real[i].push(...theirs.slice(at, at + part.length))
        ours[i].push(...mine.slice(at, at + part.length))
        at += part.length
      })
    }
    return [real.flat(), ours.flat()]
  }

  /** For each case: undefined when the answers are equal, else both. */
  async compare (cases) {
    const sent = cases.map((test, i) => requests(test, test.later === undefined ? DIGEST : digestOf(`case ${i}`)))
    const isLater = cases.some(({ later }) => later !== undefined)
    const [real, ours] = await (isLater ? this.#askInTwoParts(sent) : this.ask(sent.flat()))
    this.sent = sent
    const out = []
    let at = 0
    for (const { length } of sent) {
      const [theirs, mine] = [real.slice(at, at + length), ours.slice(at, at + length)]
      at += length
      const lost = this.real.lost ?? this.ours.lost
      if (lost && (theirs.length < length || mine.length < length)) throw Object.assign(lost, { at: out.length })
      // the first answers say whether the case before left records, which is no part of this one
      const { steps, rows } = cases[out.length]
      const removals = steps !== undefined ? 0 : rows !== undefined ? KEYS.length : 1
      for (let first = 0; first < removals; first++) theirs[first] = mine[first]
      out.push(theirs.every((answer, i) => answer === mine[i]) ? undefined : { real: theirs, ours: mine })
    }
    return out
  }

  close () {
    this.real.close()
    this.ours.close()
  }
}
