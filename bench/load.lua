-- Sends the bodies of a file, one a line, in turn, and tells what came of it as JSON. What stands as
-- MARK in them, or in the key, is another text of that length each time.
-- usage: wrk -s load.lua URL -- FILE STATUS [KEYS [once]]; keys have commas between, and are sent in
-- turn; with the last, each request has an Idempotency-Key of its own

local threads = {}
local MARK = "NEW-IN-EACH-BODY"

function setup(thread)
    table.insert(threads, thread)
end

function init(args)
    requests, sent, bad, expected = {}, 0, 0, tonumber(args[2])
    local headers = {["Content-Type"] = "application/json"}
    local bodies, keys = {}, {}
    for key in string.gmatch(args[3] or "", "[^,]+") do
        table.insert(keys, key)
    end
    if args[4] == "once" then
        headers["Idempotency-Key"] = MARK
    end
    for body in io.lines(args[1]) do
        table.insert(bodies, body)
    end
    for place = 0, #bodies > 0 and math.max(#bodies, #keys) - 1 or -1 do
        if #keys > 0 then
            headers["Authorization"] = "Bearer " .. keys[1 + place % #keys]
        end
        table.insert(requests, wrk.format("POST", nil, headers, bodies[1 + place % #bodies]))
    end
    marked = requests[1] and requests[1]:find(MARK, 1, true) ~= nil
    if marked then
        local chance = io.open("/dev/urandom", "rb")
        own, count = 0, 0
        for byte in chance:read(4):gmatch(".") do
            own = own * 256 + byte:byte()
        end
        chance:close()
    end
    if #requests == 0 then
        table.insert(requests, wrk.format("GET"))
    end
end

function request()
    sent = sent % #requests + 1
    if not marked then
        return requests[sent]
    end
    count = count + 1
    local made = requests[sent]:gsub(MARK:gsub("-", "%%-"), string.format("%08x%08x", own, count))
    return made
end

function response(status, headers, body)
    if status ~= expected or status == 200 and body:find('"error":{', 1, true) then
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
