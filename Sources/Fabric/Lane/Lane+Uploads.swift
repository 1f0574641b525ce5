internal import Glibc
internal import SystemPackage

/// Uploads that can be gone on with after an interruption of either side.
extension Lane {
    /// Begins the upload `id`, or goes on with it where it was begun before with the same announcement.
    ///
    /// - Parameter id: 64 lower-case hexadecimal digits, chosen so that the same upload always has the same.
    /// - Throws: `reserveReached` when the rest would not fit; `system` when the upload is open elsewhere, or the disk
    ///   does not take it.
    public func beginUpload(_ id: String, of announcement: UploadAnnouncement) throws(LaneError) -> ResumableDeposit {
        guard mkdirat(handle.descriptor, UploadFile.directory, 0o700) == 0 || errno == EEXIST else {
            throw .system(.current("cannot create '\(directory.string)/\(UploadFile.directory)'"))
        }
        guard let directory = try uploads() else {
            throw .system(SystemFailure("cannot open '\(UploadFile.directory)'", .noSuchFileOrDirectory))
        }
        if let before = UploadAnnouncement(id: id, in: directory), before == announcement {
            return try ResumableDeposit(lane: self, directory: directory, id: id, announcement: before)
        }
        try requireRoom(for: announcement.size)
        let deposit = try ResumableDeposit(lane: self, directory: directory, id: id, announcement: announcement)
        // Bytes without a description, or with another, are not known to belong to this upload.
        try deposit.restart()
        try announcement.write(id: id, in: directory)
        return deposit
    }

    /// Opens the upload `id` as it was left; nil when there is none.
    public func resumeUpload(_ id: String) throws(LaneError) -> ResumableDeposit? {
        guard let directory = try uploads(), let announcement = UploadAnnouncement(id: id, in: directory) else {
            return nil
        }
        return try ResumableDeposit(lane: self, directory: directory, id: id, announcement: announcement)
    }

    /// What was announced of the unfinished upload `id`, without opening it; nil when there is none.
    public func announcement(ofUpload id: String) throws(LaneError) -> UploadAnnouncement? {
        try uploads().flatMap { UploadAnnouncement(id: id, in: $0) }
    }

    /// What was announced of the upload `id`, which was published and is still remembered; nil when there is none.
    public func finishedUpload(_ id: String) throws(LaneError) -> UploadAnnouncement? {
        try uploads().flatMap { UploadAnnouncement(id: id, isFinished: true, in: $0) }
    }

    /// The number of uploads that were begun and are not over.
    public func unfinishedUploads() throws(LaneError) -> Int {
        guard let directory = try uploads() else { return 0 }
        return try LaneError.wrapping { () throws(SystemFailure) in
            Set(try Directories.list(directory).compactMap { UploadFile.id(in: $0) }).count
        }
    }

    /// Removes uploads to which nothing was added for `age`. Those that are open are kept. What is remembered of
    /// finished uploads goes at the same age, and all but the latest 4,096 at once.
    ///
    /// - Returns: How many unfinished uploads were removed.
    @discardableResult
    public func removeUploads(untouchedFor age: Duration) throws(LaneError) -> Int {
        guard let directory = try uploads() else { return 0 }
        let names = try LaneError.wrapping { () throws(SystemFailure) in try Directories.list(directory) }
        let oldest = Timestamp.now().seconds - age.components.seconds
        forget(names.compactMap { UploadFile.finishedID(in: $0) }, before: oldest, in: directory)
        var removed = 0
        for id in Set(names.compactMap { UploadFile.id(in: $0) }) {
            let file =
                (try? OwnedFile(UploadFile.bytes(id), in: directory, flags: O_RDWR | O_NOFOLLOW))
                ?? (try? OwnedFile(UploadFile.description(id), in: directory, flags: O_RDWR | O_NOFOLLOW))
            guard let file, let status = try? file.status(), Int64(status.st_mtim.tv_sec) <= oldest,
                flock(file.descriptor, LOCK_EX | LOCK_NB) == 0
            else { continue }
            removeFiles(of: id, in: directory)
            removed += 1
        }
        return removed
    }

    /// Removes what is remembered of finished uploads: of those that finished before `oldest`, and of too many.
    private func forget(_ finished: [String], before oldest: Int64, in directory: OwnedFile) {
        var times: [(id: String, seconds: Int64)] = []
        for id in finished {
            var status = stat()
            // The description was renamed when the upload finished, which its change time shows.
            guard fstatat(directory.descriptor, UploadFile.finished(id), &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                continue
            }
            times.append((id, Int64(status.st_ctim.tv_sec)))
        }
        times.sort { $0.seconds > $1.seconds }
        for (index, entry) in times.enumerated() where index >= 4096 || entry.seconds <= oldest {
            _ = unlinkat(directory.descriptor, UploadFile.finished(entry.id), 0)
        }
    }

    /// Removes the oldest upload that was begun, holds no bytes and may give way: its sender loses nothing. Those that
    /// are open are kept.
    ///
    /// - Parameter mayGiveWay: Decides from what was announced, nil where that is not known, and from how long ago that
    ///   was.
    /// - Returns: Whether there was one.
    public func removeOldestEmptyUpload(
        where mayGiveWay: (_ announcement: UploadAnnouncement?, _ age: Duration) -> Bool = { _, _ in true }
    ) throws(LaneError) -> Bool {
        guard let directory = try uploads() else { return false }
        let names = try LaneError.wrapping { () throws(SystemFailure) in try Directories.list(directory) }
        var empty: [(id: String, seconds: Int, nanoseconds: Int)] = []
        for id in Set(names.compactMap { UploadFile.id(in: $0) }) {
            guard let file = try? OwnedFile(UploadFile.bytes(id), in: directory, flags: O_RDWR | O_NOFOLLOW),
                let status = try? file.status(), status.st_size == 0,
                mayGiveWay(
                    UploadAnnouncement(id: id, in: directory),
                    .seconds(Timestamp.now().seconds - Int64(status.st_mtim.tv_sec)))
            else { continue }
            empty.append((id, status.st_mtim.tv_sec, status.st_mtim.tv_nsec))
        }
        for (id, _, _) in empty.sorted(by: { ($0.seconds, $0.nanoseconds) < ($1.seconds, $1.nanoseconds) }) {
            // Looked at again under the lock: bytes may have come meanwhile.
            guard let file = try? OwnedFile(UploadFile.bytes(id), in: directory, flags: O_RDWR | O_NOFOLLOW),
                flock(file.descriptor, LOCK_EX | LOCK_NB) == 0, let status = try? file.status(), status.st_size == 0,
                status.st_nlink > 0
            else { continue }
            removeFiles(of: id, in: directory)
            return true
        }
        return false
    }

    private func removeFiles(of id: String, in directory: OwnedFile) {
        for name in [UploadFile.bytes(id), UploadFile.description(id), UploadFile.description(id) + ".tmp"] {
            _ = unlinkat(directory.descriptor, name, 0)
        }
    }

    /// The directory of all uploads; nil in a lane that never had any.
    private func uploads() throws(LaneError) -> OwnedFile? {
        do {
            return try OwnedFile(UploadFile.directory, in: handle, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        } catch let error where error.errno == .noSuchFileOrDirectory {
            return nil
        } catch {
            throw .system(error)
        }
    }
}
