internal import Glibc
internal import SystemPackage

/// The few things done with directories themselves.
enum Directories {
    /// Creates `path` and its missing parents with mode 0700; one that exists is left as it is.
    static func create(_ path: FilePath) throws(SystemFailure) {
        if path.withPlatformString({ mkdir($0, 0o700) }) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, path.lexicallyNormalized() != path.removingLastComponent(), !path.isEmpty else {
            throw .current("cannot create the directory '\(path.string)'")
        }
        let parent = path.removingLastComponent()
        guard !parent.isEmpty else { throw .current("cannot create the directory '\(path.string)'") }
        try create(parent)
        guard path.withPlatformString({ mkdir($0, 0o700) }) == 0 || errno == EEXIST else {
            throw .current("cannot create the directory '\(path.string)'")
        }
    }

    /// The names in an open directory without `.` and `..`, in no order. Names that are not UTF-8 are left out.
    static func list(_ directory: OwnedFile) throws(SystemFailure) -> [String] {
        try entries(of: directory).compactMap { String(validating: $0, as: UTF8.self) }
    }

    /// The names in an open directory without `.` and `..`, in no order, as bytes.
    static func entries(of directory: OwnedFile) throws(SystemFailure) -> [[UInt8]] {
        // A descriptor of its own: the stream moves and closes the one it is given.
        let copy = openat(directory.descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else {
            throw .current("cannot list '\(directory.label)'")
        }
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw .current("cannot list '\(directory.label)'") }
                return names
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: UInt8.self, capacity: 256) { bytes in
                    Array(UnsafeBufferPointer(start: bytes, count: strnlen(bytes, 256)))
                }
            }
            if name != [0x2e], name != [0x2e, 0x2e] { names.append(name) }
        }
    }

    /// Returns once the names in the directory at `path` are on stable storage.
    static func synchronize(_ path: FilePath) throws(SystemFailure) {
        try OwnedFile(path: path, flags: O_RDONLY | O_DIRECTORY).synchronize()
    }
}
