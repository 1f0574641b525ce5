internal import CLinux
internal import Glibc
internal import SystemPackage

/// The files of an outbox: sealed envelopes, each under the digest of its bytes, and staging files of those to be.
///
/// A digest is a name that nobody can take for other bytes, so nothing is ever replaced. Whoever seals holds the lock on
/// the file until its deliveries are in the index; a file without a lock and without a delivery is nobody's. All calls
/// block.
struct EnvelopeStore: Sendable {
    /// Where the files are.
    let directory: FilePath
    let handle: OwnedFile

    private static let suffix = ".tza"

    init(directory: FilePath) throws(SystemFailure) {
        self.directory = directory
        try Directories.create(directory)
        handle = try OwnedFile(path: directory, flags: O_RDONLY | O_DIRECTORY)
    }

    /// The name of the file with these bytes.
    static func fileName(of digest: Digest) -> String { digest.hex + suffix }

    /// The digest that a file is named by; nil for other names.
    static func digest(fileName: String) -> Digest? {
        guard fileName.hasSuffix(suffix) else { return nil }
        return Digest(hex: String(fileName.dropLast(suffix.count)))
    }

    /// What can be the digest in a file's name; its digits are not looked at, because there can be very many.
    private static func digits(fileName: String) -> String? {
        guard fileName.utf8.count == Digest.byteCount * 2 + suffix.utf8.count, fileName.hasSuffix(suffix) else {
            return nil
        }
        return String(fileName.dropLast(suffix.count))
    }

    func path(of digest: Digest) -> FilePath { directory.appending(Self.fileName(of: digest)) }

    /// An envelope that is being written, and is nobody's until it is published.
    final class Staged: Sendable {
        let file: OwnedFile
        let name: String
        private let handle: OwnedFile

        fileprivate init(in handle: OwnedFile) throws(SystemFailure) {
            (name, file) = try OwnedFile.lockedStaging(in: handle)
            self.handle = handle
        }

        /// Removes it, unless it was published.
        func discard() { unlinkat(handle.descriptor, name, 0) }
    }

    /// A fresh staging file, open for reading and writing, and locked.
    func stage() throws(SystemFailure) -> Staged { try Staged(in: handle) }

    /// Gives a finished staging file the name of its digest, on stable storage.
    ///
    /// - Returns: The file with these bytes, locked: the staged one, or the one that was there before.
    func publish(_ staged: Staged, as digest: Digest, size: Int64) throws(SystemFailure) -> OwnedFile {
        try staged.file.synchronize()
        let name = Self.fileName(of: digest)
        let action = "cannot put an envelope into '\(directory)'"
        while try !NoReplaceRename.move(staged.name, in: handle, to: name, in: handle, doing: action) {
            if let earlier = try lockedFile(digest) {
                if Int64(try earlier.status().st_size) == size {
                    staged.discard()
                    return earlier
                }
                // It is not what its name says, so it is of no use to anybody.
                unlinkat(handle.descriptor, name, 0)
            }
        }
        try handle.synchronize()
        return staged.file
    }

    /// The file with this digest, locked and still there; nil when there is none.
    private func lockedFile(_ digest: Digest) throws(SystemFailure) -> OwnedFile? {
        let name = Self.fileName(of: digest)
        do throws(SystemFailure) {
            let file = try OwnedFile(name, in: handle, flags: O_RDONLY | O_NOFOLLOW)
            try file.lock()
            return try file.status().st_nlink > 0 ? file : nil
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            return nil
        }
    }

    /// The number of bytes of the file with this digest; nil when there is none.
    func size(of digest: Digest) -> Int64? {
        var status = stat()
        guard fstatat(handle.descriptor, Self.fileName(of: digest), &status, AT_SYMLINK_NOFOLLOW) == 0,
            tibet_is_regular(status.st_mode)
        else { return nil }
        return Int64(status.st_size)
    }

    /// Removes the file with this digest. One that is not there is removed.
    func remove(_ digest: Digest) throws(SystemFailure) {
        let name = Self.fileName(of: digest)
        guard unlinkat(handle.descriptor, name, 0) == 0 || errno == ENOENT else {
            throw .current("cannot remove '\(directory.appending(name))'")
        }
    }

    /// Removes what dead processes left half written.
    ///
    /// - Returns: How many staging files were removed, and the digits by which all whole files are named.
    func removeAbandoned() throws(SystemFailure) -> (removed: Int, whole: [String]) {
        var (removed, whole) = (0, [String]())
        for name in try Directories.list(handle) {
            if let digits = Self.digits(fileName: name) {
                whole.append(digits)
                continue
            }
            guard StagingName.isOurs(name),
                let file = try? OwnedFile(name, in: handle, flags: O_RDWR | O_NOFOLLOW | O_NONBLOCK), file.lockIfFree()
            else { continue }
            if unlinkat(handle.descriptor, name, 0) == 0 { removed += 1 }
        }
        return (removed, whole)
    }

    /// The lock on a whole file that nobody holds one on; nil when somebody does, or it has gone.
    func lockIfFree(_ digest: Digest) -> OwnedFile? {
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK
        guard let file = try? OwnedFile(Self.fileName(of: digest), in: handle, flags: flags), file.lockIfFree() else {
            return nil
        }
        return file
    }
}
