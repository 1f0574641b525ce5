internal import CLinux
internal import Glibc
public import SystemPackage

/// Small files that are read as a whole and replaced as a whole, so that a reader sees the old one or the new one.
/// All calls block.
public enum ReplaceableFile {
    /// The first `count` bytes of the file at `path`; nil when there is none.
    public static func read(_ path: FilePath, atMost count: Int) throws(SystemFailure) -> [UInt8]? {
        do throws(SystemFailure) {
            let file = try OwnedFile(path: path, flags: O_RDONLY | O_NONBLOCK)
            let status = try file.status()
            // Only a regular file says how long it is.
            let size = tibet_is_regular(status.st_mode) ? Int(clamping: status.st_size).addingClamping(1) : count
            return try file.bytes(atMost: min(count, max(1, size)))
        } catch {
            if error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory { return nil }
            throw error
        }
    }

    /// Puts `bytes` in the place of the file at `path`, mode 0600, and makes missing directories with mode 0700. On
    /// throw the old file is as it was.
    ///
    /// - Parameter isDurable: Whether they are on stable storage on return. What can be had again need not be.
    public static func replace(
        _ path: FilePath, with bytes: [UInt8], isDurable: Bool = true
    ) throws(SystemFailure) {
        let parent = path.removingLastComponent()
        try Directories.create(parent.isEmpty ? "." : parent)
        let folder = try OwnedFile(path: parent.isEmpty ? "." : parent, flags: O_RDONLY | O_DIRECTORY)
        try replace(path.lastComponent?.string ?? "", in: folder, with: bytes, isDurable: isDurable)
    }

    /// Puts `bytes` in the place of the file `name` in an open directory; otherwise as above.
    static func replace(
        _ name: String, in folder: OwnedFile, with bytes: [UInt8], isDurable: Bool = true
    ) throws(SystemFailure) {
        let staging = StagingName.fresh()
        let file = try OwnedFile(staging, in: folder, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
        do throws(SystemFailure) {
            try file.write(bytes: bytes, at: 0)
            if isDurable { try file.synchronize() }
            guard renameat(folder.descriptor, staging, folder.descriptor, name) == 0 else {
                throw .current("cannot replace '\(folder.label)/\(name)'")
            }
        } catch {
            unlinkat(folder.descriptor, staging, 0)
            throw error
        }
        if isDurable { try folder.synchronize() }
    }
}
