import Glibc

/// NATS JetStream: each publish waits for its acknowledgement; a consumer is sent each message and acknowledges it. (One
/// that fetches is left unanswered now and then by NATS 2.9.)
struct NATSExchange: Exchange {
    private static let inbox = "_INBOX.load"
    private static let delivery = "deliver.load"

    func send(_ share: Int, as sender: Int, _ load: Load, _ tally: Tally) throws(LoadFailure) {
        let nats = try Conversation(load.server, inbox: "\(Self.inbox).s\(sender)")
        var pace = Pace(rate: load.rate, among: load.senders)
        for _ in 0..<share where !tally.hasFailed {
            pace.wait()
            let answer = try nats.request("load.messages", Array(Stamp.text(size: load.size).utf8))
            guard String(decoding: answer.payload, as: UTF8.self).contains("\"seq\"") else {
                throw LoadFailure("not published: \(String(decoding: answer.payload, as: UTF8.self))")
            }
            tally.sent.add(1, ordering: .relaxed)
        }
    }

    func receive(as receiver: Int, _ load: Load, _ tally: Tally) throws(LoadFailure) {
        let nats = try Conversation(load.server, inbox: Self.delivery)
        while tally.received.load(ordering: .relaxed) < load.count, !tally.hasFailed {
            guard let message = try nats.nextIfAny(), let reply = message.reply, reply.hasPrefix("$JS.ACK") else {
                continue
            }
            tally.arrived(Scan.stamps(in: message.payload))
            try nats.publish(reply, reply: false, Array("+ACK".utf8))
        }
    }

    /// Makes the stream and its consumer anew.
    static func prepare(_ server: Server) throws(LoadFailure) {
        let nats = try Conversation(server, inbox: "\(inbox).p")
        _ = try nats.request("$JS.API.STREAM.DELETE.LOAD", [])
        let stream = "{\"name\":\"LOAD\",\"subjects\":[\"load.>\"],\"storage\":\"file\",\"retention\":\"workqueue\"}"
        let consumer =
            "{\"stream_name\":\"LOAD\",\"config\":{\"durable_name\":\"all\",\"ack_policy\":\"explicit\","
            + "\"deliver_subject\":\"\(delivery)\",\"max_ack_pending\":100000}}"
        for (subject, body) in [
            ("$JS.API.STREAM.CREATE.LOAD", stream), ("$JS.API.CONSUMER.DURABLE.CREATE.LOAD.all", consumer),
        ] {
            let answer = String(decoding: try nats.request(subject, Array(body.utf8)).payload, as: UTF8.self)
            guard !answer.contains("\"error\"") else { throw LoadFailure("\(subject): \(answer)") }
        }
    }

    struct Message {
        let reply: String?
        let payload: [UInt8]
    }

    /// The text protocol of NATS over one connection.
    final class Conversation {
        private let connection: Connection
        private let inbox: String

        init(_ server: Server, inbox: String) throws(LoadFailure) {
            connection = try Connection(host: server.host, port: server.port)
            connection.losePatience(after: 2)
            self.inbox = inbox
            guard try connection.line().hasPrefix("INFO") else { throw LoadFailure("no NATS server") }
            try write("CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true}\r\nSUB \(inbox) 1\r\n")
        }

        private func write(_ text: String) throws(LoadFailure) { try connection.write(Array(text.utf8)) }

        func publish(_ subject: String, reply: Bool, _ payload: [UInt8]) throws(LoadFailure) {
            let head = "PUB \(subject)\(reply ? " " + inbox : "") \(payload.count)\r\n"
            try connection.write(Array(head.utf8) + payload + [0x0d, 0x0a])
        }

        func request(_ subject: String, _ payload: [UInt8]) throws(LoadFailure) -> Message {
            try publish(subject, reply: true, payload)
            return try next()
        }

        func nextIfAny() throws(LoadFailure) -> Message? {
            do throws(LoadFailure) {
                return try next()
            } catch {
                guard error == .nothingCame else { throw error }
                return nil
            }
        }

        func next() throws(LoadFailure) -> Message {
            while true {
                let words = try connection.line().split(separator: " ").map(String.init)
                switch words.first {
                case "PING": try write("PONG\r\n")
                case "MSG":
                    let payload = Array(try connection.read(Int(words[words.count - 1]) ?? 0))
                    _ = try connection.line()
                    return Message(reply: words.count == 5 ? words[3] : nil, payload: payload)
                case "HMSG":
                    let payload = Array(try connection.read(Int(words[words.count - 1]) ?? 0))
                    _ = try connection.line()
                    return Message(reply: words.count == 6 ? words[3] : nil, payload: payload)
                case "-ERR": throw LoadFailure(words.joined(separator: " "))
                default: continue
                }
            }
        }
    }
}
