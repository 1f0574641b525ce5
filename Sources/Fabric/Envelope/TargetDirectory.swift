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
    private let name: String
    private let stagingName: String
    private let existing: OwnedFile?

    init(_ target: FilePath) throws(EnvelopeError) {
        self.target = target
        let lexical = target.lexicallyNormalized()
        do throws(SystemFailure) {
            if let open = try? OwnedFile(path: lexical, flags: O_RDONLY | O_DIRECTORY) {
                // Inside the directory itself: it may be a mount point, and its parent may not be ours to write to.
                existing = open
                parent = open
                name = ""
            } else {
                let folder = lexical.removingLastComponent()
                let parentPath = folder.isEmpty ? FilePath(".") : folder
                try Directories.create(parentPath)
                existing = nil
                parent = try OwnedFile(path: parentPath, flags: O_RDONLY | O_DIRECTORY)
                name = lexical.lastComponent?.string ?? "."
            }
            stagingName = ".unpacking-" + StagingName.fresh().dropFirst()
            guard mkdirat(parent.descriptor, stagingName, 0o777) == 0 else {
                throw SystemFailure.current("cannot create a directory in '\(parent.label)'")
            }
            staging = try OwnedFile(stagingName, in: parent, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            // The kernel tells the mask only to those who set it, which another thread would notice.
            umask = ~(try staging.status().st_mode) & 0o777
            fchmod(staging.descriptor, 0o700)
        } catch {
            throw .system(error)
        }
    }

    /// Moves what was written to its place and removes the temporary directory.
    ///
    /// A target that did not exist comes into being in one step. Into one that did, each thing is renamed without
    /// replacing; if a name turns out to be taken, those renamed before it are taken back.
    ///
    /// - Parameter durably: Whether to wait until everything is on stable storage before it gets its name.
    func publish(durably: Bool) throws(EnvelopeError) -> [FilePath] {
        if durably, tibet_sync_file_system(staging.descriptor) != 0 {
            throw .system(.current("cannot sync '\(staging.label)'"))
        }
        let names = try EnvelopeError.wrapping { () throws(SystemFailure) in try Directories.entries(of: staging) }
            .sorted { $0.lexicographicallyPrecedes($1) }
        guard existing != nil else {
            try publishWhole(durably)
            return names.map(path)
        }
        for name in names where faccessat(parent.descriptor, Self.cName(name), F_OK, AT_SYMLINK_NOFOLLOW) == 0 {
            throw .targetExists(path(name).string)
        }
        var moved: [[UInt8]] = []
        for name in names {
            let cName = Self.cName(name)
            guard tibet_rename_noreplace(staging.descriptor, cName, parent.descriptor, cName) == 0 else {
                let reason = Errno(rawValue: errno)
                for name in moved {
                    let cName = Self.cName(name)
                    _ = tibet_rename_noreplace(parent.descriptor, cName, staging.descriptor, cName)
                }
                if reason == .fileExists { throw .targetExists(path(name).string) }
                throw .system(SystemFailure("cannot create '\(path(name).string)'", reason))
            }
            moved.append(name)
        }
        unlinkat(parent.descriptor, stagingName, AT_REMOVEDIR)
        try synchronizeParent(durably)
        return names.map(path)
    }

    private func publishWhole(_ durably: Bool) throws(EnvelopeError) {
        fchmod(staging.descriptor, 0o777 & ~umask)
        guard tibet_rename_noreplace(parent.descriptor, stagingName, parent.descriptor, name) == 0 else {
            if errno == EEXIST { throw .targetExists(target.string) }
            throw .system(.current("cannot create '\(target.string)'"))
        }
        try synchronizeParent(durably)
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
        target.appending(String(decoding: name, as: UTF8.self))
    }

    private static func cName(_ name: [UInt8]) -> [CChar] { name.map(CChar.init(bitPattern:)) + [0] }
}
