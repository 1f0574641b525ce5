internal import CLinux
internal import Glibc
internal import Synchronization

/// One object on its way into a lane. Dropped without `commit`, it leaves nothing behind.
public final class Deposit: Sendable {
    /// The name that was asked for.
    public let name: ArrivalName

    private let lane: Lane
    private let expectedSize: Int64?
    private let staging: String
    private let state: Mutex<State>

    /// What has been written; nil once the deposit is over.
    private struct State: Sendable {
        var file: OwnedFile?
        var hasher = DigestHasher()
        var size: Int64 = 0

        mutating func append(_ bytes: UnsafeRawBufferPointer, limit: Int64?, in lane: Lane) throws(LaneError) {
            guard let file else { return }
            let newSize = size + Int64(bytes.count)
            if let limit, newSize > limit { throw .sizeMismatch(expected: limit, found: newSize) }
            if newSize / Deposit.writebackStep != size / Deposit.writebackStep {
                _ = tibet_start_writeback(file.descriptor, off_t(size), 0)
                // Many at once can use up together what each of them found free when it began.
                try lane.requireRoom(for: Int64(bytes.count))
            }
            let offset = size
            try LaneError.wrapping { () throws(SystemFailure) in try file.write(bytes, at: offset) }
            hasher.update(bytes)
            size = newSize
        }

        /// Checks what came against what was announced, and puts it on stable storage.
        func complete(size expectedSize: Int64?, digest expected: Digest?) throws(LaneError) -> Digest {
            let digest = hasher.finish()
            if let expectedSize, expectedSize != size { throw .sizeMismatch(expected: expectedSize, found: size) }
            if let expected, expected != digest { throw .digestMismatch(expected: expected, found: digest) }
            try LaneError.wrapping { () throws(SystemFailure) in try file?.synchronize() }
            return digest
        }
    }

    /// How many bytes are written before the disk is asked to begin storing them, so that the final sync is short.
    static let writebackStep: Int64 = 32 << 20

    init(lane: Lane, name: ArrivalName, expectedSize: Int64?) throws(LaneError) {
        self.lane = lane
        self.name = name
        self.expectedSize = expectedSize
        let (staging, file) = try LaneError.wrapping { () throws(SystemFailure) in
            try Self.openStaging(in: lane.handle)
        }
        self.staging = staging
        state = Mutex(State(file: file))
    }

    /// Creates a staging file and locks it, which tells a starting receiver that the file is not abandoned.
    static func openStaging(in directory: OwnedFile) throws(SystemFailure) -> (String, OwnedFile) {
        while true {
            let name = StagingName.fresh()
            let file = try OwnedFile(name, in: directory, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
            // Where a file system knows no locks, a receiver gets none either, and removes nothing.
            try? file.lock()
            // A receiver that starts right now may have found the file before it was locked, and removed it.
            if try file.status().st_nlink > 0 { return (name, file) }
        }
    }

    deinit { discard() }

    /// The number of bytes written so far.
    public var size: Int64 { state.withLock { $0.size } }

    /// Appends `bytes`, hashing them on the way.
    ///
    /// - Throws: `sizeMismatch` as soon as more comes than was announced; `reserveReached` when others, or an object
    ///   of unknown size, have used up the room; `system` when the disk does not take it.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(LaneError) {
        try state.withLock { state throws(LaneError) in try state.append(bytes, limit: expectedSize, in: lane) }
    }

    /// The SHA-256 of the bytes written so far.
    public var digest: Digest { state.withLock { $0.hasher.finish() } }

    /// Puts the object on stable storage and publishes it.
    ///
    /// On return the lane holds the bytes durably, under the name in the publication. On throw nothing was published
    /// and the staging file is gone.
    ///
    /// - Parameter expected: The digest that the sender announced, where it did.
    public func commit(expecting expected: Digest? = nil) throws(LaneError) -> Publication {
        defer { discard() }
        let (digest, size) = try state.withLock { state throws(LaneError) in
            (try state.complete(size: expectedSize, digest: expected), state.size)
        }
        return try lane.publish(staging, as: name, digest: digest, size: size)
    }

    /// Gives the object up: the staging file is removed. Does nothing after `commit`.
    public func discard() {
        state.withLock { state in
            guard state.file != nil else { return }
            // After a successful publication the staging name is gone, and this finds nothing.
            _ = unlinkat(lane.handle.descriptor, staging, 0)
            state.file = nil
        }
    }
}
