import Glibc

/// Many agents that wait for something that does not come.
enum IdleAgents {
    /// Lets `count` agents wait, and prints a line with what the server's process takes for each.
    static func run(_ server: Server, count: Int, process: Int32) throws(LoadFailure) -> String {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        // One request beforehand, so that what is made once is not counted.
        _ = try HTTPConversation(server).request("GET", "/health")
        let before = try residentKiB(process)
        let start = Stamp.now()
        var waiting: [HTTPConversation] = []
        for number in 0..<count {
            let http = try HTTPConversation(server)
            try http.send(
                "POST", "/api/mux/lease",
                Array("{\"agent\":\"idle\(number)\",\"intent\":\"stream\",\"wait_seconds\":60}".utf8))
            waiting.append(http)
        }
        // Whoever came last is served once something comes, so all before it are waiting as well.
        let http = try HTTPConversation(server)
        let opened = try http.request(
            "POST", "/api/mux/open",
            Array("{\"agent\":\"waker\",\"target\":\"idle\(count - 1)\",\"intent\":\"stream\"}".utf8))
        let channel = Scan.texts("channel_id", in: opened).first ?? ""
        let body = "{\"channel_id\":\"\(channel)\",\"payload\":\"\(Stamp.text(size: 1024))\"}"
        _ = try http.request("POST", "/api/mux/send", Array(body.utf8))
        let answer = try waiting[count - 1].answer()
        guard let stamp = Scan.stamps(in: answer).first else { throw LoadFailure("the last agent was not woken") }
        let woken = Double((Stamp.now() - stamp) / 1000) / 1000
        let after = try residentKiB(process)
        let seconds = Double(Stamp.now() - start) / 1e9
        return "{\"agents\":\(count),\"seconds\":\(seconds),\"kib_before\":\(before),\"kib_after\":\(after),"
            + "\"kib_per_agent\":\(Double(after - before) / Double(count)),\"woken_ms\":\(woken)}"
    }

    private static func residentKiB(_ process: Int32) throws(LoadFailure) -> Int {
        guard let file = fopen("/proc/\(process)/status", "r") else { throw LoadFailure("no process \(process)") }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, 256, file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            if text.hasPrefix("VmRSS:"), let value = Int(text.filter(\.isNumber)) { return value }
        }
        throw LoadFailure("process \(process) tells no size")
    }
}
