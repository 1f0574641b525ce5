internal import Glibc
internal import SystemPackage

/// Tells others that somebody has the outbox open: a locked file in `open/`, removed when the value goes.
///
/// One that is there and not locked is of a process that died, or was ended, with the outbox open, and may have left
/// something for a sweep. Nothing depends on these files: without them a sweep is made an hour later.
final class Presence: Sendable {
    private let file: OwnedFile
    private let name: String
    private let folder: OwnedFile

    private static let directoryName = "open"

    /// Makes the file in the outbox at `directory`.
    init(in directory: FilePath) throws(SystemFailure) {
        let path = directory.appending(Self.directoryName)
        try Directories.create(path)
        folder = try OwnedFile(path: path, flags: O_RDONLY | O_DIRECTORY)
        (name, file) = try OwnedFile.lockedStaging(in: folder)
    }

    deinit { unlinkat(folder.descriptor, name, 0) }

    /// The files of those who have ended without removing theirs.
    func dead() throws(SystemFailure) -> [String] {
        var dead: [String] = []
        for name in try Directories.list(folder) where name != self.name && StagingName.isOurs(name) {
            let flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK
            if let file = try? OwnedFile(name, in: folder, flags: flags), file.lockIfFree() { dead.append(name) }
        }
        return dead
    }

    /// Removes the files of the dead, after what they left was looked for.
    func forget(_ dead: [String]) {
        for name in dead { unlinkat(folder.descriptor, name, 0) }
    }
}
