internal import Glibc
public import SystemPackage

/// Where sealed envelopes lie until their receipt is in, and what is known of each delivery.
///
/// Below the state directory, `outbox/` holds one file per envelope, named by its digest, and `index.sqlite`. The file
/// is on stable storage before the index knows of it, and the index says that a delivery is done before the file goes;
/// so a crash at any moment loses nothing, and leaves nothing but files that a later sweep removes. The very same file
/// is what every attempt sends: same transfer id, same digest, same signature.
///
/// Several processes can use one outbox at once. All calls block.
public final class Outbox: Sendable {
    /// The directory of the envelopes and their index.
    public let directory: FilePath
    /// How it behaves.
    public let configuration: OutboxConfiguration

    let store: EnvelopeStore
    let index: OutboxIndex
    let names: SurfaceLedger
    let bell: Bell
    private let presence: Presence

    private static let hour: Int64 = 3600 * 1000

    /// Opens the outbox below tcd's state directory, making it (mode 0700) where it is missing.
    ///
    /// Once an hour, whoever opens it removes what the dead left and what is kept long enough (`sweep`).
    public init(state: FilePath, configuration: OutboxConfiguration = .init()) throws(OutboxError) {
        directory = state.appending("outbox")
        self.configuration = configuration
        let directory = directory
        (store, bell, presence) = try OutboxError.wrapping { () throws(SystemFailure) in
            let store = try EnvelopeStore(directory: directory)
            return (store, try Bell(in: store.handle), try Presence(in: directory))
        }
        let lock = try OutboxError.wrapping { [store] () throws(SystemFailure) in
            try OwnedFile("lock", in: store.handle, flags: O_RDWR | O_CREAT | O_NOFOLLOW)
        }
        index = try OutboxIndex(path: directory.appending("index.sqlite"), lock: lock)
        do throws(SurfaceError) {
            names = try SurfaceLedger(directory: state.appending("names"))
        } catch {
            throw .names(error)
        }
        if try isSweepOverdue() { _ = try sweep() }
    }

    /// Sweeps if there can be something to find: somebody who had the outbox open has died, the machine was started since
    /// the last sweep, or that was an hour ago.
    ///
    /// - Returns: What the sweep found and did; nil when none was needed.
    @discardableResult
    public func sweepIfNeeded() throws(OutboxError) -> SweepReport? {
        let presence = presence
        let dead = try OutboxError.wrapping { () throws(SystemFailure) in try presence.dead() }
        let boot = LeaseOwner.currentBootNumber
        let lastBoot = try index.read { database in try IndexNotes.value("swept-boot", in: database) }
        let isOverdue = try isSweepOverdue()
        guard !dead.isEmpty || lastBoot != boot || isOverdue else { return nil }
        let report = try sweep()
        presence.forget(dead)
        return report
    }

    /// Milliseconds since 1970, by the outbox's clock.
    var now: Int64 { configuration.clock.now().milliseconds }

    /// Milliseconds since the machine started, by the outbox's clock.
    var uptime: Int64 { configuration.clock.uptime() }

    private func isSweepOverdue() throws(OutboxError) -> Bool {
        let last = try index.read { database in try IndexNotes.value("swept", in: database) }
        return last.map { now - $0 > Self.hour || now < $0 } ?? true
    }

    /// Where the envelope of `entry` lies, for as long as a delivery needs it.
    public func path(of entry: OutboxEntry) -> FilePath { store.path(of: entry.digest) }

    /// The envelope of `entry`, as carriers want it.
    public func envelope(of entry: OutboxEntry) -> SealedEnvelope {
        SealedEnvelope(file: path(of: entry), name: entry.name, digest: entry.digest, size: entry.size)
    }
}
