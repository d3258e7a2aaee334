/** What a node says of itself at `/metrics` of its operations port. */
export async function readMetrics(operationsPort: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${operationsPort}/metrics`)
  return response.text()
}

/** Jobs in the log that are not finished, of all lanes. Rejects when the metrics do not tell. */
export async function lagJobs(operationsPort: number): Promise<number> {
  const lags = [...(await readMetrics(operationsPort)).matchAll(/^spillway_lane_lag_jobs\{[^}]*\} (\S+)$/gm)]
  if (lags.length === 0) throw new Error('the metrics do not tell the lag of the lanes')
  return lags.reduce((sum, [, jobs]) => sum + Number(jobs), 0)
}
