import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/**
 * The metric registry. Most metrics are read at scrape time from plain numbers that the stages keep anyway, so that the hot
 * path pays nothing; durations are observed where they are known. Names follow Prometheus: base units, `_total`.
 */
export type Sample = readonly [value: number, ...labels: string[]]
type Read = () => Iterable<Sample> | Promise<Iterable<Sample>>

export class Metrics {
  readonly #registry = new Registry()

  constructor() {
    collectDefaultMetrics({ register: this.#registry })
  }

  /** A counter kept elsewhere; `read` gives its samples, label values in the order of `labels`. */
  counter(name: string, help: string, labels: readonly string[], read: Read): void {
    new Counter({
      name,
      help,
      labelNames: labels,
      registers: [this.#registry],
      async collect() {
        const samples = await read()
        this.reset()
        for (const [value, ...values] of samples) this.labels(...values).inc(value)
      },
    })
  }

  gauge(name: string, help: string, labels: readonly string[], read: Read): void {
    new Gauge({
      name,
      help,
      labelNames: labels,
      registers: [this.#registry],
      async collect() {
        const samples = await read()
        this.reset()
        for (const [value, ...values] of samples) this.labels(...values).set(value)
      },
    })
  }

  /** Seconds, observed as `observe(labels…)(seconds)`; keep the inner function. */
  histogram(name: string, help: string, labels: readonly string[], buckets: readonly number[]) {
    const histogram = new Histogram({
      name,
      help,
      labelNames: labels,
      buckets: [...buckets],
      registers: [this.#registry],
    })
    return (...values: string[]): ((seconds: number) => void) => {
      const child = histogram.labels(...values)
      return (seconds) => child.observe(seconds)
    }
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  render(): Promise<string> {
    return this.#registry.metrics()
  }
}
