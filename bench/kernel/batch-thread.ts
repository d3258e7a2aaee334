import type { ThreadModule } from '../../runtime/threads/thread-module.ts'
import { reportsOf } from './batches.ts'

/** A thread actor that reports of every job it is sent. */
const batchThread: ThreadModule<undefined> = (_, thread) => ({
  receive: (batch) => {
    thread.post(reportsOf(batch as ArrayBuffer))
  },
})

export default batchThread
