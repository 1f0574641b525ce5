internal import Fabric
internal import NIOCore

/// Makes sure that each unfinished upload has one user at a time, in this process.
///
/// Uploads that nobody uses stay open for a while, so that the bytes they hold are not hashed again when their sender,
/// who has just asked how many there are, sends the rest.
actor UploadSessions {
    /// Who uses an upload now.
    final class Holder: Sendable {
        /// What comes on the connection.
        let activity = BodyActivity()
        fileprivate let channel: any Channel

        fileprivate init(channel: any Channel) { self.channel = channel }
    }

    private let patience: Duration
    private let parkingSpaces = 16
    private var busy: [String: Holder] = [:]
    private var parked: [(id: String, deposit: ResumableDeposit, since: ContinuousClock.Instant)] = []

    /// Sessions where a newcomer waits for at most `patience`.
    init(patience: Duration) { self.patience = patience }

    /// Takes the upload `id` for the connection `channel`; whoever takes it must `release` it.
    ///
    /// When another connection has it, this waits. One that is silent for `patience` is taken for dead: it is closed,
    /// and the upload taken over. One that goes on bringing bytes, or is being stored, keeps it.
    ///
    /// - Returns: The holder, and the upload where it was still open.
    /// - Throws: 409 when another connection keeps it.
    func take(_ id: String, for channel: any Channel) async throws(Refusal) -> (Holder, ResumableDeposit?) {
        for _ in 0..<3 {
            guard let other = busy[id] else { break }
            let before = other.activity.sighting
            await wait(for: other, of: id)
            guard busy[id] === other, before.isListening, other.activity.sighting == before else { continue }
            other.channel.close(promise: nil)
            await wait(for: other, of: id)
        }
        guard busy[id] == nil else { throw .busyUpload }
        let holder = Holder(channel: channel)
        busy[id] = holder
        guard let index = parked.firstIndex(where: { $0.id == id }) else { return (holder, nil) }
        return (holder, parked.remove(at: index).deposit)
    }

    /// Gives the upload back; `deposit` is kept open for the next user, where it can be gone on with.
    func release(_ id: String, parking deposit: ResumableDeposit?) {
        busy[id] = nil
        guard let deposit else { return }
        parked.append((id, deposit, .now))
        if parked.count > parkingSpaces { parked.removeFirst() }
    }

    /// Closes what is open and unused.
    func closeAll() { parked = [] }

    /// Closes what has been open and unused for `time`, so that it can be cleaned up.
    func closeUnused(for time: Duration) {
        let latest = ContinuousClock.now - time
        parked.removeAll { $0.since <= latest }
    }

    /// Takes out the upload that has been unused for longest of those that are open, hold no bytes and may give way; nil
    /// when there is none.
    func removeOldestEmpty(
        where mayGiveWay: (_ announcement: UploadAnnouncement, _ age: Duration) -> Bool
    ) -> ResumableDeposit? {
        let index = parked.firstIndex { entry in
            entry.deposit.size == 0 && mayGiveWay(entry.deposit.announcement, ContinuousClock.now - entry.since)
        }
        guard let index else { return nil }
        return parked.remove(at: index).deposit
    }

    /// Waits until `holder` has released the upload, for at most `patience`.
    private func wait(for holder: Holder, of id: String) async {
        let end = ContinuousClock.now + patience
        while busy[id] === holder, ContinuousClock.now < end {
            // Looked at now and then: this is rare, and over as soon as the other connection notices its end.
            guard (try? await Task.sleep(for: .milliseconds(10))) != nil else { return }
        }
    }
}
