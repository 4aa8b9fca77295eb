// Loaded behind a file of the Node client's suite, whose own hook does not wait for what it asks the server.
const ANSWERED = 3000

before(() => new Promise(resolve => { setTimeout(resolve, ANSWERED) }))
