// Two servers that are asked the same, and what they answered.
import { once } from 'node:events'
import { connect } from 'node:net'
import { comparable, comparableRows, digestOf, Frames, KEYS, messagesOf, requests } from './frames.mjs'

const SILENCE = 20_000

/** A server that has gone, or says nothing. */
export class Lost extends Error {}

/** A connection on which requests are answered in their order. */
export class Server {
  #socket
  #frames = new Frames()
  #answers = []
  #sent = []
  #rows = []
  #wake
  #lost

  static async open (name, address) {
    const at = address.lastIndexOf(':')
    const server = new Server()
    server.name = name
    const socket = connect(Number(address.slice(at + 1)), address.slice(0, at)).setNoDelay(true)
    await once(socket, 'connect')
    socket.on('data', data => {
      for (const body of server.#frames.add(data)) server.#take(body)
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
  #take (body) {
    if (!this.#sent[this.#answers.length]?.hasRows) return this.#answers.push(comparable(body))
    this.#rows.push(body)
    if (!messagesOf(body).last) return
    this.#answers.push(comparableRows(this.#rows))
    this.#rows = []
  }

  /** Sends requests and resolves with as many answers; fewer when the server is lost, which is in `lost` then. */
  async ask (frames) {
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

  /** For each case: undefined when the answers are equal, else both. */
  async compare (cases) {
    const sent = cases.map(test => requests(test, DIGEST))
    const frames = sent.flat()
    const [real, ours] = await Promise.all([this.real.ask(frames), this.ours.ask(frames)])
    const out = []
    let at = 0
    for (const { length } of sent) {
      const [theirs, mine] = [real.slice(at, at + length), ours.slice(at, at + length)]
      at += length
      const lost = this.real.lost ?? this.ours.lost
      if (lost && (theirs.length < length || mine.length < length)) throw Object.assign(lost, { at: out.length })
      // the first answers say whether the case before left records, which is no part of this one
      for (let first = 0; first < (cases[out.length].rows === undefined ? 1 : KEYS.length); first++) theirs[first] = mine[first]
      out.push(theirs.every((answer, i) => answer === mine[i]) ? undefined : { real: theirs, ours: mine })
    }
    return out
  }

  close () {
    this.real.close()
    this.ours.close()
  }
}
