import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/**
 * The metric registry. Most metrics are read at scrape time from plain numbers that the stages keep anyway, so that the hot
 * path pays nothing; durations are observed where they are known. Names follow Prometheus: base units, `_total`.
 */
export type Sample = readonly [value: number, ...labels: string[]]
type Read = () => Iterable<Sample> | Promise<Iterable<Sample>>

export class Metrics {
  readonly #registry = new Registry()
  readonly #refreshers: (() => Promise<void>)[] = []

  constructor() {
    collectDefaultMetrics({ register: this.#registry })
  }

  /** A counter kept elsewhere; `read` gives its samples, label values in the order of `labels`. */
  counter(name: string, help: string, labels: readonly string[], read: Read): void {
    const counter = new Counter({ name, help, labelNames: labels, registers: [this.#registry] })
    this.#refreshAtScrape(counter, read, (sample, value) => sample.inc(value))
  }

  gauge(name: string, help: string, labels: readonly string[], read: Read): void {
    const gauge = new Gauge({ name, help, labelNames: labels, registers: [this.#registry] })
    this.#refreshAtScrape(gauge, read, (sample, value) => sample.set(value))
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

  async render(): Promise<string> {
    await Promise.all(this.#refreshers.map((refresh) => refresh()))
    return this.#registry.metrics()
  }

  /** Replaces the samples of a metric by what is read then. */
  #refreshAtScrape<Labelled>(
    metric: { reset(): void; labels(...values: string[]): Labelled },
    read: Read,
    put: (sample: Labelled, value: number) => void,
  ): void {
    this.#refreshers.push(async () => {
      const samples = await read()
      metric.reset()
      for (const [value, ...values] of samples) put(metric.labels(...values), value)
    })
  }
}
