internal import CLinux
internal import Glibc
internal import SystemPackage

/// Visits everything below a directory in one fixed order: folders before what is in them, names compared as bytes.
///
/// This is the order in which peers list the files of a directory (`envelope.md`, section 6). Symbolic links are
/// visited and never followed.
struct DirectoryWalk {
    /// One thing below the directory.
    struct Entry {
        /// The path relative to the directory, as bytes, with `/` separators.
        let path: [UInt8]
        /// What it is.
        let status: stat
        /// The folder that it is in, open.
        let folder: OwnedFile
        /// Its name in that folder.
        let name: [CChar]

        /// Whether this is the file with the given status, whatever its name.
        func `is`(_ other: stat) -> Bool {
            status.st_ino == other.st_ino && status.st_dev == other.st_dev
        }

        /// Opens the file for reading, unless it was exchanged for a link meanwhile.
        func open() throws(SystemFailure) -> OwnedFile {
            let descriptor = openat(folder.descriptor, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
            let label = String(decoding: path, as: UTF8.self)
            guard descriptor >= 0 else { throw .current("cannot open '\(label)'") }
            return OwnedFile(adopting: descriptor, label: label)
        }

        /// Where a symbolic link points to, as bytes.
        func linkTarget() throws(SystemFailure) -> [UInt8] {
            var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX) + 1)
            let count = buffer.withUnsafeMutableBytes { bytes in
                bytes.withMemoryRebound(to: CChar.self) { characters in
                    characters.baseAddress.map { readlinkat(folder.descriptor, name, $0, characters.count) } ?? -1
                }
            }
            guard count >= 0 else { throw .current("cannot read the link '\(String(decoding: path, as: UTF8.self))'") }
            return Array(buffer[..<count])
        }
    }

    /// Visits what is below `directory`, not itself.
    static func visit<Failure: Error>(
        _ directory: OwnedFile, wrapping: (SystemFailure) -> Failure, body: (Entry) throws(Failure) -> Void
    ) throws(Failure) {
        try visit(directory, below: [], wrapping: wrapping, body: body)
    }

    private static func visit<Failure: Error>(
        _ folder: OwnedFile, below prefix: [UInt8], wrapping: (SystemFailure) -> Failure,
        body: (Entry) throws(Failure) -> Void
    ) throws(Failure) {
        let names: [[UInt8]]
        do { names = try Directories.entries(of: folder) } catch { throw wrapping(error) }
        for bytes in names.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let name = bytes.map(CChar.init(bitPattern:)) + [0]
            let path = prefix + bytes
            var status = stat()
            guard fstatat(folder.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                throw wrapping(.current("cannot examine '\(String(decoding: path, as: UTF8.self))'"))
            }
            try body(Entry(path: path, status: status, folder: folder, name: name))
            guard tibet_is_directory(status.st_mode) else { continue }
            let descriptor = openat(folder.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            let label = String(decoding: path, as: UTF8.self)
            guard descriptor >= 0 else { throw wrapping(.current("cannot open '\(label)'")) }
            let inner = OwnedFile(adopting: descriptor, label: label)
            try visit(inner, below: path + [UInt8(ascii: "/")], wrapping: wrapping, body: body)
        }
    }
}
