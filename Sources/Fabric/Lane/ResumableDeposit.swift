internal import CLinux
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// One object on its way into a lane whose bytes outlive the process: what came before an interruption is kept below
/// `.uploads/` in the lane, and only the rest has to come again.
///
/// Only one `ResumableDeposit` of an upload can be open at a time, in this process or another. Dropped without `commit`
/// or `abandon`, it leaves what it holds. All calls block.
public final class ResumableDeposit: Sendable {
    /// What is to come, fixed when the upload begins.
    public let announcement: UploadAnnouncement

    private let lane: Lane
    private let directory: OwnedFile
    private let id: String
    private let file: OwnedFile
    private let state: Mutex<State>

    private struct State: Sendable {
        var hasher = DigestHasher()
        var size: Int64 = 0
    }

    /// Opens the upload `id`, and hashes what it holds. What is on disk is durable on return.
    init(lane: Lane, directory: OwnedFile, id: String, announcement: UploadAnnouncement) throws(LaneError) {
        self.lane = lane
        self.directory = directory
        self.id = id
        self.announcement = announcement
        do {
            file = try OwnedFile(UploadFile.bytes(id), in: directory, flags: O_RDWR | O_CREAT | O_NOFOLLOW)
            guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
                throw SystemFailure.current("cannot lock '\(file.label)'")
            }
            // Whoever had the lock just before may have removed the upload.
            guard try file.status().st_nlink > 0 else {
                throw SystemFailure("cannot open '\(file.label)'", .noSuchFileOrDirectory)
            }
            state = Mutex(try Self.readBack(file, expecting: announcement.size))
        } catch let error as SystemFailure {
            throw .system(error)
        } catch {
            throw .system(SystemFailure("cannot open '\(directory.label)/\(id)'", .ioError))
        }
    }

    private static func readBack(_ file: OwnedFile, expecting size: Int64) throws(SystemFailure) -> State {
        var state = State()
        guard Int64(try file.status().st_size) <= size else {
            guard ftruncate(file.descriptor, 0) == 0 else { throw .current("cannot shorten '\(file.label)'") }
            return state
        }
        state.size = try file.feed(into: &state.hasher)
        // Before anybody is told that these bytes need not come again.
        try file.synchronize()
        return state
    }

    /// The number of leading bytes held.
    public var size: Int64 { state.withLock { $0.size } }

    /// The SHA-256 of the bytes held.
    public var digest: Digest { state.withLock { $0.hasher.finish() } }

    /// Appends `bytes`, hashing them on the way.
    ///
    /// - Throws: `sizeMismatch` as soon as more comes than was announced; `reserveReached` and `system` when the disk
    ///   does not take it.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(LaneError) {
        try state.withLock { state throws(LaneError) in
            let newSize = state.size + Int64(bytes.count)
            guard newSize <= announcement.size else {
                throw .sizeMismatch(expected: announcement.size, found: newSize)
            }
            if newSize / Deposit.writebackStep != state.size / Deposit.writebackStep {
                _ = tibet_start_writeback(file.descriptor, off_t(state.size), 0)
                try lane.requireRoom(for: Int64(bytes.count))
            }
            let offset = state.size
            try LaneError.wrapping { () throws(SystemFailure) in try file.write(bytes, at: offset) }
            state.hasher.update(bytes)
            state.size = newSize
        }
    }

    /// Forgets all bytes, so that the upload begins again.
    public func restart() throws(LaneError) {
        try state.withLock { state throws(LaneError) in
            guard ftruncate(file.descriptor, 0) == 0 else { throw .system(.current("cannot shorten '\(file.label)'")) }
            state = State()
        }
    }

    /// Puts what is held on stable storage, so that an upload can go on from there whatever happens.
    public func suspend() throws(LaneError) {
        try LaneError.wrapping { () throws(SystemFailure) in try file.synchronize() }
    }

    /// Puts the object on stable storage and publishes it; the upload is over.
    ///
    /// - Parameter isRemembered: Whether `Lane.finishedUpload` knows of it from now on, so that its sender, asking
    ///   again, can be told that the object is here.
    /// - Throws: `sizeMismatch` when bytes are missing, and then the upload can go on; `digestMismatch` when the bytes
    ///   are not those announced, and then the upload is gone.
    public func commit(isRemembered: Bool = false) throws(LaneError) -> Publication {
        let (size, digest) = state.withLock { ($0.size, $0.hasher.finish()) }
        guard size == announcement.size else { throw .sizeMismatch(expected: announcement.size, found: size) }
        guard digest == announcement.digest else {
            abandon()
            throw .digestMismatch(expected: announcement.digest, found: digest)
        }
        try suspend()
        let staging = UploadFile.directory + "/" + UploadFile.bytes(id)
        let publication = try lane.publish(staging, as: announcement.name, digest: digest, size: size)
        let description = UploadFile.description(id)
        if !isRemembered
            || renameat(directory.descriptor, description, directory.descriptor, UploadFile.finished(id)) != 0
        {
            _ = unlinkat(directory.descriptor, description, 0)
        }
        return publication
    }

    /// Gives the upload up: nothing of it remains.
    public func abandon() {
        _ = unlinkat(directory.descriptor, UploadFile.bytes(id), 0)
        _ = unlinkat(directory.descriptor, UploadFile.description(id), 0)
    }
}

extension OwnedFile {
    /// Adds the whole content to `hasher`, and says how much that was.
    fileprivate func feed(into hasher: inout DigestHasher) throws(SystemFailure) -> Int64 {
        _ = tibet_read_sequentially(descriptor)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { buffer.deallocate() }
        var offset: Int64 = 0
        while true {
            let got = try read(into: buffer, at: offset)
            if got == 0 { return offset }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
            offset += Int64(got)
        }
    }
}
