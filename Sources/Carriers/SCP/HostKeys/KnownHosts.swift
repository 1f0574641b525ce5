internal import CSSH2
internal import Fabric
internal import Glibc
internal import SystemPackage

/// What the files of known hosts say about one host.
struct KnownHosts {
    /// An entry, and where it stands.
    struct Entry {
        let file: String
        let line: KnownHostsLine
    }

    /// Why a host's key is not accepted, or that it is.
    enum Verdict {
        case known
        case unknown(authority: Entry?)
        case changed(Entry)
        case otherType(Entry)
        case revoked(Entry)
    }

    private var entries: [Entry] = []
    /// Entries for the host's name without its port, which ssh looks at when there are none with it.
    private var portless: [Entry] = []

    /// A file that has more than this is no file of known hosts.
    private static let largestFile = 64 << 20

    /// Reads what `files` have on `name`; files that do not exist have nothing.
    ///
    /// - Throws: `misconfigured` when a file is there and cannot be read, or holds a revocation that makes no sense.
    init(of name: String, portless bare: String?, in files: [String]) throws(CarrierError) {
        for file in files {
            var number = 0
            for bytes in try Self.content(of: file).split(
                separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            {
                number += 1
                // Comments may be in any encoding; what is compared is ASCII.
                switch KnownHostsLine.read(String(decoding: bytes, as: UTF8.self)[...], number: number) {
                case .nothing: continue
                case .broken: throw Self.unreadable(file, "line \(number) revokes a key that cannot be read")
                case .entry(let line):
                    if line.hosts.contain(name) {
                        entries.append(Entry(file: file, line: line))
                    } else if let bare, line.hosts.contain(bare) {
                        portless.append(Entry(file: file, line: line))
                    }
                }
            }
        }
    }

    /// The key types that the host may show, those first that it is known by.
    var preferredTypes: [String] {
        let known = Set((entries.filter { $0.line.marker == .plain }).map(\.line.key.type))
        return HostKey.usableTypes.filter(known.contains) + HostKey.usableTypes.filter { !known.contains($0) }
    }

    /// What is to be thought of `key`.
    func verdict(on key: HostKey) -> Verdict {
        let all = entries + portless
        if let entry = all.first(where: { $0.line.marker == .revoked && $0.line.key == key }) { return .revoked(entry) }
        let plain = entries.filter { $0.line.marker == .plain }
        if plain.contains(where: { $0.line.key == key }) { return .known }
        if let entry = plain.first(where: { $0.line.key.type == key.type }) { return .changed(entry) }
        if let entry = plain.first { return .otherType(entry) }
        if portless.contains(where: { $0.line.marker == .plain && $0.line.key == key }) { return .known }
        return .unknown(authority: all.first { $0.line.marker == .authority })
    }

    private static func content(of file: String) throws(CarrierError) -> [UInt8] {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return [] }
            throw unreadable(file, Errno(rawValue: errno).description)
        }
        let owner = Descriptor(descriptor)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(owner.number, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(file, Errno(rawValue: errno).description) }
            if count == 0 { break }
            bytes += buffer[..<count]
            guard bytes.count <= largestFile else { throw unreadable(file, "it is larger than any such file") }
        }
        return bytes
    }

    static func unreadable(_ file: String, _ why: String) -> CarrierError {
        CarrierError(
            .misconfigured, .waitForPerson, "cannot read the known hosts in '\(file)': \(why)",
            remedy: "make the file readable, or correct it; no key is checked without it")
    }
}
