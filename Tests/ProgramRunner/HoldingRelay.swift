import Foundation
import Glibc

/// Stands between a sender and a receiver, and stops passing bytes on after so many: the middle of a delivery, for as
/// long as a test needs it.
public final class HoldingRelay: Sendable {
    /// Where to deliver.
    public let url: String

    private let listening: Int32
    private let target: in_port_t
    private let state: Observed<State>

    private struct State: Sendable {
        var left: Int
        var near: [Int32] = []
        var far: [Int32] = []
        var isClosed = false
    }

    /// Passes `budget` bytes on to the inbox at `target`, and no more. Answers pass at any time.
    public init(to target: String, holdingAfter budget: Int) throws {
        guard let port = target.split(separator: ":").last.flatMap({ in_port_t($0) }) else {
            throw Program.Overdue(description: "'\(target)' has no port")
        }
        self.target = port
        state = Observed(State(left: budget))
        let (descriptor, own) = try LoopbackAddress.bind()
        listening = descriptor
        url = "http://127.0.0.1:\(own)"
        guard listen(descriptor, 8) == 0 else { throw Program.Overdue(description: "cannot listen") }
        Thread.detachNewThread { self.acceptAll() }
    }

    deinit { for descriptor in state.current.near + state.current.far + [listening] { Glibc.close(descriptor) } }

    /// Returns when the budget is used up.
    public func held(within limit: Duration = .seconds(60)) async throws {
        let isHeld = await state.first(within: limit) { $0.left == 0 ? true : nil }
        guard isHeld == true else { throw Program.Overdue(description: "the relay was never held up") }
    }

    /// Breaks every connection, and takes no more.
    public func close() {
        state.update { $0.isClosed = true }
        for descriptor in state.current.far + [listening] { shutdown(descriptor, Int32(SHUT_RDWR)) }
        // A reset, because a sender that is held up would not see an end behind what nobody reads.
        for descriptor in state.current.near { LoopbackAddress.reset(descriptor) }
    }

    private func acceptAll() {
        while true {
            let near = accept(listening, nil, nil)
            guard near >= 0 else { return }
            let far = LoopbackAddress.socket()
            let isConnected = LoopbackAddress.connect(far, to: target)
            state.update { state in
                state.near.append(near)
                state.far.append(far)
            }
            guard isConnected, !state.current.isClosed else {
                LoopbackAddress.reset(near)
                continue
            }
            Thread.detachNewThread { self.pass(from: near, to: far, isCounted: true) }
            Thread.detachNewThread { self.pass(from: far, to: near, isCounted: false) }
        }
    }

    private func pass(from source: Int32, to sink: Int32, isCounted: Bool) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let room = isCounted ? min(buffer.count, state.current.left) : buffer.count
            // Held up: the connection stays as it is until the relay is closed.
            guard room > 0 else { return }
            let count = recv(source, &buffer, room, 0)
            guard count > 0, send(all: buffer[..<count], to: sink) else { break }
            if isCounted { state.update { $0.left -= count } }
        }
        shutdown(sink, Int32(SHUT_WR))
    }

    private func send(all bytes: ArraySlice<UInt8>, to sink: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { Glibc.send(sink, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }
}
