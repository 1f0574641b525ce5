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
    private let limits: EnvelopeLimits
    private let folders: FolderRecords
    private var foldersMade = 0
    private var topLevel = 0
    /// Folders directly below the root that may not be written, open: such a folder cannot be moved to another place.
    private var closedFolders: [(file: OwnedFile, mode: mode_t)] = []
    /// Links that climb after a name: whether they stay inside is seen when everything is there.
    private var wanderingLinks: [(path: [UInt8], target: [UInt8], seconds: Int64, nanoseconds: Int)] = []
    private var wanderingBytes = 0
    private var lastFolder: (path: ArraySlice<UInt8>, file: OwnedFile)?

    private static let slash = UInt8(ascii: "/")
    /// Marks a folder that an entry of the archive was about, until `finish`: nothing that is unpacked is sticky.
    private static let listed = mode_t(0o1000)

    /// - Parameter umask: The permissions to withhold from folders; the kernel does so for files.
    init(root: OwnedFile, umask: mode_t, allowsOutsideLinks: Bool, limits: EnvelopeLimits = EnvelopeLimits()) {
        self.root = root
        self.umask = umask
        self.allowsOutsideLinks = allowsOutsideLinks
        self.limits = limits
        folders = FolderRecords(in: root, largest: limits.unpackedFolderBytes)
    }

    /// Creates a file that must not exist yet, with its missing folders.
    func createFile(_ path: [UInt8], mode: mode_t) throws(EnvelopeError) -> OwnedFile {
        let (folder, name) = try place(for: path)
        let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let descriptor = openat(folder.descriptor, name, flags, mode)
        guard descriptor >= 0 else { throw failure("cannot create", path) }
        return OwnedFile(adopting: descriptor, label: DisplayText.line(path))
    }

    /// Creates a folder, or takes the one that was made for what is in it. Mode and time are set at the end, when its
    /// contents are complete.
    func createFolder(_ path: [UInt8], mode: mode_t, seconds: Int64, nanoseconds: Int) throws(EnvelopeError) {
        let file = try folder(path[...])
        let status = try EnvelopeError.wrapping { () throws(SystemFailure) in try file.status() }
        guard status.st_mode & Self.listed == 0 else { throw .badArchive("'\(DisplayText.line(path))' stands twice") }
        // Where modes cannot be set, a folder that stands twice has the time of its first entry.
        fchmod(file.descriptor, 0o700 | Self.listed)
        try folders.append(.init(path: path, mode: mode & ~umask, seconds: seconds, nanoseconds: nanoseconds))
    }

    /// Creates a symbolic link.
    func createLink(_ path: [UInt8], to target: [UInt8], seconds: Int64, nanoseconds: Int) throws(EnvelopeError) {
        guard allowsOutsideLinks || LinkRule.staysInside(target, link: path) else {
            wanderingBytes += path.count + target.count + 64
            guard LinkRule.staysInside(target, link: path, isFolder: { _ in true }), wanderingBytes <= 1 << 20 else {
                throw leadsOutside(path, target)
            }
            return wanderingLinks.append((path, target, seconds, nanoseconds))
        }
        try makeLink(path, to: target, seconds: seconds, nanoseconds: nanoseconds)
    }

    private func leadsOutside(_ path: [UInt8], _ target: [UInt8]) -> EnvelopeError {
        .badArchive("the link '\(DisplayText.line(path))' leads outside, to '\(DisplayText.line(target))'")
    }

    private func makeWanderingLinks() throws(EnvelopeError) {
        for link in wanderingLinks {
            let isInside = LinkRule.staysInside(link.target, link: link.path) { path in
                (try? existingFolder(path[...])) != nil
            }
            guard isInside else { throw leadsOutside(link.path, link.target) }
            try makeLink(link.path, to: link.target, seconds: link.seconds, nanoseconds: link.nanoseconds)
        }
        wanderingLinks = []
    }

    private func makeLink(
        _ path: [UInt8], to target: [UInt8], seconds: Int64, nanoseconds: Int
    ) throws(EnvelopeError) {
        let (folder, name) = try place(for: path)
        guard symlinkat(target.map(CChar.init(bitPattern:)) + [0], folder.descriptor, name) == 0 else {
            throw failure("cannot create", path)
        }
        _ = tibet_set_times(folder.descriptor, name, seconds, nanoseconds)
    }

    /// Gives the folders their modes and times, the last listed first; but for the modes that `close` gives.
    ///
    /// Modes that close a folder to its owner wait until all others are set, so that every folder can be reached.
    func finish() throws(EnvelopeError) {
        try makeWanderingLinks()
        var areClosed = false
        try folders.forEachReversed { record throws(EnvelopeError) in
            let file = try folder(record.path[...])
            _ = tibet_set_file_times(file.descriptor, record.seconds, record.nanoseconds)
            areClosed = areClosed || record.mode & 0o700 != 0o700
            try setMode(record.mode | 0o700, of: file)
        }
        try folders.forEachReversed { record throws(EnvelopeError) in
            guard areClosed, record.mode & 0o700 != 0o700 else { return }
            let file = try folder(record.path[...])
            if record.mode & 0o200 == 0, !record.path.contains(Self.slash) {
                closedFolders.append((file, record.mode))
            } else {
                try setMode(record.mode, of: file)
            }
        }
        lastFolder = nil
    }

    /// Sets a mode, unless the file system has none: CIFS, exFAT and many FUSE file systems refuse to.
    private func setMode(_ mode: mode_t, of file: OwnedFile) throws(EnvelopeError) {
        guard fchmod(file.descriptor, mode) != 0, ![EPERM, EOPNOTSUPP, ENOSYS].contains(errno) else { return }
        throw .system(.current("cannot set the mode of '\(file.label)'"))
    }

    /// Gives the modes that had to wait until everything is in its place.
    func close(durably: Bool) throws(EnvelopeError) {
        for (file, mode) in closedFolders {
            try setMode(mode, of: file)
            if durably { try EnvelopeError.wrapping { () throws(SystemFailure) in try file.synchronize() } }
        }
        closedFolders = []
    }

    private func place(for path: [UInt8]) throws(EnvelopeError) -> (folder: OwnedFile, name: [CChar]) {
        let start = path.lastIndex(of: Self.slash).map { $0 + 1 } ?? 0
        if start == 0 { try countTopLevel() }
        let folder = try folder(path[..<max(0, start - 1)])
        return (folder, path[start...].map(CChar.init(bitPattern:)) + [0])
    }

    /// Opens the folder at `path`, making what is missing. Modes are strict until `finish`.
    ///
    /// The kernel walks what is there in one call, so the work is proportional to the length of the paths.
    private func folder(_ path: ArraySlice<UInt8>) throws(EnvelopeError) -> OwnedFile {
        guard !path.isEmpty else { return root }
        if let lastFolder, lastFolder.path.elementsEqual(path) { return lastFolder.file }
        let found: OwnedFile
        if let existing = try existingFolder(path) { found = existing } else { found = try missingFolder(path) }
        lastFolder = (path, found)
        return found
    }

    /// Makes the folder at `path`, beginning at the nearest folder that is known to be there.
    private func missingFolder(_ path: ArraySlice<UInt8>) throws(EnvelopeError) -> OwnedFile {
        var folder = root
        var rest = path
        if let lastFolder, path.starts(with: lastFolder.path + [Self.slash]) {
            (folder, rest) = (lastFolder.file, path.dropFirst(lastFolder.path.count + 1))
        } else if let end = path.lastIndex(of: Self.slash), let parent = try existingFolder(path[..<end]) {
            (folder, rest) = (parent, path[(end + 1)...])
        }
        for component in rest.split(separator: Self.slash) {
            let name = component.map(CChar.init(bitPattern:)) + [0]
            let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
            var descriptor = openat(folder.descriptor, name, flags)
            if descriptor < 0, errno == ENOENT {
                if folder === root { try countTopLevel() }
                foldersMade += 1
                guard foldersMade <= limits.unpackedEntries else {
                    throw .overLimit("the names lead through more folders than are allowed")
                }
                guard mkdirat(folder.descriptor, name, 0o700) == 0 || errno == EEXIST else {
                    throw failure("cannot create", Array(path))
                }
                descriptor = openat(folder.descriptor, name, flags)
            }
            guard descriptor >= 0 else { throw obstacle(path) }
            folder = OwnedFile(adopting: descriptor, label: DisplayText.line(path))
        }
        return folder
    }

    /// The folder at `path`; nil where there is none, or where the kernel cannot open it in one call.
    private func existingFolder(_ path: ArraySlice<UInt8>) throws(EnvelopeError) -> OwnedFile? {
        let descriptor = tibet_open_folder_beneath(root.descriptor, path.map(CChar.init(bitPattern:)) + [0])
        if descriptor >= 0 { return OwnedFile(adopting: descriptor, label: DisplayText.line(path)) }
        if [ELOOP, ENOTDIR, EXDEV].contains(errno) { throw obstacle(path) }
        return nil
    }

    private func obstacle(_ path: ArraySlice<UInt8>) -> EnvelopeError {
        guard [ELOOP, ENOTDIR, EXDEV].contains(errno) else { return failure("cannot open", Array(path)) }
        return .badArchive("'\(DisplayText.line(path))' leads through something that is not a folder")
    }

    private func countTopLevel() throws(EnvelopeError) {
        topLevel += 1
        guard topLevel <= limits.unpackedTopLevel else {
            throw .overLimit("the envelope holds more than \(limits.unpackedTopLevel) things side by side at its top")
        }
    }

    private func failure(_ action: String, _ path: [UInt8]) -> EnvelopeError {
        if errno == EEXIST { return .badArchive("'\(DisplayText.line(path))' stands twice") }
        return .system(.current("\(action) '\(DisplayText.line(path))'"))
    }

    /// Removes `name` in `parent` with everything below, following no links. What cannot be removed stays.
    static func remove(_ name: String, in parent: OwnedFile) {
        remove(name.utf8CString.dropLast() + [0], in: parent.descriptor)
    }

    /// Goes down and up with one open folder at a time and few names in memory, so that neither depth nor breadth uses
    /// up what the process has.
    private static func remove(_ name: [CChar], in parent: Int32) {
        if unlinkat(parent, name, 0) == 0 { return }
        guard var here = enter(name, in: parent) else { return }
        var way = [Level(name: name, in: here)]
        while let last = way.last {
            if let next = way[way.count - 1].nextFolder(in: here) {
                guard let inner = enter(next, in: here.descriptor) else {
                    way[way.count - 1].isStuck = true
                    continue
                }
                here = inner
                way.append(Level(name: next, in: inner))
                continue
            }
            way.removeLast()
            guard !way.isEmpty else { break }
            let above = openat(here.descriptor, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard above >= 0 else { return }
            here = OwnedFile(adopting: above, label: "")
            if unlinkat(above, last.name, AT_REMOVEDIR) != 0 { way[way.count - 1].isStuck = true }
        }
        unlinkat(parent, name, AT_REMOVEDIR)
    }

    /// A folder that is being emptied.
    private struct Level {
        let name: [CChar]
        /// Whether something in it cannot be removed, so that looking once more would never end.
        var isStuck = false
        private var left: [[CChar]]

        init(name: [CChar], in folder: OwnedFile) {
            self.name = name
            left = SafeTree.removeFiles(in: folder)
        }

        /// The name of a folder to be emptied next; nil when there is none.
        mutating func nextFolder(in folder: OwnedFile) -> [CChar]? {
            if left.isEmpty, !isStuck { left = SafeTree.removeFiles(in: folder) }
            return left.popLast()
        }
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

    /// Removes what is no folder, until it has found a thousand folders; gives their names.
    private static func removeFiles(in folder: OwnedFile) -> [[CChar]] {
        var folders: [[CChar]] = []
        var removed = 0
        repeat {
            removed = 0
            folders = []
            try? Directories.visit(folder) { name in
                let name = name.map(CChar.init(bitPattern:)) + [0]
                if unlinkat(folder.descriptor, name, 0) == 0 { removed += 1 } else { folders.append(name) }
                return folders.count < 1000
            }
            // A file system may leave out names while others are removed.
        } while removed > 0 && folders.isEmpty
        return folders
    }
}
