import { pino } from 'pino'
import { ActorSystem } from '../../runtime/actor/actor-system.ts'

export const silentLog = pino({ level: 'silent' })

/** An actor system without log output and without jitter. */
export const testSystem = (now?: () => number): ActorSystem =>
  new ActorSystem({
    log: silentLog,
    deadLettersKept: 10,
    messagesPerTurn: 256,
    random: () => 0,
    ...(now && { now }),
  })
