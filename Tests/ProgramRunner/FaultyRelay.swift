import Foundation
import Glibc
import Synchronization

/// Stands between a sender and a receiver, and does to some connections what bad networks do: at a random byte it drops
/// what follows, waits, ends the stream, says something twice, or breaks the connection. The same seed does the same to
/// the same connections.
public final class FaultyRelay: Sendable {
    /// Where to deliver.
    public let url: String

    private let listening: Int32
    private let target: in_port_t
    private let state: Mutex<State>

    private struct State: Sendable {
        var random: SeededGenerator
        var isFaulty = true
        var faults: [String: Int] = [:]
    }

    /// What is done to one direction of a connection.
    private enum Fault: String, CaseIterable {
        case drop, delay, truncate, duplicate, reset
    }

    private struct Plan {
        var fault: Fault
        var isForward: Bool
        var offset: Int
    }

    /// Relays to the inbox at `target`, with the faults of `seed`.
    public init(to target: String, seed: UInt64) throws {
        guard let port = target.split(separator: ":").last.flatMap({ in_port_t($0) }) else {
            throw Program.Overdue(description: "'\(target)' has no port")
        }
        self.target = port
        state = Mutex(State(random: SeededGenerator(seed: seed)))
        let (descriptor, own) = try LoopbackAddress.bind()
        listening = descriptor
        url = "http://127.0.0.1:\(own)"
        guard listen(descriptor, 64) == 0 else { throw Program.Overdue(description: "cannot listen") }
        Thread.detachNewThread { self.acceptAll() }
    }

    /// How often each fault was done.
    public var faults: [String: Int] { state.withLock { $0.faults } }

    /// From now on, nothing is done to new connections.
    public func heal() { state.withLock { $0.isFaulty = false } }

    /// Takes no more connections.
    public func close() { shutdown(listening, Int32(SHUT_RDWR)) }

    deinit { Glibc.close(listening) }

    private func acceptAll() {
        while true {
            let near = accept(listening, nil, nil)
            guard near >= 0 else { return }
            let far = LoopbackAddress.socket()
            guard LoopbackAddress.connect(far, to: target) else {
                Glibc.close(near)
                Glibc.close(far)
                continue
            }
            let plan = nextPlan()
            let both = Connection(near: near, far: far)
            Thread.detachNewThread { Self.pass(both, isForward: true, plan) }
            Thread.detachNewThread { Self.pass(both, isForward: false, plan) }
        }
    }

    /// Two connections in three have a fault, half of them within the first kilobyte, where the headers are.
    private func nextPlan() -> Plan? {
        state.withLock { state in
            guard Int.random(in: 0..<3, using: &state.random) > 0, state.isFaulty,
                let fault = Fault.allCases.randomElement(using: &state.random)
            else { return nil }
            state.faults[fault.rawValue, default: 0] += 1
            let reach = Bool.random(using: &state.random) ? 1024 : 2 << 20
            return Plan(
                fault: fault, isForward: Bool.random(using: &state.random),
                offset: Int.random(in: 0..<reach, using: &state.random))
        }
    }

    /// Both ends of one relayed connection, closed when both directions have ended.
    private final class Connection: Sendable {
        let near: Int32
        let far: Int32

        init(near: Int32, far: Int32) { (self.near, self.far) = (near, far) }

        deinit { for descriptor in [near, far] { Glibc.close(descriptor) } }
    }

    private static func pass(_ connection: Connection, isForward: Bool, _ plan: Plan?) {
        let (source, sink) =
            isForward ? (connection.near, connection.far) : (connection.far, connection.near)
        let plan = plan?.isForward == isForward ? plan : nil
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        var passed = 0
        var isDropping = false
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            var chunk = Array(buffer[..<count])
            if let plan, (passed..<passed + count).contains(plan.offset) {
                let head = Array(chunk[..<(plan.offset - passed)])
                switch plan.fault {
                case .drop:
                    _ = send(all: head, to: sink)
                    isDropping = true
                case .delay: usleep(300_000)
                case .truncate:
                    _ = send(all: head, to: sink)
                    shutdown(sink, Int32(SHUT_WR))
                    shutdown(source, Int32(SHUT_RD))
                    return
                case .duplicate: chunk += chunk
                case .reset:
                    _ = send(all: head, to: sink)
                    LoopbackAddress.reset(sink)
                    LoopbackAddress.reset(source)
                    return
                }
            }
            passed += count
            if !isDropping, !send(all: chunk, to: sink) { break }
        }
        shutdown(sink, Int32(SHUT_WR))
    }

    private static func send(all bytes: [UInt8], to sink: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { Glibc.send(sink, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }
}
