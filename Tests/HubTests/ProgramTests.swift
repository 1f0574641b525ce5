import Fabric
import Foundation
import Glibc
import PostgresRunner
import ProgramRunner
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// `tcd hub` as a program of its own.
@Suite("tcd hub")
struct ProgramTests {
    /// A hub in a process of its own.
    struct Running {
        let program: Program
        let url: String

        init(in folder: WorkFolder, _ arguments: [String], environment: [String: String] = [:]) async throws {
            program = try BuiltProgram.start(
                ["hub", "--json", "--port", "0", "--reserve", "0"] + arguments, in: folder.url,
                environment: environment)
            let line = try await program.line(containing: "\"listening\"")
            url = try #require(try JSONValue(parsing: line)["url"]?.text)
        }

        func post(_ path: String, _ body: JSONValue, headers: [String: String] = [:]) async throws -> JSONValue {
            var request = URLRequest(url: try #require(URL(string: url + path)), timeoutInterval: 60)
            request.httpMethod = "POST"
            request.httpBody = Data(body.text(.compact).utf8)
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
            for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
            return try JSONValue(parsing: Array(try await URLSession.shared.data(for: request).0))
        }
    }

    @Test("It tells the service manager, ends on SIGTERM in good order, and keeps what it had")
    func service() async throws {
        let folder = try WorkFolder()
        let manager = try Notifications(at: folder.path("notify"))
        let hub = try await Running(
            in: folder, ["--open"],
            environment: ["NOTIFY_SOCKET": folder.path("notify"), "WATCHDOG_USEC": "20000"])
        #expect(await manager.next().hasPrefix("READY=1"))
        #expect(await manager.next() == "WATCHDOG=1")
        _ = try await hub.post("/api/ipoll/push", ["from_agent": "a", "to_agent": "b", "content": "kept"])
        let waiting = Task { try await hub.post("/api/ipoll/lease", ["agent": "c", "wait_seconds": 60]) }
        while try await status(hub.url)["waiting_requests"]?.integer != 1 {}
        hub.program.signal(SIGTERM)
        while true {
            let message = await manager.next()
            if message == "STOPPING=1" { break }
            try #require(message == "WATCHDOG=1")
        }
        #expect(try await waiting.value["count"]?.integer == 0)
        let outcome = try await hub.program.outcome()
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.errors.contains("this hub is open"))
        let next = try await Running(in: folder, ["--open"])
        #expect(try await status(next.url)["messages"]?["pending"]?.integer == 1)
        try await next.program.stop()
    }

    @Test("Killed in the middle it has everything that it acknowledged", arguments: [1, 2, 3])
    func killed(round: Int) async throws {
        let folder = try WorkFolder()
        try await Self.killAndCount(in: folder, ["--open", "--store", folder.path("hub.sqlite")], round: round)
    }

    @Test("Killed in the middle, over PostgreSQL, it has everything that it acknowledged")
    func killedOverPostgres() async throws {
        let database = try await PostgresServer.shared().database()
        try await Self.killAndCount(in: try WorkFolder(), ["--open", "--store", database], round: 1)
    }

    @Test("What one hub takes another over the same database gives, once, to whoever waits there already")
    func twoHubs() async throws {
        let database = try await PostgresServer.shared().database()
        let arguments = ["--open", "--store", database]
        let (first, second) = (
            try await Running(in: try WorkFolder(), arguments), try await Running(in: try WorkFolder(), arguments)
        )
        let waiting = Task {
            try await second.post("/api/mux/lease", ["agent": "b", "intent": "x", "wait_seconds": 60])
        }
        while try await status(second.url)["waiting_requests"]?.integer != 1 {}
        let channel = try #require(
            try await first.post("/api/mux/open", ["agent": "a", "target": "b", "intent": "x"])["channel_id"])
        _ = try await first.post("/api/mux/send", ["channel_id": channel, "payload": "across"])
        let frame = try #require(try await waiting.value["frames"]?.list?.first)
        #expect(frame["payload"]?.text == "across")
        let here = try await first.post("/api/mux/lease", ["agent": "b", "intent": "x"])
        #expect(here["count"]?.integer == 0, "while one hub has given it, the other does not")
        let settled = try await first.post(
            "/api/mux/settle", ["agent": "b", "lease_id": try #require(frame["lease_id"]), "settlement": "commit"])
        #expect(settled["state"]?.text == "committed")
        try await first.program.stop()
        try await second.program.stop()
    }

    /// Sends from eight sides until the hub is killed, starts it again, and looks for everything that was acknowledged.
    static func killAndCount(in folder: WorkFolder, _ arguments: [String], round: Int) async throws {
        let hub = try await Running(in: folder, arguments)
        let channel = try #require(
            try await hub.post("/api/mux/open", ["agent": "a", "target": "b", "intent": "x"])["channel_id"]?.text)
        let acknowledged = try await withThrowingTaskGroup(of: [String].self) { group in
            for sender in 0..<8 {
                group.addTask {
                    var mine: [String] = []
                    for number in 0... {
                        let content = "\(sender)-\(number)"
                        let answer =
                            sender % 2 == 0
                            ? try? await hub.post(
                                "/api/mux/send", ["channel_id": .text(channel), "payload": .text(content)])
                            : try? await hub.post(
                                "/api/ipoll/push", ["from_agent": "a", "to_agent": "b", "content": .text(content)])
                        guard answer?["seq"] != nil || answer?["id"] != nil else { return mine }
                        mine.append(content)
                        if sender == 0, number == 20 * round { hub.program.kill() }
                    }
                    return mine
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        _ = try await hub.program.outcome()
        #expect(acknowledged.count > 20 * round)
        let next = try await Running(in: folder, arguments)
        var found: Set<String> = []
        for (kind, key, more) in [
            ("mux", "frames", ["intent": .null]), ("ipoll", "polls", [:]),
        ] as [(String, String, JSONObject)] {
            while true {
                var body: JSONObject = ["agent": "b", "limit": 100]
                for (key, value) in more.members { body[key] = value }
                let items = try await next.post("/api/\(kind)/lease", .object(body))[key]?.list ?? []
                if items.isEmpty { break }
                for item in items {
                    let content = try #require(item["content"]?.text ?? item["payload"]?.text)
                    let isNew = found.insert(content).inserted
                    #expect(isNew, "\(content) came twice")
                }
            }
        }
        #expect(Set(acknowledged).isSubset(of: found), "\(Set(acknowledged).subtracting(found)) is lost")
        try await next.program.stop()
    }

    @Test("A backup is a store as it was, made while the hub runs")
    func backup() async throws {
        let folder = try WorkFolder()
        let hub = try await Running(in: folder, ["--open", "--store", folder.path("hub.sqlite")])
        _ = try await hub.post("/api/ipoll/push", ["from_agent": "a", "to_agent": "b", "content": "x"])
        let made = try await BuiltProgram.run(
            "hub", "backup", folder.path("copy.sqlite"), "--store", folder.path("hub.sqlite"), in: folder.url)
        #expect(made.status == 0, "\(made)")
        let again = try await BuiltProgram.run(
            "hub", "backup", folder.path("copy.sqlite"), "--store", folder.path("hub.sqlite"), in: folder.url)
        #expect(again.status == 73, "\(again)")
        let copy = try await Running(in: folder, ["--open", "--store", folder.path("copy.sqlite")])
        #expect(try await status(copy.url)["messages"]?["pending"]?.integer == 1)
        let told = try await BuiltProgram.run("hub", "status", "--url", copy.url, in: folder.url)
        #expect(told.status == 0 && told.output.contains("messages  1 pending, 1 sent"), "\(told)")
        let absent = try await BuiltProgram.run("hub", "status", "--url", "http://127.0.0.1:9", in: folder.url)
        #expect(absent.status == 69, "\(absent)")
        let postgres = try await BuiltProgram.run(
            "hub", "backup", "x", "--store", "postgres://nobody@127.0.0.1/none", in: folder.url)
        #expect(postgres.status == 78 && postgres.errors.contains("pg_dump"), "\(postgres)")
        try await hub.program.stop()
        try await copy.program.stop()
    }

    @Test("What cannot be is said with its own status")
    func refusals() async throws {
        let folder = try WorkFolder()
        let network = try await BuiltProgram.run("hub", "--open", "--host", "0.0.0.0", in: folder.url)
        #expect(network.status == 78 && network.errors.contains("--open-to-the-network"), "\(network)")
        let port = try await BuiltProgram.run("hub", "--port", "70000", in: folder.url)
        #expect(port.status == 64, "\(port)")
        let hub = try await Running(in: folder, ["--open"])
        let taken = try await BuiltProgram.run(
            "hub", "--port", String(hub.url.split(separator: ":").last ?? ""), "--store", folder.path("o.sqlite"),
            in: folder.url)
        #expect(taken.status == 69, "\(taken)")
        let key = try await BuiltProgram.run("hub", "--certificate", "x", in: folder.url)
        #expect(key.status == 64, "\(key)")
        let missing = try await BuiltProgram.run(
            "hub", "--certificate", "x", "--key", "y", "--port", "0", "--store", folder.path("t.sqlite"), in: folder.url
        )
        #expect(missing.status == 78, "\(missing)")
        try await hub.program.stop()
    }

    private func status(_ url: String) async throws -> JSONValue {
        let address = try #require(URL(string: url + "/api/hub/status"))
        return try JSONValue(parsing: Array(try await URLSession.shared.data(from: address).0))
    }
}

/// The service manager's end of sd_notify(3).
final class Notifications: Sendable {
    private let descriptor: Int32

    init(at path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        try #require(path.utf8.count < MemoryLayout.size(ofValue: address.sun_path))
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// The next message; empty when none comes.
    func next() async -> String {
        await BlockingCall.run { [descriptor] _ in
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            return String(decoding: buffer[..<max(0, count)], as: UTF8.self)
        }
    }
}
