# An application with redis-rb; see ../../support/application.py.

require "net/http"
require "redis"

WATCHER, GROUP, CA, PAUSE = ARGV
$stdout.sync = true

def connect
  uri = URI("#{WATCHER}/sentinels")
  answer = Net::HTTP.start(uri.host, uri.port, open_timeout: 2, read_timeout: 2) { |http| http.get(uri.path) }
  answer.value # an error unless 200
  sentinels = answer.body.split(",").map do |address|
    host, _, port = address.rpartition(":")
    { host: host.delete("[]"), port: port.to_i, password: ENV["SENTINEL_PASSWORD"] }
  end
  tls = CA == "-" ? {} : { ssl: true, ssl_params: { ca_file: CA } }
  Redis.new(url: "redis://#{GROUP}", role: :master, sentinels: sentinels, password: ENV["REDIS_PASSWORD"],
            timeout: 0.5, reconnect_attempts: 0, **tls)
end

client = nil
number = 0
loop do
  begin
    client ||= connect
    client.set("count:#{number}", number)
  rescue Redis::BaseError, SystemCallError, IOError, Timeout::Error, OpenSSL::SSL::SSLError, Net::ProtocolError => error
    warn error.message
    client&.close
    client = nil
    sleep 0.1
    next
  end
  puts number
  number += 1
  sleep PAUSE.to_i / 1000.0
end
