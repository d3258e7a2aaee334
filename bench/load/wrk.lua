-- Sends the requests of a file (see wrk.ts), one after the other, and says as JSON what came of them.
-- Arguments: the file; whether to begin again at its end.
local file, again

function init(args)
  file = io.open(args[1], "rb")
  file:setvbuf("full", 1048576)
  again = args[2] == "again"
end

function request()
  local bytes = tonumber(file:read("*l"))
  if not bytes then
    if not again then
      print("the requests of the file did not last")
      os.exit(3)
    end
    file:seek("set")
    bytes = tonumber(file:read("*l"))
  end
  return file:read(bytes)
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    'result {"answered":%d,"seconds":%f,"refused":%d,"unanswered":%d,"p50Ms":%f,"p99Ms":%f,"p999Ms":%f}',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3))
end
