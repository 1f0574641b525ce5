internal import Crypto

/// One entry of a file of known hosts (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
struct KnownHostsLine {
    /// What the key is good for.
    enum Marker: Equatable { case plain, revoked, authority }

    let marker: Marker
    /// Whose key it is.
    let hosts: HostPatterns
    let key: HostKey
    /// The number of the line in its file, from 1.
    let number: Int

    /// What a line turned out to be.
    enum Reading {
        case entry(KnownHostsLine)
        /// Empty, a comment, or something that ssh passes over as well.
        case nothing
        /// A revocation that cannot be understood, which must not be passed over.
        case broken
    }

    static func read(_ line: Substring, number: Int) -> Reading {
        var fields = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" })[...]
        guard let first = fields.first, !first.hasPrefix("#") else { return .nothing }
        var marker = Marker.plain
        if first.hasPrefix("@") {
            switch first {
            case "@revoked": marker = .revoked
            case "@cert-authority": marker = .authority
            default: return .nothing
            }
            fields = fields.dropFirst()
        }
        let parts = Array(fields)
        guard parts.count >= 3, let hosts = HostPatterns(parts[0]), let blob = Base64.decode(parts[2]),
            let key = HostKey(blob: blob), key.type == parts[1]
        else { return marker == .revoked ? .broken : .nothing }
        return .entry(KnownHostsLine(marker: marker, hosts: hosts, key: key, number: number))
    }
}

/// The first field of an entry: a hashed name, or patterns of which one must fit and none that is negated.
enum HostPatterns {
    case hashed(salt: [UInt8], hash: [UInt8])
    case patterns([String])

    init?(_ field: Substring) {
        guard field.hasPrefix("|") else {
            self = .patterns(field.lowercased().split(separator: ",").map(String.init))
            return
        }
        let parts = field.split(separator: "|", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[1] == "1", let salt = Base64.decode(parts[2]), let hash = Base64.decode(parts[3]),
            hash.count == Insecure.SHA1.byteCount
        else { return nil }
        self = .hashed(salt: salt, hash: hash)
    }

    /// Whether `name`, in small letters, is meant.
    func contain(_ name: String) -> Bool {
        switch self {
        case .hashed(let salt, let hash): return Self.hash(name, salt: salt) == hash
        case .patterns(let patterns):
            var isMeant = false
            for pattern in patterns {
                if pattern.hasPrefix("!") {
                    if Self.fits(Array(name.utf8)[...], Array(pattern.utf8.dropFirst())[...]) { return false }
                } else if Self.fits(Array(name.utf8)[...], Array(pattern.utf8)[...]) {
                    isMeant = true
                }
            }
            return isMeant
        }
    }

    /// HMAC-SHA1 of the name: broken for signatures, and here no more than a way to hide names.
    static func hash(_ name: String, salt: [UInt8]) -> [UInt8] {
        let code = HMAC<Insecure.SHA1>.authenticationCode(for: Array(name.utf8), using: SymmetricKey(data: salt))
        return Array(code)
    }

    /// `*` stands for any number of characters, `?` for one. Time grows with the product of the lengths, whatever the
    /// pattern.
    private static func fits(_ name: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
        var (name, pattern) = (name, pattern)
        var retry: (name: ArraySlice<UInt8>, pattern: ArraySlice<UInt8>)?
        while true {
            if pattern.first == UInt8(ascii: "*") {
                pattern = pattern.dropFirst()
                retry = (name, pattern)
            } else if let character = name.first, let wanted = pattern.first,
                wanted == character || wanted == UInt8(ascii: "?")
            {
                (name, pattern) = (name.dropFirst(), pattern.dropFirst())
            } else if name.isEmpty, pattern.isEmpty {
                return true
            } else if let last = retry, !last.name.isEmpty {
                (name, pattern) = (last.name.dropFirst(), last.pattern)
                retry = (name, pattern)
            } else {
                return false
            }
        }
    }
}
