import { App, us_socket_local_port } from 'uWebSockets.js'

/**
 * What a generator is measured against first: the HTTP server alone, answering 202 to the same bodies without looking at
 * them. Prints its port. Run as `node bench/load/bare-server.ts`.
 */
App()
  .post('/v1/jobs', (response) => {
    response.onAborted(() => {})
    response.onData((_, isLast) => {
      if (!isLast) return
      response.cork(() => {
        response.writeStatus('202 Accepted')
        response.end('{"status":"accepted"}')
      })
    })
  })
  .listen('127.0.0.1', 0, (socket) => {
    if (!socket) throw new Error('cannot listen on 127.0.0.1')
    console.log(us_socket_local_port(socket))
  })
