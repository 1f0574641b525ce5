import Glibc

// hubload hub|mux|nats HOST:PORT [size=1024] [senders=16] [receivers=4] [count=20000] [rate=0]
// hubload store HOST:PORT [size=1024] [senders=32] [count=20000]
// hubload idle HOST:PORT process=PID [agents=10000]
//
// Prints one line of JSON: messages per second, and the time from sending to receipt.

func value(_ name: String, else usual: Int) -> Int {
    CommandLine.arguments.lazy.compactMap { $0.hasPrefix(name + "=") ? Int($0.dropFirst(name.count + 1)) : nil }.first
        ?? usual
}

do throws(LoadFailure) {
    guard CommandLine.arguments.count > 2 else {
        throw LoadFailure("say what is to be loaded: hubload hub|mux|nats|store|idle HOST:PORT …")
    }
    let server = try Server(CommandLine.arguments[2])
    let load = Load(
        server: server, size: value("size", else: 1024), senders: value("senders", else: 16),
        receivers: value("receivers", else: 4), count: value("count", else: 20_000), rate: value("rate", else: 0))
    switch CommandLine.arguments[1] {
    case "hub": print(try HubExchange().run(load))
    case "mux": print(try PeerExchange().run(load))
    case "store":
        var load = load
        load.senders = value("senders", else: 32)
        print(try StoredMessages().run(load))
    case "nats":
        try NATSExchange.prepare(server)
        print(try NATSExchange().run(load))
    case "idle":
        print(
            try IdleAgents.run(
                server, count: value("agents", else: 10_000), process: Int32(value("process", else: 0))))
    default: throw LoadFailure("unknown: \(CommandLine.arguments[1])")
    }
} catch {
    let line = Array("hubload: \(error)\n".utf8)
    _ = write(2, line, line.count)
    exit(1)
}
