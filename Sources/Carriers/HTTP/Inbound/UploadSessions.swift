internal import Fabric
internal import NIOCore
internal import Synchronization

/// Makes sure that each unfinished upload has one user at a time, in this process.
///
/// Uploads that nobody uses stay open for a while, so that the bytes they hold are not hashed again when their sender,
/// who has just asked how many there are, sends the rest.
actor UploadSessions {
    /// Who uses an upload now.
    final class Holder: Sendable {
        fileprivate let channel: any Channel
        fileprivate let moved = Atomic<Int>(0)

        fileprivate init(channel: any Channel) { self.channel = channel }

        /// Takes note that bytes came on this holder's connection.
        func hasMoved(_ count: Int) { moved.add(count, ordering: .relaxed) }
    }

    private let patience: Duration
    private let parkingSpaces = 16
    private var busy: [String: Holder] = [:]
    private var parked: [(id: String, deposit: ResumableDeposit)] = []

    /// Sessions where a newcomer waits for at most `patience`.
    init(patience: Duration) { self.patience = patience }

    /// Takes the upload `id` for the connection `channel`; whoever takes it must `release` it.
    ///
    /// When another connection has it, this waits. A connection that ended without word is silent, and after the wait
    /// it is closed and the upload taken over; one that went on moving bytes keeps it.
    ///
    /// - Returns: The holder, and the upload where it was still open.
    /// - Throws: 409 when another connection keeps it.
    func take(_ id: String, for channel: any Channel) async throws(Refusal) -> (Holder, ResumableDeposit?) {
        if let other = busy[id] {
            let before = other.moved.load(ordering: .relaxed)
            if await !wait(for: other, of: id, atMost: patience) {
                guard other.moved.load(ordering: .relaxed) == before else { throw .busyUpload }
                other.channel.close(promise: nil)
                guard await wait(for: other, of: id, atMost: patience) else { throw .busyUpload }
            }
        }
        let holder = Holder(channel: channel)
        busy[id] = holder
        guard let index = parked.firstIndex(where: { $0.id == id }) else { return (holder, nil) }
        return (holder, parked.remove(at: index).deposit)
    }

    /// Gives the upload back; `deposit` is kept open for the next user, where it can be gone on with.
    func release(_ id: String, parking deposit: ResumableDeposit?) {
        busy[id] = nil
        guard let deposit else { return }
        parked.append((id, deposit))
        if parked.count > parkingSpaces { parked.removeFirst() }
    }

    /// Closes what is open and unused.
    func closeAll() { parked = [] }

    /// Waits until `holder` has released the upload; false when it has not in that time, or another was quicker.
    private func wait(for holder: Holder, of id: String, atMost limit: Duration) async -> Bool {
        let end = ContinuousClock.now + limit
        while busy[id] === holder, ContinuousClock.now < end {
            // Looked at now and then: this is rare, and over as soon as the other connection notices its end.
            guard (try? await Task.sleep(for: .milliseconds(10))) != nil else { return false }
        }
        return busy[id] == nil
    }
}
