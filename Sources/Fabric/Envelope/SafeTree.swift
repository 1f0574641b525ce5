internal import CLinux
internal import Glibc

/// Makes files, folders and links below one directory, and never anywhere else.
///
/// Every component of every path is opened relative to the folder before it, without following links. So whatever an
/// archive claims, and whatever links it laid before, nothing outside the root can be reached.
final class SafeTree {
    private let root: OwnedFile
    private let umask: mode_t
    private let allowsOutsideLinks: Bool
    private var folders: [(path: [UInt8], mode: mode_t, seconds: Int64, nanoseconds: Int)] = []
    /// Folders directly below the root that may not be written, open: such a folder cannot be moved to another place.
    private var closedFolders: [(file: OwnedFile, mode: mode_t)] = []
    private var lastFolder: (path: ArraySlice<UInt8>, file: OwnedFile)?

    private static let slash = UInt8(ascii: "/")

    /// - Parameter umask: The permissions to withhold from folders; the kernel does so for files.
    init(root: OwnedFile, umask: mode_t, allowsOutsideLinks: Bool) {
        self.root = root
        self.umask = umask
        self.allowsOutsideLinks = allowsOutsideLinks
    }

    /// Creates a file that must not exist yet, with its missing folders.
    func createFile(_ path: [UInt8], mode: mode_t) throws(EnvelopeError) -> OwnedFile {
        let (folder, name) = try place(for: path)
        let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let descriptor = openat(folder.descriptor, name, flags, mode)
        guard descriptor >= 0 else { throw failure("cannot create", path) }
        return OwnedFile(adopting: descriptor, label: Self.shown(path))
    }

    /// Creates a folder; one that is there is kept. Mode and time are set at the end, when its contents are complete.
    func createFolder(_ path: [UInt8], mode: mode_t, seconds: Int64, nanoseconds: Int) throws(EnvelopeError) {
        _ = try folder(Array(path)[...])
        folders.append((path, mode & ~umask, seconds, nanoseconds))
    }

    /// Creates a symbolic link.
    func createLink(_ path: [UInt8], to target: [UInt8], seconds: Int64, nanoseconds: Int) throws(EnvelopeError) {
        guard allowsOutsideLinks || LinkRule.staysInside(target, link: path) else {
            throw .badArchive("the link '\(Self.shown(path))' leads outside, to '\(Self.shown(target))'")
        }
        let (folder, name) = try place(for: path)
        guard symlinkat(target.map(CChar.init(bitPattern:)) + [0], folder.descriptor, name) == 0 else {
            throw failure("cannot create", path)
        }
        _ = tibet_set_times(folder.descriptor, name, seconds, nanoseconds)
    }

    /// Gives the folders their modes and times, inner ones first; but for the modes that `close` gives.
    func finish() throws(EnvelopeError) {
        for folder in folders.sorted(by: { $0.path.count > $1.path.count }) {
            let file = try self.folder(folder.path[...])
            _ = tibet_set_file_times(file.descriptor, folder.seconds, folder.nanoseconds)
            if folder.mode & 0o200 == 0, !folder.path.contains(Self.slash) {
                closedFolders.append((file, folder.mode))
                continue
            }
            guard fchmod(file.descriptor, folder.mode) == 0 else {
                throw failure("cannot set the mode of", folder.path)
            }
        }
        lastFolder = nil
    }

    /// Gives the modes that had to wait until everything is in its place.
    func close(durably: Bool) throws(EnvelopeError) {
        for (file, mode) in closedFolders {
            guard fchmod(file.descriptor, mode) == 0 else {
                throw .system(.current("cannot set the mode of '\(file.label)'"))
            }
            if durably { try EnvelopeError.wrapping { () throws(SystemFailure) in try file.synchronize() } }
        }
        closedFolders = []
    }

    private func place(for path: [UInt8]) throws(EnvelopeError) -> (folder: OwnedFile, name: [CChar]) {
        let start = path.lastIndex(of: Self.slash).map { $0 + 1 } ?? 0
        let folder = try folder(path[..<max(0, start - 1)])
        return (folder, path[start...].map(CChar.init(bitPattern:)) + [0])
    }

    /// Opens the folder at `path`, making what is missing. Modes are strict until `finish`.
    private func folder(_ path: ArraySlice<UInt8>) throws(EnvelopeError) -> OwnedFile {
        if let lastFolder, lastFolder.path.elementsEqual(path) { return lastFolder.file }
        var folder = root
        for component in path.split(separator: Self.slash) {
            let name = component.map(CChar.init(bitPattern:)) + [0]
            guard mkdirat(folder.descriptor, name, 0o700) == 0 || errno == EEXIST else {
                throw failure("cannot create", Array(path))
            }
            let descriptor = openat(folder.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard descriptor >= 0 else {
                if errno == ELOOP || errno == ENOTDIR {
                    throw .badArchive("'\(Self.shown(Array(path)))' leads through something that is not a folder")
                }
                throw failure("cannot open", Array(path))
            }
            folder = OwnedFile(adopting: descriptor, label: Self.shown(Array(path)))
        }
        lastFolder = (path, folder)
        return folder
    }

    private func failure(_ action: String, _ path: [UInt8]) -> EnvelopeError {
        if errno == EEXIST { return .badArchive("'\(Self.shown(path))' stands twice") }
        return .system(.current("\(action) '\(Self.shown(path))'"))
    }

    private static func shown(_ path: [UInt8]) -> String { EnvelopeError.shown(String(decoding: path, as: UTF8.self)) }

    /// Removes `name` in `parent` with everything below, following no links. What cannot be removed stays.
    static func remove(_ name: String, in parent: OwnedFile) {
        remove(name.utf8CString.dropLast() + [0], in: parent.descriptor)
    }

    /// Goes down and up with one open folder at a time, so that no depth uses up the descriptors.
    private static func remove(_ name: [CChar], in parent: Int32) {
        if unlinkat(parent, name, 0) == 0 { return }
        guard var here = enter(name, in: parent) else { return }
        var way: [(name: [CChar], left: [[CChar]])] = [(name, removeFiles(in: here))]
        while let last = way.last {
            if let next = last.left.last {
                way[way.count - 1].left.removeLast()
                guard let inner = enter(next, in: here.descriptor) else { continue }
                here = inner
                way.append((next, removeFiles(in: inner)))
                continue
            }
            way.removeLast()
            guard !way.isEmpty else { break }
            let above = openat(here.descriptor, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard above >= 0 else { return }
            here = OwnedFile(adopting: above, label: "")
            unlinkat(above, last.name, AT_REMOVEDIR)
        }
        unlinkat(parent, name, AT_REMOVEDIR)
    }

    private static func enter(_ name: [CChar], in parent: Int32) -> OwnedFile? {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        var descriptor = openat(parent, name, flags)
        // What was unpacked may be closed even to its owner.
        if descriptor < 0, errno == EACCES, fchmodat(parent, name, 0o700, 0) == 0 {
            descriptor = openat(parent, name, flags)
        }
        guard descriptor >= 0 else { return nil }
        fchmod(descriptor, 0o700)
        return OwnedFile(adopting: descriptor, label: "")
    }

    /// Removes what is no folder, and gives the names of the folders.
    private static func removeFiles(in folder: OwnedFile) -> [[CChar]] {
        ((try? Directories.entries(of: folder)) ?? []).map { $0.map(CChar.init(bitPattern:)) + [0] }
            .filter { unlinkat(folder.descriptor, $0, 0) != 0 }
    }
}
