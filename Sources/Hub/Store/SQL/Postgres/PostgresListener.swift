internal import CSpawn
internal import Dispatch
internal import Glibc

/// Hears what other hubs announce, over a connection and on a thread of its own; connects again after a break.
final class PostgresListener: Sendable {
    private let text: String
    private let hub: String
    private let queue = DispatchQueue(label: "hub.listener")
    private let wakeUp: WakeUp?

    /// How long it waits before it connects again, in milliseconds.
    private static let firstRest: Int32 = 100
    private static let longestRest: Int32 = 5000

    init(text: String, hub: String) {
        self.text = text
        self.hub = hub
        wakeUp = WakeUp()
    }

    /// Begins, and returns when it hears, or cannot for now. Whenever something may have been missed, it says that
    /// everything may have changed.
    func start(_ hear: @escaping @Sendable (MailboxChange) -> Void) {
        guard let wakeUp else { return }
        let isTried = DispatchSemaphore(value: 0)
        defer { isTried.wait() }
        queue.async { [text, hub] in
            var rest = Self.firstRest
            while true {
                let connection = try? Self.connect(text)
                isTried.signal()
                if let connection {
                    rest = Self.firstRest
                    hear(.everything)
                    if Self.listen(to: connection, hub: hub, until: wakeUp, hear) { return }
                }
                if wakeUp.wait(for: -1, milliseconds: rest) { return }
                rest = min(rest * 2, Self.longestRest)
            }
        }
    }

    func stop() {
        wakeUp?.ring()
        // Returns when the thread is done.
        queue.sync {}
    }

    private static func connect(_ text: String) throws(SQLFailure) -> PostgresConnection {
        let connection = try PostgresConnection(text)
        try connection.executeScript("LISTEN tibet_hub")
        return connection
    }

    /// Whether it was to stop; otherwise the connection broke.
    private static func listen(
        to connection: PostgresConnection, hub: String, until wakeUp: WakeUp,
        _ hear: @Sendable (MailboxChange) -> Void
    ) -> Bool {
        while true {
            guard let texts = try? connection.announcements() else { return false }
            for text in texts {
                guard let announcement = Announcement(text), announcement.hub != hub else { continue }
                hear(.mailbox(announcement.mailbox))
            }
            if wakeUp.wait(for: connection.socket, milliseconds: -1) { return true }
        }
    }
}

/// A pipe that ends a wait.
final class WakeUp: Sendable {
    private let reader: Int32
    private let writer: Int32

    /// Nil where the process has no descriptors left.
    init?() {
        var ends: [Int32] = [-1, -1]
        guard tibet_pipe(&ends) == 0 else { return nil }
        reader = ends[0]
        writer = ends[1]
    }

    deinit {
        close(reader)
        close(writer)
    }

    /// Ends this wait and all that follow.
    func ring() {
        var byte: UInt8 = 1
        _ = write(writer, &byte, 1)
    }

    /// Waits until `descriptor` (none if negative) can be read or the time is over. Whether it was rung.
    func wait(for descriptor: Int32, milliseconds: Int32) -> Bool {
        var places = [
            pollfd(fd: reader, events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&places, 2, milliseconds)
        return places[0].revents != 0
    }
}
