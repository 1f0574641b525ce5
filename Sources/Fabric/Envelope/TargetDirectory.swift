internal import CLinux
internal import Glibc
internal import SystemPackage

/// A temporary directory beside the place that its contents are to go to, and the step that puts them there.
struct TargetDirectory {
    /// Where to write, open.
    let staging: OwnedFile
    /// The permissions that this process withholds from what it makes.
    let umask: mode_t

    private let target: FilePath
    private let parent: OwnedFile
    private let name: [CChar]
    private let stagingName: String
    private let existing: OwnedFile?

    init(_ target: FilePath) throws(EnvelopeError) {
        let lexical = target.lexicallyNormalized()
        // The empty path is what '.' comes to.
        self.target = lexical.isEmpty ? "." : target
        do throws(SystemFailure) {
            if let open = try? OwnedFile(path: self.target, flags: O_RDONLY | O_DIRECTORY) {
                // Inside the directory itself: it may be a mount point, and its parent may not be ours to write to.
                existing = open
                parent = open
                name = []
            } else {
                let folder = lexical.removingLastComponent()
                let parentPath = folder.isEmpty ? FilePath(".") : folder
                try Directories.create(parentPath)
                existing = nil
                parent = try OwnedFile(path: parentPath, flags: O_RDONLY | O_DIRECTORY)
                name =
                    lexical.lastComponent?.withPlatformString {
                        Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
                    }
                    ?? []
            }
            Self.sweep(parent)
            (stagingName, staging) = try Self.stage(in: parent)
            // The kernel tells the mask only to those who set it, which another thread would notice.
            umask = ~(try staging.status().st_mode) & 0o777
            fchmod(staging.descriptor, 0o700)
        } catch {
            throw .system(error)
        }
    }

    /// Makes the temporary directory, locked for as long as it is open.
    private static func stage(in parent: OwnedFile) throws(SystemFailure) -> (name: String, file: OwnedFile) {
        // Another process may sweep the directory before it is locked; it cannot do so time and again.
        for _ in 0..<100 {
            let name = prefix + StagingName.fresh().dropFirst()
            guard mkdirat(parent.descriptor, name, 0o777) == 0 else {
                throw .current("cannot create a directory in '\(parent.label)'")
            }
            let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
            let file: OwnedFile
            do throws(SystemFailure) {
                file = try OwnedFile(name, in: parent, flags: flags)
            } catch {
                guard error.errno == .noSuchFileOrDirectory else { throw error }
                continue
            }
            // Without locks on this file system nothing is swept either.
            if flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK { return (name, file) }
        }
        throw SystemFailure("cannot create a directory in '\(parent.label)'", .resourceTemporarilyUnavailable)
    }

    private static let prefix = ".unpacking-"

    /// Removes the temporary directories that processes left behind when they were killed.
    private static func sweep(_ parent: OwnedFile) {
        var leftovers: [String] = []
        try? Directories.visit(parent) { bytes in
            if let name = String(validating: bytes, as: UTF8.self), name.hasPrefix(prefix),
                StagingName.isOurs("." + name.dropFirst(prefix.count))
            {
                leftovers.append(name)
            }
            return leftovers.count < 1000
        }
        for name in leftovers {
            let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
            guard let file = try? OwnedFile(name, in: parent, flags: flags), file.lockIfFree(),
                let status = try? file.status(), status.st_uid == geteuid()
            else { continue }
            SafeTree.remove(name, in: parent)
        }
    }

    /// Moves what was written to its place and removes the temporary directory.
    ///
    /// A target that did not exist comes into being in one step. Into one that did, each thing is renamed without
    /// replacing; if a name turns out to be taken, those renamed before it are taken back.
    ///
    /// - Parameter durably: Whether to wait until everything is on stable storage before it gets its name.
    /// - Returns: The path of each thing, and whether it is a symbolic link.
    func publish(durably: Bool) throws(EnvelopeError) -> [(path: FilePath, isLink: Bool)] {
        if durably, tibet_sync_file_system(staging.descriptor) != 0 {
            throw .system(.current("cannot sync '\(staging.label)'"))
        }
        let names = try EnvelopeError.wrapping { () throws(SystemFailure) in try Directories.entries(of: staging) }
            .sorted { $0.lexicographicallyPrecedes($1) }
        let published = names.map { name in
            var status = stat()
            let isKnown = fstatat(staging.descriptor, Self.cName(name), &status, AT_SYMLINK_NOFOLLOW) == 0
            return (path: path(name), isLink: isKnown && tibet_is_symlink(status.st_mode))
        }
        guard existing != nil else {
            try publishWhole(durably)
            return published
        }
        for name in names where faccessat(parent.descriptor, Self.cName(name), F_OK, AT_SYMLINK_NOFOLLOW) == 0 {
            throw .targetExists(path(name).string)
        }
        var moved: [[UInt8]] = []
        do throws(EnvelopeError) {
            for name in names {
                try move(Self.cName(name), in: staging, to: Self.cName(name), shown: path(name))
                moved.append(name)
            }
        } catch {
            for name in moved {
                _ = try? NoReplaceRename.move(
                    Self.cName(name), in: parent, to: Self.cName(name), in: staging, doing: "")
            }
            throw error
        }
        unlinkat(parent.descriptor, stagingName, AT_REMOVEDIR)
        try synchronizeParent(durably)
        return published
    }

    private func publishWhole(_ durably: Bool) throws(EnvelopeError) {
        fchmod(staging.descriptor, 0o777 & ~umask)
        try move(Array(stagingName.utf8CString), in: parent, to: name, shown: target)
        try synchronizeParent(durably)
    }

    private func move(
        _ old: [CChar], in folder: OwnedFile, to new: [CChar], shown: FilePath
    ) throws(EnvelopeError) {
        let isMoved = try EnvelopeError.wrapping { () throws(SystemFailure) in
            try NoReplaceRename.move(
                old, in: folder, to: new, in: parent,
                doing: "cannot create '\(DisplayText.line(shown.string, atMost: .max))'")
        }
        guard isMoved else { throw .targetExists(shown.string) }
    }

    /// Everything has its name by now; only who relies on its being durable has reason to call a failure one.
    private func synchronizeParent(_ durably: Bool) throws(EnvelopeError) {
        guard durably else { return }
        try EnvelopeError.wrapping { () throws(SystemFailure) in try parent.synchronize() }
    }

    /// Removes everything that was written.
    func discard() {
        SafeTree.remove(stagingName, in: parent)
    }

    private func path(_ name: [UInt8]) -> FilePath {
        Self.cName(name).withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress, let name = FilePath.Component(platformString: start) else {
                return target
            }
            return target.appending(name)
        }
    }

    private static func cName(_ name: [UInt8]) -> [CChar] { name.map(CChar.init(bitPattern:)) + [0] }
}
