-- Sends the bodies of a file, one a line, in turn, and tells what came of it as JSON.
-- usage: wrk -s load.lua URL -- FILE

local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

function init(args)
    requests, sent, bad = {}, 0, 0
    for body in io.lines(args[1]) do
        local headers = {["Content-Type"] = "application/json"}
        table.insert(requests, wrk.format("POST", nil, headers, body))
    end
end

function request()
    sent = sent % #requests + 1
    return requests[sent]
end

function response(status, headers, body)
    if status ~= 200 or body:find('"error"', 1, true) then
        bad = bad + 1
    end
end

function done(summary, latency)
    local wrong = summary.errors.connect + summary.errors.read + summary.errors.write
        + summary.errors.timeout
    for _, thread in ipairs(threads) do
        wrong = wrong + thread:get("bad")
    end
    print(string.format(
        '\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "wrong": %d}',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), wrong))
end
