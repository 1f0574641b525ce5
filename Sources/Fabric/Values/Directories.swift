internal import Glibc
package import SystemPackage

/// The few things done with directories themselves.
package enum Directories {
    /// Creates `path` and its missing parents with mode 0700, on stable storage; one that exists is left as it is.
    static func create(_ path: FilePath) throws(SystemFailure) {
        if try make(path) { return }
        let parent = path.removingLastComponent()
        guard !parent.isEmpty, parent != path else {
            throw SystemFailure("cannot create the directory '\(path.string)'", .noSuchFileOrDirectory)
        }
        try create(parent)
        guard try make(path) else {
            throw SystemFailure("cannot create the directory '\(path.string)'", .noSuchFileOrDirectory)
        }
    }

    /// Creates `path` unless it exists; false when its parent is missing.
    private static func make(_ path: FilePath) throws(SystemFailure) -> Bool {
        if path.withPlatformString({ mkdir($0, 0o700) }) == 0 {
            let parent = path.removingLastComponent()
            // What is stored in a directory is stored only if the directory is.
            do throws(SystemFailure) {
                try synchronize(parent.isEmpty ? "." : parent)
            } catch {
                // A parent that may be written and not read cannot be opened, so it cannot be synced.
                guard error.errno == .permissionDenied else { throw error }
            }
            return true
        }
        switch errno {
        case EEXIST: return true
        case ENOENT: return false
        default: throw .current("cannot create the directory '\(path.string)'")
        }
    }

    /// Makes a directory of a new name that begins with `prefix` (mode 0700), in `parent`, or where temporary files go.
    package static func createUnique(_ prefix: String, in parent: FilePath? = nil) throws(SystemFailure) -> FilePath {
        let parent = parent ?? FilePath(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")
        let marks = String(repeating: "X", count: 6)
        var template = Array(parent.appending(prefix + marks).string.utf8CString)
        guard mkdtemp(&template) != nil else { throw .current("cannot create a directory in '\(parent)'") }
        return FilePath(String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self))
    }

    /// The names in an open directory without `.` and `..`, in no order. Names that are not UTF-8 are left out.
    static func list(_ directory: OwnedFile) throws(SystemFailure) -> [String] {
        try entries(of: directory).compactMap { String(validating: $0, as: UTF8.self) }
    }

    /// The names in an open directory without `.` and `..`, in no order, as bytes.
    static func entries(of directory: OwnedFile) throws(SystemFailure) -> [[UInt8]] {
        var names: [[UInt8]] = []
        try visit(directory) { name in
            names.append(name)
            return true
        }
        return names
    }

    /// Hands the names in an open directory without `.` and `..` to `body`, in no order, until it returns false.
    static func visit(_ directory: OwnedFile, _ body: ([UInt8]) -> Bool) throws(SystemFailure) {
        // A descriptor of its own: the stream moves and closes the one it is given.
        let copy = openat(directory.descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else {
            throw .current("cannot list '\(directory.label)'")
        }
        defer { closedir(stream) }
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw .current("cannot list '\(directory.label)'") }
                return
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: UInt8.self, capacity: 256) { bytes in
                    Array(UnsafeBufferPointer(start: bytes, count: strnlen(bytes, 256)))
                }
            }
            if name != [0x2e], name != [0x2e, 0x2e], !body(name) { return }
        }
    }

    /// Returns once the names in the directory at `path` are on stable storage.
    static func synchronize(_ path: FilePath) throws(SystemFailure) {
        try OwnedFile(path: path, flags: O_RDONLY | O_DIRECTORY).synchronize()
    }
}
