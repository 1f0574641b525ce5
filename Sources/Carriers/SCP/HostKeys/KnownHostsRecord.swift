internal import CSSH2
internal import Fabric
internal import Glibc
internal import SystemPackage

/// Adds keys to a file of known hosts. What is in the file is not touched.
struct KnownHostsRecord {
    let file: String

    /// Adds the key, unless `isThere` finds, with the file locked, that it has come in the meantime.
    ///
    /// - Parameter hashed: Whether the name is to be hidden, as `HashKnownHosts` asks.
    /// - Returns: Whether it was added; if so, it is on stable storage.
    func add(
        _ key: HostKey, of name: String, hashed: Bool, unless isThere: () throws(CarrierError) -> Bool
    ) throws(CarrierError) -> Bool {
        makeDirectory()
        let descriptor = open(file, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(errno) }
        let owner = Descriptor(descriptor)
        while flock(owner.number, LOCK_EX) != 0 {
            guard errno == EINTR else { throw failure(errno) }
        }
        if try isThere() { return false }
        var line = Array("\(hashed ? Self.hide(name) : name) \(key.type) \(Base64.encode(key.blob))\n".utf8)
        if !endsWithLineFeed(owner) { line.insert(UInt8(ascii: "\n"), at: 0) }
        guard write(owner.number, line, line.count) == line.count, fsync(owner.number) == 0 else {
            throw failure(errno)
        }
        return true
    }

    private func makeDirectory() {
        let directory = FilePath(file).removingLastComponent()
        if !directory.isEmpty { mkdir(directory.string, 0o700) }
    }

    private func endsWithLineFeed(_ owner: Descriptor) -> Bool {
        let end = lseek(owner.number, 0, SEEK_END)
        guard end > 0 else { return true }
        var last: UInt8 = 0
        return pread(owner.number, &last, 1, end - 1) != 1 || last == UInt8(ascii: "\n")
    }

    private static func hide(_ name: String) -> String {
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<20).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return "|1|\(Base64.encode(salt))|\(Base64.encode(HostPatterns.hash(name, salt: salt)))"
    }

    private func failure(_ code: Int32) -> CarrierError {
        CarrierError(
            .misconfigured, .waitForPerson,
            "cannot record the new host key in '\(file)': \(Errno(rawValue: code).description)",
            remedy: "make the file writable, or add the key by hand")
    }
}
