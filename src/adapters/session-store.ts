// A session store for express-session, and for @fastify/session, which asks less of one. It knows neither package: what it
// needs of express-session, that gives to its store.

import { EventEmitter } from 'node:events'
import { InvalidArgumentError } from '../errors/classes.js'
import { atEndOfTick, unixTime } from '../host.js'
import { MAX_TTL_SECONDS } from '../limits.js'
import { checkPlace, Store, type StoreClient, type StoredValue, secondsOf } from './store.js'

export type { StoreClient }

/** Options of {@link AerospikeSessionStore}. */
export interface SessionStoreOptions {
  /** The namespace of the records. Default 'test'. */
  readonly namespace?: string | undefined
  /** Their set. Default 'sessions'. */
  readonly set?: string | undefined
  /** Seconds that a session lives whose cookie does not say when it expires. Default 86,400: a day. */
  readonly ttl?: number | undefined
}

/** What a framework keeps of a session: plain data with a cookie. */
export interface SessionData {
  readonly cookie?: {
    readonly expires?: Date | string | null | undefined
    readonly originalMaxAge?: number | null | undefined
  }
}

type Done<T = void> = (error?: unknown, result?: T | null) => void

/** A request, as far as express-session gives it to its store. */
interface SessionRequest {
  sessionID: string
  session?: unknown
  sessionStore?: unknown
}

/** What express-session makes of the data of a session. */
interface SessionClasses {
  readonly Session: new (request: object, data: object) => object
  /** Its cookies do not lead to their constructor. */
  readonly cookie: object
}

const DAY_SECONDS = 86_400

/**
 * A store for sessions: of `express-session` and of `@fastify/session`. A session expires on the server when its cookie does.
 *
 * @example
 * app.use(session({ store: new AerospikeSessionStore(client, { namespace: 'test' }), secret, resave: false, saveUninitialized: false }))
 */
export class AerospikeSessionStore extends EventEmitter {
  /** Set by express-session: gives a request a new session. */
  generate?: (request: SessionRequest) => void
  readonly #store: Store
  readonly #ttl: number
  #classes: SessionClasses | undefined

  /**
   * @param client a client, or what will be one; whoever made it closes it
   * @throws InvalidArgumentError for options that do not exist or make no sense
   */
  constructor(client: StoreClient, options: SessionStoreOptions = {}) {
    super()
    const place = checkPlace('AerospikeSessionStore', options, { namespace: 'test', set: 'sessions' }, ['ttl'])
    const { ttl = DAY_SECONDS } = options
    if (!Number.isInteger(ttl) || ttl < 1 || ttl > MAX_TTL_SECONDS) {
      throw new InvalidArgumentError(
        `AerospikeSessionStore: option 'ttl' must be a whole number of seconds from 1 to ${MAX_TTL_SECONDS}`,
      )
    }
    this.#ttl = ttl
    this.#store = new Store(client, place)
  }

  /** The session of an id; null when there is none, or no more. */
  get(id: string, done: Done<SessionData>): void {
    settle(
      this.#store.read(id).then((text) => (text === undefined ? undefined : dataOf(text))),
      done,
    )
  }

  set(id: string, session: SessionData, done?: Done): void {
    settle(
      // What cannot be written as JSON is the caller's to hear of.
      (async () => this.#store.write(id, JSON.stringify(session), this.#secondsOf(session)))(),
      done,
    )
  }

  destroy(id: string, done?: Done): void {
    settle(
      this.#store.remove([id]).then(() => undefined),
      done,
    )
  }

  /** Lets a session live as long as its cookie says now. One that is gone stays gone. */
  touch(id: string, session: SessionData, done?: Done): void {
    settle(this.#store.touch(id, this.#secondsOf(session)), done)
  }

  /** All sessions that live. */
  all(done: Done<SessionData[]>): void {
    settle(
      (async () => {
        const sessions: SessionData[] = []
        for await (const { v } of this.#store.all()) sessions.push(dataOf(v))
        return sessions
      })(),
      done,
    )
  }

  /** How many sessions live. */
  length(done: Done<number>): void {
    this.all((error, sessions) => done(error, sessions?.length))
  }

  /** Ends all sessions. */
  clear(done?: Done): void {
    settle(this.#store.clear(), done)
  }

  // What express-session wants of a store besides, as its own base class has it.

  /** Gives a request a new session in the place of its own. */
  regenerate(request: SessionRequest, done: Done): void {
    this.destroy(request.sessionID, (error) => {
      this.generate?.(request)
      done(error)
    })
  }

  /** A session without a request. */
  load(id: string, done: Done<object>): void {
    this.get(id, (error, data) => {
      if (error !== undefined && error !== null) done(error)
      else if (data === null || data === undefined) done()
      else done(null, this.createSession({ sessionID: id, sessionStore: this }, data))
    })
  }

  /** Makes a session of the framework out of its data, and gives it to a request. */
  createSession(request: SessionRequest, data: SessionData): object {
    const { Session, cookie: prototype } = this.#classesOf(request)
    const { expires, originalMaxAge } = data.cookie ?? {}
    const cookie = Object.assign(
      Object.create(prototype) as { expires?: unknown; originalMaxAge?: unknown },
      data.cookie,
    )
    if (typeof expires === 'string') cookie.expires = new Date(expires)
    cookie.originalMaxAge = originalMaxAge
    const session = new Session(request, { ...data, cookie })
    request.session = session
    return session
  }

  /** express-session does not export its classes to stores that are not its own; a session that it makes has them. */
  #classesOf(request: SessionRequest): SessionClasses {
    if (this.#classes !== undefined) return this.#classes
    const sample = Object.create(request) as SessionRequest
    if (this.generate === undefined)
      throw new InvalidArgumentError('AerospikeSessionStore: express-session does not use it')
    this.generate(sample)
    const session = sample.session as { readonly constructor: never; readonly cookie: object }
    this.#classes = { Session: session.constructor, cookie: Object.getPrototypeOf(session.cookie) as object }
    return this.#classes
  }

  #secondsOf({ cookie }: SessionData): number | 'never' {
    const { expires, originalMaxAge } = cookie ?? {}
    if (expires !== undefined && expires !== null) return secondsOf(new Date(expires).getTime() - unixTime())
    return typeof originalMaxAge === 'number' ? secondsOf(originalMaxAge) : this.#ttl
  }
}

function dataOf(text: StoredValue): SessionData {
  return JSON.parse(text as string) as SessionData
}

/** Tells the callback, outside of the promise: what it throws is not a failure of the store. */
function settle<T>(work: Promise<T | undefined>, done: Done<T> | undefined): void {
  work.then(
    (result) => atEndOfTick(() => done?.(null, result ?? null)),
    (error: unknown) => atEndOfTick(() => done?.(error)),
  )
}
