/** Exit codes of the `spillway` command; the numbers above 2 are those of sysexits.h. */
export const EXIT = {
  ok: 0,
  /** No such command. */
  usage: 2,
  /** The root supervisor has spent its restart budget: start the process anew. */
  gaveUp: 70,
  couldNotStart: 71,
  /** Stopped at the drain deadline with work under way, which is in the log. */
  cut: 75,
  /** A wrong flag, environment name or configuration file. */
  badConfiguration: 78,
  /** Ended by a second signal, without waiting. */
  interrupted: 130,
} as const
