-- One random record of the view after the other; the pseudonyms come from a file, one a line.
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
local path = os.getenv("PSEUDONYMS")
local paths = {}
for line in io.lines(path) do paths[#paths + 1] = "/v1/views/loyalty/records/" .. line end
math.randomseed(os.time())
local i = math.random(#paths)
request = function()
  i = i % #paths + 1
  return wrk.format("GET", paths[i])
end
