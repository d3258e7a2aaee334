/**
 * Every bound that nobody should have to set, by the stage it belongs to in the order of a job's path. What a node is
 * configured with is in `settings.ts`; `check-bounds.ts` holds the two together, and no node starts where they do not fit.
 *
 * The rule: what bounds a queue, a buffer, a cache, a batch, a retry, a loop or a wait is here, and a test looks for such
 * constants elsewhere. In their own files are the constants of formats and protocols, the lengths of texts that people
 * read (`…_CHARS_MAX`), and what a built-in handler asks of its upstream: that is its own business, as any handler's.
 *
 * Names end in their unit: `Jobs`, `Bytes`, `Ms`, `Mib`, or what is counted, and in `Max` or `Min` where it is one.
 */
export const BOUNDS = {
  kernel: {
    /** Latest dead letters kept for inspection; all are counted. */
    deadLettersKept: 200,
    /** Messages that wait for an actor; those of the path are batches. */
    mailboxMessagesMax: 10_000,
    /** Messages that an actor may put aside for later, where it is given no bound of its own. */
    stashMessagesMax: 1_000,
    /** A thread that is not up by then is given up. */
    threadStartTimeoutMs: 30_000,
    /** Messages that an actor handles before others get their turn. */
    messagesPerTurn: 256,
    /** How long an actor may take to stop before it is killed, where its child spec says nothing else. */
    shutdownMs: 5_000,
    /** How long the threads of a group may take to end when it is given up. */
    threadGroupEndMs: 2_000,
    /** How often threads are looked at; their memory only every so many looks while it is under half of its watermark. */
    threadWatchTickMs: 50,
    threadFarTicks: 4,
    /** A thread that is well gives its signs of life no later than this, beside what a handler may take. */
    threadStallGraceMs: 500,
    /** What a thread without a job may take to give one. */
    threadIdleStallMs: 2_000,
    /** How many times its limit a thread may be stalled without using the CPU. */
    threadBlockedFactor: 4,
    /** A thread whose V8 has not answered for so long is shown as unresponsive; after this long the node is told. */
    threadUnresponsiveMs: 500,
    threadLastingMs: 10_000,
    /** More restarts than this within the period, and a supervisor gives up, where its options say nothing else. */
    restartsMax: 5,
    restartPeriodMs: 10_000,
    /** Back-off between restarts: it grows with each until a child has stayed up for so long. */
    restartDelayMinMs: 10,
    restartDelayMaxMs: 5_000,
    restartResetMs: 30_000,
  },
  http: {
    /** Rest of a refused body that is read and thrown away, so that its client sees the answer; with more the connection ends. */
    skippedBodyBytesMax: 4_194_304,
  },
  ingress: {
    /** Lines of one batch request. */
    batchLinesMax: 1_000,
    /** Nesting of a body: deeper ones cost stack and serve nobody. */
    jsonDepthMax: 32,
    orderingKeyBytesMax: 256,
    idempotencyKeyBytesMax: 255,
    /** Payloads up to this are looked at again to say what is wrong with them; that of a larger one is said in general. */
    explainedBytesMax: 16_384,
    /** How long a lookup waits for what the pools say of a job; then the job table alone answers. */
    findTimeoutMs: 500,
    /** How long a node that stops still answers on open connections: each answer tells one client that it goes. */
    lingerMs: 250,
  },
  accept: {
    /** Jobs claimed and appended together; a batch request goes in one piece. */
    batchJobsMax: 1_000,
    /** Bodies of one append: it takes no further job beyond. */
    batchBytesMax: 4_194_304,
    /** Appends begin this far apart: one costs some 400 us of CPU, however few jobs are in it. */
    appendEveryMs: 3,
    /** So many jobs do not wait for that. */
    appendAtOnceJobs: 32,
    /** How long a duplicate waits for the owner of its claim before it is answered 409. */
    waitForOwnerMs: 200,
    /** How often that duplicate asks again for a claim that another node owns. */
    askAgainMs: 20,
    /** Jobs and bytes between their arrival and their answer; more are refused. */
    heldJobsMax: 50_000,
    heldBytesMax: 134_217_728,
    /** Partitions of a lane that one tenant's jobs go to. */
    shardPartitions: 2,
    /** Tenants whose partitions are remembered; with more they are computed anew. */
    shardsCachedMax: 100_000,
  },
  claims: {
    /** Claims not settled yet; with more, jobs are appended unclaimed. */
    pendingMax: 100_000,
    /** Accepted claims kept, some 100 bytes of memory each; with more, the oldest go before their time. */
    acceptedMax: 1_400_000,
    /** Expired claims looked for with each new one: two or more, so that they go faster than new ones come. */
    sweepMax: 8,
  },
  log: {
    /** Appends that wait for the disk; with more, appends are refused. */
    pendingBytesMax: 67_108_864,
    /** Records of a partition stored as one; a larger record is alone. */
    batchBytesMax: 1_048_576,
    /** A transaction takes appends until it has this much; it takes one however large. */
    transactionWritesMax: 2_048,
    transactionBytesMax: 4_194_304,
    /** Disk that appends leave, on which offsets go on being committed and a slice of batches removed when it is full. */
    reserveBytes: 8_388_608,
    /** Batches that retention removes in one transaction: it keeps the turn of the event loop short. */
    expirySliceBatches: 256,
    /** Address space beyond twice `log.bytesMax`: the tables' own pages, and consumed records between two expiries. */
    mapSlackBytes: 268_435_456,
    /** How long the holder of a data directory's lock may take to answer before it is taken for gone. */
    lockAnswerTimeoutMs: 1_000,
  },
  consumer: {
    /** Records handed over in one batch. */
    batchJobsMax: 500,
    batchBytesMax: 1_048_576,
    /** Jobs that each partition may have in the mailbox, however many partitions there are. */
    partitionShareMin: 50,
    /** Assignments of a partition in a row without progress, from the last of which on its jobs run one at a time. */
    assignedMax: 3,
    /** How often offsets are committed and the age of the oldest job is reported. */
    commitEveryMs: 200,
  },
  handlers: {
    /** How long a handler's file may take to be imported. */
    importTimeoutMs: 10_000,
    /** Longest `timeoutMs` that a handler may declare. */
    timeoutMaxMs: 3_600_000,
  },
  pool: {
    /** Jobs posted to a thread in one message: cheaper per job, yet no thread hoards what another could start. */
    threadBatchJobsMax: 64,
    /** Memory of a thread, in the heap and outside, above which it is killed: its threads stay well below with what they keep. */
    threadWatermarkMib: 192,
    /** V8's hard limit for the heap of a thread, far above: reaching it may end the process. */
    threadHeapMibMax: 1_024,
    /** Of nice(2), above the main thread: one pool's busy loop must take neither its CPU nor the database's. */
    threadNice: 10,
    /** A thread is recycled after so many jobs. */
    threadJobsMax: 1_000_000,
    /** Or when the least memory of such a span is so many times that of its first, and over half of the watermark. */
    threadHeapWindowMs: 30_000,
    threadHeapGrowth: 1.5,
    /** Back-off between restarts of a thread: it grows with each until the thread has lived for so long. */
    threadRestartDelayMaxMs: 1_000,
    threadRestartResetMs: 1_000,
    /** Lines that the handlers of one thread may log; what is above is counted. */
    threadLogLinesPerSecondMax: 100,
    /** Age of the oldest job above which enrichments go off, and below which they come back. */
    thinAboveMs: 30_000,
    thinBelowMs: 10_000,
    /** A job's result, as JSON. */
    resultBytesMax: 65_536,
    /** Rows that a job writes, and their size as JSON. */
    writesMax: 100,
    writesBytesMax: 262_144,
    /** Enrichments left out that a job names. */
    skippedNamesMax: 100,
    /** What a tenant may owe the fair scheduler after jobs that took longer than expected, in rounds. */
    debtRoundsMax: 10,
    /** Jobs taken from a partition beyond its first unfinished one. */
    watermarkWindowJobsMax: 50_000,
  },
  upstream: {
    simulatorHeapMibMax: 256,
    simulatorNice: 10,
    /** A response is cut off here: memory outside the heap is not watched. */
    responseBytesMax: 1_048_576,
    /** Longest pause that an upstream's Retry-After is believed. */
    retryAfterMaxMs: 3_600_000,
  },
  simulator: {
    bodyBytesMax: 1_048_576,
    /** Longest that a simulated answer takes. */
    delayMaxMs: 60_000,
    /** Entries kept; the oldest goes first. */
    tenantsMax: 10_000,
    contactsMax: 50_000,
    answersKeptMax: 10_000,
  },
  writer: {
    /** How long an outcome waits for others to be committed with. */
    batchAgeMaxMs: 20,
    /** Results, rows and bodies committed together; a larger outcome is alone. The database takes many times as much memory. */
    batchBytesMax: 8_388_608,
    /** Outcomes that wait for their commit. */
    queueJobsMax: 10_000,
    /** Back-off while the database can't be reached. */
    transientRetryMinMs: 50,
    transientRetryMaxMs: 5_000,
    /** Internal errors of the database, or ends of its memory, in a row after which a batch is taken to be their cause. */
    internalErrorsMax: 5,
  },
  store: {
    /** V8's hard limit for the thread of the embedded database; its WebAssembly memory is not in it. */
    heapMibMax: 1_024,
    /** Of nice(2): behind the main thread, before the pools, which all wait for it. */
    threadNice: 5,
    /** Statements that wait for the embedded database. */
    statementsOutstandingMax: 1_000,
    /** Write-ahead log of the embedded database beyond which it is checkpointed, and statements between two looks at it. */
    walBytesMax: 67_108_864,
    statementsPerWalCheck: 64,
    /** Texts of the commit statement kept, one per set of tables that a batch writes to. */
    commitTextsMax: 256,
    /** Earlier states of a job that its row keeps. */
    historyEntriesMax: 64,
  },
  /** Until when each step of a stop is over, as a share of `node.drainTimeoutMs`; the rest is for closing. */
  drain: {
    quiesceShare: 0.2,
    finishShare: 0.8,
    releaseShare: 0.9,
  },
  inspector: {
    /** The body of a request to end an actor. */
    killBodyBytesMax: 4_096,
  },
  housekeeper: {
    /** Little and often: each round holds up the main thread. */
    logEveryMs: 1_000,
    storeEveryMs: 600_000,
  },
  due: {
    /** How often the job table is asked for what is due. */
    pollMs: 250,
    /** Rows that are claimed and not settled: more would see their leases end while they wait. */
    outstandingJobsMax: 64,
    /** How long a pool waits at its start for the job table. */
    startTimeoutMs: 60_000,
    /** Rows taken at once. */
    batchJobsMax: 64,
  },
} as const
