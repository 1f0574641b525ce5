import Glibc
import Synchronization

/// One way to send and to receive messages through a server.
protocol Exchange: Sendable {
    /// Sends the messages of one sender; returns when all are acknowledged.
    func send(_ share: Int, as sender: Int, _ load: Load, _ tally: Tally) throws(LoadFailure)
    /// Receives until all have arrived.
    func receive(as receiver: Int, _ load: Load, _ tally: Tally) throws(LoadFailure)
}

extension Exchange {
    /// Runs senders and receivers, each on a thread, and reports.
    func run(_ load: Load) throws(LoadFailure) -> String {
        let tally = Tally()
        let start = Stamp.now()
        var threads: [pthread_t] = []
        for receiver in 0..<load.receivers {
            threads.append(
                onThread { attempt(tally) { () throws(LoadFailure) in try receive(as: receiver, load, tally) } })
        }
        for sender in 0..<load.senders {
            let share = load.count / load.senders + (sender < load.count % load.senders ? 1 : 0)
            threads.append(
                onThread { attempt(tally) { () throws(LoadFailure) in try send(share, as: sender, load, tally) } })
        }
        for thread in threads { pthread_join(thread, nil) }
        let end = tally.last.load(ordering: .relaxed)
        return try tally.report(load, seconds: Double((end > start ? end : Stamp.now()) - start) / 1e9)
    }

    private func attempt(_ tally: Tally, _ body: () throws(LoadFailure) -> Void) {
        do throws(LoadFailure) { try body() } catch { tally.failed(error) }
    }
}

/// Our hub: durable before it answers; receivers wait for frames, and settle them.
struct HubExchange: Exchange {
    let mark = UInt32.random(in: 0...UInt32.max)

    private var target: String { "load\(mark)" }

    func send(_ share: Int, as sender: Int, _ load: Load, _ tally: Tally) throws(LoadFailure) {
        let http = try HTTPConversation(load.server)
        let opened = try http.request(
            "POST", "/api/mux/open",
            Array(
                "{\"agent\":\"sender\(mark)-\(sender)\",\"target\":\"\(target)\",\"intent\":\"stream\",\"metadata\":{\"keep_open\":true}}"
                    .utf8))
        guard let channel = Scan.texts("channel_id", in: opened).first else { throw LoadFailure("no channel") }
        var pace = Pace(rate: load.rate, among: load.senders)
        for _ in 0..<share where !tally.hasFailed {
            pace.wait()
            _ = try http.request(
                "POST", "/api/mux/send",
                Array("{\"channel_id\":\"\(channel)\",\"payload\":\"\(Stamp.text(size: load.size))\"}".utf8))
            tally.sent.add(1, ordering: .relaxed)
        }
    }

    func receive(as receiver: Int, _ load: Load, _ tally: Tally) throws(LoadFailure) {
        let http = try HTTPConversation(load.server)
        while tally.received.load(ordering: .relaxed) < load.count, !tally.hasFailed {
            let answer = try http.request(
                "POST", "/api/mux/lease",
                Array("{\"agent\":\"\(target)\",\"intent\":\"stream\",\"wait_seconds\":1,\"limit\":100}".utf8))
            let stamps = Scan.stamps(in: answer)
            if stamps.isEmpty { continue }
            tally.arrived(stamps)
            let leases = Scan.texts("lease_id", in: answer).map { "\"\($0)\"" }.joined(separator: ",")
            _ = try http.request(
                "POST", "/api/mux/settle",
                Array("{\"agent\":\"\(target)\",\"lease_ids\":[\(leases)],\"settlement\":\"commit\"}".utf8))
        }
    }
}

/// Messages that nobody fetches, in a thousand mailboxes.
struct StoredMessages: Exchange {
    let mark = UInt32.random(in: 0...UInt32.max)

    func send(_ share: Int, as sender: Int, _ load: Load, _ tally: Tally) throws(LoadFailure) {
        let http = try HTTPConversation(load.server)
        var channels: [String] = []
        for number in 0..<30 {
            let opened = try http.request(
                "POST", "/api/mux/open",
                Array(
                    "{\"agent\":\"storer\(mark)-\(sender)\",\"target\":\"stored\(sender)-\(number)\",\"intent\":\"stream\"}"
                        .utf8))
            channels += Scan.texts("channel_id", in: opened)
        }
        guard !channels.isEmpty else { throw LoadFailure("no channels") }
        for number in 0..<share where !tally.hasFailed {
            let body =
                "{\"channel_id\":\"\(channels[number % channels.count])\",\"payload\":\"\(Stamp.text(size: load.size))\"}"
            _ = try http.request("POST", "/api/mux/send", Array(body.utf8))
        }
    }

    func receive(as receiver: Int, _ load: Load, _ tally: Tally) {}
}

/// The peers' mux server: in memory, and read by asking again and again. Of each channel it shows the last ten frames,
/// so a sender waits when ten are on their way.
final class PeerExchange: Exchange {
    private static let window = 10
    private let mark = UInt32.random(in: 0...UInt32.max)
    private let channels: Mutex<[Int: String]> = Mutex([:])
    private let arrived: Mutex<[Int: Int]> = Mutex([:])

    func send(_ share: Int, as sender: Int, _ load: Load, _ tally: Tally) throws(LoadFailure) {
        let http = try HTTPConversation(load.server)
        let opened = try http.request(
            "POST", "/api/mux/open",
            Array("{\"agent\":\"sender\(mark)-\(sender)\",\"target\":\"load\(mark)\",\"intent\":\"stream\"}".utf8))
        guard let channel = Scan.texts("channel_id", in: opened).first else { throw LoadFailure("no channel") }
        channels.withLock { $0[sender] = channel }
        var pace = Pace(rate: load.rate, among: load.senders)
        for number in 0..<share where !tally.hasFailed {
            pace.wait()
            while arrived.withLock({ number - ($0[sender] ?? 0) }) >= Self.window, !tally.hasFailed { usleep(200) }
            _ = try http.request(
                "POST", "/api/mux/send",
                Array("{\"channel_id\":\"\(channel)\",\"payload\":\"\(Stamp.text(size: load.size))\"}".utf8))
            tally.sent.add(1, ordering: .relaxed)
        }
    }

    func receive(as receiver: Int, _ load: Load, _ tally: Tally) throws(LoadFailure) {
        let http = try HTTPConversation(load.server)
        var last: [Int: UInt64] = [:]
        while tally.received.load(ordering: .relaxed) < load.count, !tally.hasFailed {
            for (sender, channel) in channels.withLock({ $0 }) where sender % load.receivers == receiver {
                let stamps = Scan.stamps(in: try http.request("GET", "/api/mux/channel/\(channel)"))
                    .filter { $0 > last[sender, default: 0] }
                guard let newest = stamps.last else { continue }
                last[sender] = newest
                tally.arrived(stamps)
                arrived.withLock { $0[sender, default: 0] += stamps.count }
            }
        }
    }
}
