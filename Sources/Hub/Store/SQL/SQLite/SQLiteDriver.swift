internal import Glibc
internal import SystemPackage

/// One SQLite file, for one hub at a time.
///
/// Which hub that is, the lock on a file beside it says: SQLite itself would let two write in turn, each of them unaware
/// of what the other tells its consumers.
final class SQLiteDriver: SQLDriver {
    let dialect = SQLDialect.sqlite

    private let path: FilePath
    private let lock: StoreLock

    /// Takes the file, making it with mode 0600 unless it is there.
    init(path: FilePath) throws(StoreError) {
        self.path = path
        lock = try StoreLock(path: path)
        // Made here, because SQLite would make it readable for others; its companions get the mode that it has.
        let descriptor = path.withPlatformString { open($0, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600) }
        guard descriptor >= 0 else {
            throw .misconfigured("cannot open '\(path)': \(Errno(rawValue: errno))")
        }
        // Before SQLite has it open: closing it later would end SQLite's own locks.
        Glibc.close(descriptor)
    }

    func connect(writing: Bool) throws(SQLFailure) -> any SQLConnection {
        try SQLiteConnection(path: path, writing: writing)
    }

    /// Nobody else changes the file.
    func listen(_ hear: @escaping @Sendable (MailboxChange) -> Void) {}

    func storage(_ connection: any SQLConnection) throws(SQLFailure) -> StorageState {
        var size: Int64 = 0
        for companion in ["", "-wal", "-shm"] {
            var info = stat()
            if FilePath(path.string + companion).withPlatformString({ stat($0, &info) }) == 0 {
                size += Int64(info.st_blocks) * 512
            }
        }
        var space = statvfs()
        guard path.withPlatformString({ statvfs($0, &space) }) == 0 else {
            throw .refused(code: "statvfs", message: "\(Errno(rawValue: errno))")
        }
        // Pages that are free inside the file are free as well.
        let pages = try connection.execute([
            SQLStatement("PRAGMA freelist_count"), SQLStatement("PRAGMA page_size"),
        ])
        let inside = (pages[0].rows.first?.integer(0) ?? 0) * (pages[1].rows.first?.integer(0) ?? 0)
        return StorageState(size: size, free: Int64(space.f_bavail) * Int64(space.f_frsize) + inside)
    }

    func stop() { lock.release() }
}

/// The lock on `<store>.lock`, which ends with the process at the latest.
final class StoreLock: Sendable {
    private let descriptor: Int32

    init(path: FilePath) throws(StoreError) {
        let lockPath = FilePath(path.string + ".lock")
        descriptor = lockPath.withPlatformString { open($0, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600) }
        guard descriptor >= 0 else {
            throw .misconfigured("cannot open '\(lockPath)': \(Errno(rawValue: errno))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = Errno(rawValue: errno)
            Glibc.close(descriptor)
            if reason == .wouldBlock { throw .inUse(path: path.string) }
            throw .misconfigured("cannot lock '\(lockPath)': \(reason)")
        }
    }

    deinit { Glibc.close(descriptor) }

    /// Lets the next one have it. The file stays: to remove it would let two have locks of the same name.
    func release() { flock(descriptor, LOCK_UN) }
}
