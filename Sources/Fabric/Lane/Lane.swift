internal import CLinux
internal import Glibc
internal import Synchronization
public import SystemPackage

/// A directory into which finished objects are published: the only place in this code base that does so.
///
/// Everything that arrives, by whatever carrier, is written to a staging file here, synced, and renamed without
/// replacing. So a lane never shows half a file, and nothing in it is ever overwritten. All calls block.
public final class Lane: Sendable {
    /// Where the lane is.
    public let directory: FilePath
    /// How many bytes must stay free on the file system; a deposit that would use them is refused.
    public let reserve: Int64

    let handle: OwnedFile
    private let digests = Mutex(DigestMemory())

    /// Opens the lane, creating the directory (mode 0700) and its parents where they are missing.
    public convenience init(directory: FilePath, reserve: Int64 = 0) throws(LaneError) {
        try LaneError.wrapping { () throws(SystemFailure) in try Directories.create(directory) }
        try self.init(existing: directory, reserve: reserve)
    }

    /// Opens the lane in a directory that must exist.
    public init(existing directory: FilePath, reserve: Int64 = 0) throws(LaneError) {
        self.directory = directory
        self.reserve = reserve
        handle = try LaneError.wrapping { () throws(SystemFailure) in
            try OwnedFile(path: directory, flags: O_RDONLY | O_DIRECTORY)
        }
    }

    /// Begins to receive one object, which is invisible until it is committed.
    ///
    /// - Parameters:
    ///   - name: The name to publish under.
    ///   - size: The number of bytes that will come, where it is known; more or fewer fail the commit.
    public func begin(_ name: ArrivalName, expecting size: Int64? = nil) throws(LaneError) -> Deposit {
        try requireRoom(for: size ?? 0)
        return try Deposit(lane: self, name: name, expectedSize: size)
    }

    /// The stored name of an object that has these bytes under `name`, or beside it, and is on stable storage; nil when
    /// there is none.
    ///
    /// - Parameter size: The number of bytes, where it is known; spares reading objects of another size.
    public func holds(_ name: ArrivalName, digest: Digest, size: Int64? = nil) throws(LaneError) -> ArrivalName? {
        for candidate in name.candidates(for: digest) where try isStored(candidate, digest: digest, size: size) {
            return candidate
        }
        return nil
    }

    /// Removes the staging files that a process left behind when it died. Files that a living writer holds are kept.
    ///
    /// - Returns: How many were removed.
    @discardableResult
    public func removeAbandonedDeposits() throws(LaneError) -> Int {
        var removed = 0
        do {
            for name in try Directories.list(handle) where StagingName.isOurs(name) {
                guard let file = try? OwnedFile(name, in: handle, flags: O_RDWR | O_NOFOLLOW) else { continue }
                // A writer holds the lock for as long as it lives, so a lock that is free has no writer.
                guard file.lockIfFree() else { continue }
                if unlinkat(handle.descriptor, name, 0) == 0 { removed += 1 }
            }
        } catch {
            throw .system(error)
        }
        return removed
    }

    /// Publishes the staging file `staging`, whose content is on stable storage already.
    func publish(_ staging: String, as name: ArrivalName, digest: Digest, size: Int64) throws(LaneError) -> Publication
    {
        var outcome = Publication.Outcome.created
        for candidate in name.candidates(for: digest) {
            let isMoved = try LaneError.wrapping { () throws(SystemFailure) in
                try NoReplaceRename.move(
                    staging, in: handle, to: candidate.text, in: handle,
                    doing: "cannot publish '\(candidate)' in '\(directory)'")
            }
            if isMoved {
                try LaneError.wrapping { () throws(SystemFailure) in try handle.synchronize() }
                remember(digest, of: candidate)
                return Publication(
                    outcome: outcome, requestedName: name, storedName: candidate, digest: digest, size: size)
            }
            if try isStored(candidate, digest: digest, size: size) {
                _ = unlinkat(handle.descriptor, staging, 0)
                return Publication(
                    outcome: .duplicate, requestedName: name, storedName: candidate, digest: digest, size: size)
            }
            outcome = .keptBeside
        }
        throw .noFreeName(name)
    }

    /// The digest of an open file, read only if it is not known for the state that the file is in.
    private func digest(of file: OwnedFile, in status: stat) throws(SystemFailure) -> Digest {
        let state = DigestMemory.FileState(status)
        if let known = digests.withLock({ $0[state] }) { return known }
        let digest = try file.digest().digest
        // A file that was written to meanwhile has two states, and the digest belongs to neither.
        if DigestMemory.FileState(try file.status()) == state {
            digests.withLock { $0.remember(digest, of: state) }
        }
        return digest
    }

    private func remember(_ digest: Digest, of name: ArrivalName) {
        var status = stat()
        guard fstatat(handle.descriptor, name.text, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
        digests.withLock { $0.remember(digest, of: DigestMemory.FileState(status)) }
    }

    func requireRoom(for size: Int64) throws(LaneError) {
        guard reserve > 0 || size > 0 else { return }
        let free = tibet_free_bytes(handle.descriptor)
        guard free >= 0 else { throw .system(.current("cannot ask for the free space of '\(directory)'")) }
        let (left, overflow) = free.subtractingReportingOverflow(size)
        guard !overflow, left >= reserve else { throw .reserveReached(reserve: reserve) }
    }

    /// Whether the lane has a regular file of this name with these bytes. If so, it is on stable storage on return:
    /// whoever put it there may have had no time yet, and an answer must not be ahead of the disk.
    private func isStored(_ name: ArrivalName, digest: Digest, size: Int64?) throws(LaneError) -> Bool {
        do throws(SystemFailure) {
            let file = try OwnedFile(name.text, in: handle, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            let status = try file.status()
            guard tibet_is_regular(status.st_mode), size.map({ $0 == Int64(status.st_size) }) ?? true,
                try self.digest(of: file, in: status) == digest
            else { return false }
            try file.synchronize()
            try handle.synchronize()
            return true
        } catch {
            // Links, sockets and what this user may not read are other objects, which stay as they are.
            let others: [Errno] = [
                .noSuchFileOrDirectory, .tooManySymbolicLinkLevels, .noSuchAddressOrDevice, .permissionDenied,
            ]
            guard others.contains(error.errno) else { throw .system(error) }
            return false
        }
    }
}
