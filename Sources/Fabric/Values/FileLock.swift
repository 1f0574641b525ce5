internal import Glibc
internal import SystemPackage

/// Advisory locks, which go with the opening of a file and end when its descriptor closes.
extension OwnedFile {
    /// Waits for the exclusive lock on this file.
    func lock() throws(SystemFailure) {
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw .current("cannot lock '\(label)'") }
        }
    }

    /// Takes the exclusive lock if it is free; whether it did. Also false where the file system knows no locks.
    func lockIfFree() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

    /// Creates a file with a fresh staging name and takes its lock before a sweep can take the file for an abandoned one.
    ///
    /// - Throws: `ENOLCK` or another reason where the file system cannot lock; nothing is left there then.
    static func lockedStaging(in directory: OwnedFile) throws(SystemFailure) -> (name: String, file: OwnedFile) {
        while true {
            let name = StagingName.fresh()
            let file = try OwnedFile(name, in: directory, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
            while flock(file.descriptor, LOCK_EX | LOCK_NB) != 0 {
                let reason = errno
                if reason == EINTR { continue }
                // A sweep has the lock just now, and removes the file.
                if reason == EWOULDBLOCK { break }
                unlinkat(directory.descriptor, name, 0)
                throw SystemFailure(
                    "cannot lock a file in '\(directory.label)', which has to be on a local file system",
                    Errno(rawValue: reason))
            }
            // A sweep between the two calls has removed it.
            if try file.status().st_nlink > 0, flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 { return (name, file) }
        }
    }
}
