internal import CLinux
internal import Glibc
internal import SystemPackage

/// Renaming that never replaces, on file systems that have such a call and on those that do not.
///
/// NFS, 9p, vboxsf and many FUSE file systems know only the plain rename, which replaces. There a file gets its name
/// by a second link, which is refused where the name is taken; a folder is renamed over an empty one that was made for
/// it, because a rename replaces no folder with anything in it.
enum NoReplaceRename {
    /// Whether the kernel's call is taken for missing, as it is on those file systems. For tests.
    @TaskLocal static var isUnsupported = false

    /// Renames `old` in `source` to `new` in `target`.
    ///
    /// - Parameter action: What this is for, for the error, for example `cannot publish 'a.tza'`.
    /// - Returns: Whether it was renamed; false when the new name is taken, and then nothing was changed.
    static func move(
        _ old: [CChar], in source: OwnedFile, to new: [CChar], in target: OwnedFile, doing action: String
    ) throws(SystemFailure) -> Bool {
        if !isUnsupported {
            if tibet_rename_noreplace(source.descriptor, old, target.descriptor, new) == 0 { return true }
            if errno == EEXIST { return false }
            guard [EINVAL, ENOSYS, EOPNOTSUPP].contains(errno) else { throw .current(action) }
        }
        var status = stat()
        guard fstatat(source.descriptor, old, &status, AT_SYMLINK_NOFOLLOW) == 0 else { throw .current(action) }
        return try tibet_is_directory(status.st_mode)
            ? moveFolder(old, source, new, target, action) : moveFile(old, source, new, target, action)
    }

    /// The same for names that are text.
    static func move(
        _ old: String, in source: OwnedFile, to new: String, in target: OwnedFile, doing action: String
    ) throws(SystemFailure) -> Bool {
        try move(Array(old.utf8CString), in: source, to: Array(new.utf8CString), in: target, doing: action)
    }

    private static func moveFile(
        _ old: [CChar], _ source: OwnedFile, _ new: [CChar], _ target: OwnedFile, _ action: String
    ) throws(SystemFailure) -> Bool {
        guard linkat(source.descriptor, old, target.descriptor, new, 0) == 0 else {
            if errno == EEXIST { return false }
            guard [EPERM, ENOSYS, EOPNOTSUPP].contains(errno) else { throw .current(action) }
            throw SystemFailure(
                action + ": this file system can neither rename without replacing nor make hard links", .notSupported)
        }
        // What is left under the old name is swept with other leftovers.
        _ = unlinkat(source.descriptor, old, 0)
        return true
    }

    private static func moveFolder(
        _ old: [CChar], _ source: OwnedFile, _ new: [CChar], _ target: OwnedFile, _ action: String
    ) throws(SystemFailure) -> Bool {
        guard mkdirat(target.descriptor, new, 0o700) == 0 else {
            if errno == EEXIST { return false }
            throw .current(action)
        }
        if renameat(source.descriptor, old, target.descriptor, new) == 0 { return true }
        let failure = SystemFailure.current(action)
        // Another process used the new folder already, or put something else in its place.
        if [.directoryNotEmpty, .fileExists, .notDirectory].contains(failure.errno) { return false }
        _ = unlinkat(target.descriptor, new, AT_REMOVEDIR)
        throw failure
    }
}
