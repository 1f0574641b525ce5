internal import CLinux
internal import Glibc
internal import SystemPackage

/// The names of one UTC day in a ledger: what is known of them, and the file that holds them.
///
/// The file has one line per name, `<64 digits of the digest> <name>`. Every call needs the ledger's lock.
struct LedgerDay: Sendable {
    /// `YYYY-MM-DD`.
    let day: String

    private var names: [String: Digest] = [:]
    /// How much of which file `names` stands for.
    private var readBytes: Int64 = 0
    private var inode: ino_t = 0
    private var isFull = false

    /// The size of the file, in bytes, from which nothing more is written to it: about 150,000 names.
    static let fullSize: Int64 = 16 << 20

    private static let prefix = "names-"

    /// The day `YYYY-MM-DD`, of which nothing has been read.
    init(_ day: String) { self.day = day }

    /// The day of which `fileName` is the file; nil when it is another file.
    init?(fileName: String) {
        guard fileName.hasPrefix(Self.prefix) else { return nil }
        let day = String(fileName.dropFirst(Self.prefix.count))
        guard SurfaceGrammar.day(of: day) == day else { return nil }
        self.init(day)
    }

    /// The name of the file in the ledger's directory.
    var fileName: String { Self.prefix + day }

    /// Reads what was added since the last time. A file with a line that cannot be read is replaced by one with the
    /// lines that can.
    ///
    /// - Returns: Whether the day is new: nothing was ever written for it.
    mutating func refresh(in directory: OwnedFile) throws(SystemFailure) -> Bool {
        let file = try open(in: directory)
        let status = try file.status()
        let size = Int64(status.st_size)
        isFull = size >= Self.fullSize
        if isFull { return false }
        if status.st_ino != inode || size < readBytes {
            names = [:]
            readBytes = 0
            inode = status.st_ino
        }
        guard try readLines(of: file, upTo: size) else {
            try replace(in: directory)
            return false
        }
        return size == 0
    }

    /// The first of the names for `digest` that no other digest has, remembered durably; nil when there is none.
    mutating func claim(
        _ name: ArrivalName, digest: Digest, in directory: OwnedFile
    ) throws(SystemFailure) -> ArrivalName? {
        // Not with all 64 digits: a fifth part has at most 48 bytes.
        let candidates = name.candidates(for: digest).prefix(3)
        // Nobody knows any more what a full day has given away, so only a name that no other digest can have is safe.
        if isFull { return candidates.count == 3 ? candidates[2] : nil }
        for candidate in candidates {
            switch names[candidate.text] {
            case digest?: return candidate
            case .some: continue
            case nil:
                try append(candidate, digest: digest, in: directory)
                return candidate
            }
        }
        return nil
    }

    private func open(in directory: OwnedFile) throws(SystemFailure) -> OwnedFile {
        let flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK
        do throws(SystemFailure) {
            let file = try OwnedFile(fileName, in: directory, flags: flags)
            if tibet_is_regular(try file.status().st_mode) { return file }
        } catch {
            guard error.errno == .tooManySymbolicLinkLevels else { throw error }
        }
        // A link, a pipe or the like: not ours, and no place to keep names in.
        guard unlinkat(directory.descriptor, fileName, 0) == 0 else {
            throw .current("cannot replace '\(directory.label)/\(fileName)'")
        }
        return try OwnedFile(fileName, in: directory, flags: flags | O_EXCL)
    }

    /// Takes in the lines from `readBytes` on; false when one cannot be read, or the last one has no end.
    private mutating func readLines(of file: OwnedFile, upTo size: Int64) throws(SystemFailure) -> Bool {
        let bytes = try file.bytes(from: readBytes, atMost: Int(size - readBytes))
        let newline = UInt8(ascii: "\n")
        var isWhole = bytes.last ?? newline == newline
        for line in bytes.split(separator: newline) {
            if let (name, digest) = Self.entry(in: line) {
                names[name] = digest
            } else {
                isWhole = false
            }
        }
        readBytes += Int64(bytes.count)
        return isWhole
    }

    private static func entry(in line: ArraySlice<UInt8>) -> (name: String, digest: Digest)? {
        let digits = Digest.byteCount * 2
        guard line.count > digits + 1, line[line.startIndex + digits] == UInt8(ascii: " "),
            let digest = Digest(hex: String(decoding: line.prefix(digits), as: UTF8.self)),
            let name = ArrivalName(String(decoding: line.dropFirst(digits + 1), as: UTF8.self))
        else { return nil }
        return (name.text, digest)
    }

    private static func line(_ name: String, _ digest: Digest) -> [UInt8] {
        Array("\(digest.hex) \(name)\n".utf8)
    }

    private mutating func append(
        _ name: ArrivalName, digest: Digest, in directory: OwnedFile
    ) throws(SystemFailure) {
        let file = try open(in: directory)
        let line = Self.line(name.text, digest)
        try file.write(line, at: readBytes)
        try file.synchronize()
        if readBytes == 0 { try directory.synchronize() }
        names[name.text] = digest
        readBytes += Int64(line.count)
    }

    /// Puts a file with the known names in the place of the present one.
    private mutating func replace(in directory: OwnedFile) throws(SystemFailure) {
        let staging = StagingName.fresh()
        let file = try OwnedFile(staging, in: directory, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
        let content = names.flatMap { Self.line($0.key, $0.value) }
        do throws(SystemFailure) {
            try file.write(content)
            try file.synchronize()
            guard renameat(directory.descriptor, staging, directory.descriptor, fileName) == 0 else {
                throw SystemFailure.current("cannot replace '\(directory.label)/\(fileName)'")
            }
            try directory.synchronize()
            inode = try file.status().st_ino
        } catch {
            _ = unlinkat(directory.descriptor, staging, 0)
            throw error
        }
        readBytes = Int64(content.count)
    }
}
