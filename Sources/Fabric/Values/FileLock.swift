internal import Glibc

/// Advisory locks, which go with the opening of a file and end when its descriptor closes.
extension OwnedFile {
    /// Waits for the exclusive lock on this file.
    func lock() throws(SystemFailure) {
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw .current("cannot lock '\(label)'") }
        }
    }

    /// Takes the exclusive lock if nobody holds one; whether it did.
    func lockIfFree() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }
}
