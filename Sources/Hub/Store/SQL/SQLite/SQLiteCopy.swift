internal import Glibc
internal import SystemPackage

/// A copy of a SQLite file that is in use.
struct SQLiteCopy {
    let source: FilePath
    let target: FilePath

    /// Makes it beside its final name, and gives it that when it is whole.
    func make() throws(StoreError) {
        guard access(source.string, F_OK) == 0 else { throw .misconfigured("there is no store at '\(source)'") }
        var info = stat()
        guard lstat(target.string, &info) != 0 else { throw .exists(path: target.string) }
        let unfinished = FilePath(target.string + "." + RandomName.hexadecimal(16) + ".part")
        // Made here, so that nobody else can read it; SQLite fills a file that is empty.
        let descriptor = unfinished.withPlatformString { open($0, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
        guard descriptor >= 0 else { throw failure("cannot create '\(unfinished)'") }
        defer {
            Glibc.close(descriptor)
            unlink(unfinished.string)
        }
        try copy(to: unfinished)
        guard fsync(descriptor) == 0 else { throw failure("cannot write '\(unfinished)'") }
        // A second name rather than a new one: that fails where there is something by now.
        guard link(unfinished.string, target.string) == 0 else {
            if errno == EEXIST { throw .exists(path: target.string) }
            throw failure("cannot create '\(target)'")
        }
        try synchronizeDirectory()
    }

    private func copy(to unfinished: FilePath) throws(StoreError) {
        do throws(SQLFailure) {
            let connection = try SQLiteConnection(path: source, writing: false)
            defer { connection.close() }
            _ = try connection.execute([SQLStatement("VACUUM INTO ?", .text(unfinished.string))])
        } catch {
            throw StoreError(error)
        }
    }

    private func synchronizeDirectory() throws(StoreError) {
        let parent = target.removingLastComponent()
        let descriptor = open(parent.isEmpty ? "." : parent.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("cannot write '\(parent)'") }
    }

    private func failure(_ what: String) -> StoreError {
        let reason = Errno(rawValue: errno)
        return reason == .noSpace ? .full : .misconfigured("\(what): \(reason)")
    }
}
