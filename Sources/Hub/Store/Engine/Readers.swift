internal import Dispatch
internal import Fabric
internal import Synchronization

/// Answers questions over a few connections, each on a thread of its own.
final class Readers: Sendable {
    /// One caller's question.
    typealias Job = @Sendable (ReaderSession) -> Void

    private struct State {
        var idle: [ReaderSession]
        var waiting: [Job] = []
        var isClosed = false
    }

    private let state: Mutex<State>
    private let sessions: [ReaderSession]

    init(_ sessions: [ReaderSession]) {
        self.sessions = sessions
        state = Mutex(State(idle: sessions))
    }

    /// Takes a job; false when it is closed.
    func submit(_ job: @escaping Job) -> Bool {
        let (isTaken, session) = state.withLock { state -> (Bool, ReaderSession?) in
            guard !state.isClosed else { return (false, nil) }
            guard let session = state.idle.popLast() else {
                state.waiting.append(job)
                return (true, nil)
            }
            return (true, session)
        }
        guard let session else { return isTaken }
        session.queue.async { self.work(job, session) }
        return true
    }

    private func work(_ first: Job, _ session: ReaderSession) {
        var job = first
        while true {
            job(session)
            let next = state.withLock { state -> Job? in
                if state.waiting.isEmpty {
                    state.idle.append(session)
                    return nil
                }
                return state.waiting.removeFirst()
            }
            guard let next else { return }
            job = next
        }
    }

    /// Takes no more jobs, does those that it has, and closes its connections. Blocks until then.
    func close() {
        state.withLock { $0.isClosed = true }
        for session in sessions { session.queue.sync { session.close() } }
    }
}

/// A reader's connection, which only its own thread touches.
final class ReaderSession: @unchecked Sendable {
    let queue = DispatchQueue(label: "hub.reader")
    private let driver: any SQLDriver
    private let clock: @Sendable () -> Timestamp
    // A connection belongs to a thread, here to that of the queue above: the methods are called on it alone.
    private var connection: (any SQLConnection)?

    init(driver: any SQLDriver, clock: @escaping @Sendable () -> Timestamp) {
        self.driver = driver
        self.clock = clock
    }

    /// Asks, over a new connection where the present one turns out to be broken: asking twice changes nothing.
    func ask<Value>(_ body: (Inquiry) throws(JobFailure) -> Value) throws(JobFailure) -> Value {
        let isFresh = connection == nil
        do throws(JobFailure) {
            return try askOnce(body)
        } catch {
            guard !isFresh, case .sql(.disconnected) = error else { throw error }
            return try askOnce(body)
        }
    }

    private func askOnce<Value>(_ body: (Inquiry) throws(JobFailure) -> Value) throws(JobFailure) -> Value {
        let connection = try usable()
        defer { if !connection.isUsable { self.connection = nil } }
        return try body(Inquiry(connection, dialect: driver.dialect, now: clock().microseconds))
    }

    private func usable() throws(JobFailure) -> any SQLConnection {
        if let connection { return connection }
        do throws(SQLFailure) {
            let fresh = try driver.connect(writing: false)
            connection = fresh
            return fresh
        } catch {
            throw .sql(error)
        }
    }

    func close() {
        connection?.close()
        connection = nil
    }
}
