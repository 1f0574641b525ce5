internal import Fabric
internal import Synchronization

/// The parts of an open store.
final class StoreCore: Sendable {
    let configuration: StoreConfiguration
    let driver: any SQLDriver
    let hints = ChangeHints()
    let numbers = ItemNumbers()
    let hashers = BlobHashers()
    private let writer: Writer
    private let readers: Readers

    /// Opens the store. Blocks.
    init(_ location: StoreLocation, configuration: StoreConfiguration) throws(StoreError) {
        self.configuration = configuration
        switch location {
        case .file(let path): driver = try SQLiteDriver(path: path)
        case .postgres(let text): driver = PostgresDriver(text)
        }
        let connection: any SQLConnection
        do throws(SQLFailure) {
            connection = try driver.connect(writing: true)
        } catch {
            throw Self.opening(error)
        }
        try Schema.migrate(connection, dialect: driver.dialect)
        let hints = hints
        let transactions = Transactions(
            driver: driver, connection: connection, clock: configuration.clock,
            announce: { mailboxes in for mailbox in mailboxes { hints.tell(.mailbox(mailbox)) } })
        writer = Writer(WriterSession(transactions), batch: configuration.batch)
        let clock = configuration.clock
        let driver = driver
        readers = Readers(
            (0..<max(1, configuration.readers)).map { _ in ReaderSession(driver: driver, clock: clock) })
        driver.listen { change in hints.tell(change) }
    }

    /// What is wrong with a database that cannot be opened is for a person to set right.
    private static func opening(_ failure: SQLFailure) -> StoreError {
        if case .refused(_, let message) = failure { return .misconfigured(message) }
        return StoreError(failure)
    }

    /// Does a change, and returns when it is committed.
    func change<Value: Sendable>(
        _ body: @escaping @Sendable (Change) throws(JobFailure) -> Value
    ) async throws(StoreError) -> Value {
        let box = Box<Value>()
        let failure = await withCheckedContinuation { (continuation: CheckedContinuation<StoreError?, Never>) in
            let job = Writer.Job(
                run: { change throws(JobFailure) in box.set(try body(change)) },
                finish: { failure in continuation.resume(returning: failure?.told) })
            if !writer.submit(job) { continuation.resume(returning: .closed) }
        }
        if let failure { throw failure }
        guard let value = box.value else { throw .closed }
        return value
    }

    /// Asks something.
    func ask<Value: Sendable>(
        _ body: @escaping @Sendable (Inquiry) throws(JobFailure) -> Value
    ) async throws(StoreError) -> Value {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Value, StoreError>, Never>) in
            let isTaken = readers.submit { session in
                do throws(JobFailure) {
                    continuation.resume(returning: .success(try session.ask(body)))
                } catch {
                    continuation.resume(returning: .failure(error.told))
                }
            }
            if !isTaken { continuation.resume(returning: .failure(.closed)) }
        }
        return try result.get()
    }

    /// Ends everything. Blocks.
    func close() {
        writer.close()
        readers.close()
        driver.stop()
        hints.close()
    }
}

/// What a job leaves for its caller.
private final class Box<Value: Sendable>: Sendable {
    private let content = Mutex<Value?>(nil)

    var value: Value? { content.withLock { $0 } }

    func set(_ value: Value) { content.withLock { $0 = value } }
}

/// Numbers of items and channels: unique, and in the order of time, also over several hubs as far as their clocks agree.
///
/// The microseconds since 1970, then ten bits that differ between hubs as a rule; where they do not, and two hubs take a
/// number in the same microsecond, the database refuses the second, which is then done again with a new one.
final class ItemNumbers: Sendable {
    private let last = Mutex<Int64>(0)
    private let hub = Int64.random(in: 0..<1024)

    /// A place before everything that comes after `time`, and after everything that came before it.
    static func place(before time: Timestamp) -> Int64 { time.microseconds << 10 - 1 }

    func next(at microseconds: Int64) -> Int64 {
        last.withLock { last in
            let time = max(microseconds, (last >> 10) + 1)
            last = time << 10 | hub
            return last
        }
    }
}
