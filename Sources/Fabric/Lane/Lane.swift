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

    /// Opens the lane, creating the directory (mode 0700) and its parents where they are missing.
    public init(directory: FilePath, reserve: Int64 = 0) throws(LaneError) {
        self.directory = directory
        self.reserve = reserve
        do {
            try Directories.create(directory)
            handle = try OwnedFile(path: directory, flags: O_RDONLY | O_DIRECTORY)
        } catch {
            throw .system(error)
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

    /// The stored name of an object that has these bytes under `name`, or beside it; nil when there is none.
    public func holds(_ name: ArrivalName, digest: Digest) throws(LaneError) -> ArrivalName? {
        for candidate in name.candidates(for: digest) {
            if try digestOfFile(candidate) == digest { return candidate }
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
                guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else { continue }
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
            if tibet_rename_noreplace(handle.descriptor, staging, handle.descriptor, candidate.text) == 0 {
                do { try handle.synchronize() } catch { throw .system(error) }
                return Publication(
                    outcome: outcome, requestedName: name, storedName: candidate, digest: digest, size: size)
            }
            guard errno == EEXIST else { throw .system(.current("cannot publish '\(candidate)' in '\(directory)'")) }
            if try digestOfFile(candidate) == digest {
                _ = unlinkat(handle.descriptor, staging, 0)
                // The other writer may have renamed and not yet synced; the answer must not be ahead of the disk.
                do { try handle.synchronize() } catch { throw .system(error) }
                return Publication(
                    outcome: .duplicate, requestedName: name, storedName: candidate, digest: digest, size: size)
            }
            outcome = .keptBeside
        }
        throw .noFreeName(name)
    }

    func requireRoom(for size: Int64) throws(LaneError) {
        guard reserve > 0 || size > 0 else { return }
        let free = tibet_free_bytes(handle.descriptor)
        guard free >= 0 else { throw .system(.current("cannot ask for the free space of '\(directory)'")) }
        let (left, overflow) = free.subtractingReportingOverflow(size)
        guard !overflow, left >= reserve else { throw .reserveReached(reserve: reserve) }
    }

    /// The digest of a regular file in the lane; nil when there is none of that name, or it is something else.
    private func digestOfFile(_ name: ArrivalName) throws(LaneError) -> Digest? {
        do {
            let file = try OwnedFile(name.text, in: handle, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            guard tibet_is_regular(try file.status().st_mode) else { return nil }
            return try file.digest().digest
        } catch let error where [.noSuchFileOrDirectory, .tooManySymbolicLinkLevels].contains(error.errno) {
            return nil
        } catch {
            throw .system(error)
        }
    }
}
