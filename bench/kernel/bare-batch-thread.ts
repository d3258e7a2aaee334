import { parentPort } from 'node:worker_threads'
import { reportsOf } from './batches.ts'

/** The same without an actor: a worker and its port. */
parentPort?.on('message', (batch: ArrayBuffer) => parentPort?.postMessage(reportsOf(batch)))
